"""`simulate` acts as the workers: it makes only legal moves and respects people's decisions."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from pharos.accounts.models import User
from pharos.accounts.roles import Role
from workitems import transitions
from workitems.lifecycle import PATHS, ItemState, Phase, TransitionRequest, evaluate, phase_of
from workitems.models import HistoryEntry, WorkItem
from workitems.simulation import DatabaseActor, Simulation
from workitems.simulation.decisions import decide as plan_for
from workitems.simulation.decisions import decide_arrival
from workitems.vocabulary import Action, Status

from ..factories import make_item

NOW = datetime(2026, 3, 4, tzinfo=UTC)


@pytest.fixture
def actor(wally):
    return DatabaseActor(wally)


@pytest.fixture
def backlog(virginia, jhu):
    """A few of every action."""
    return [
        make_item(institution, action=action.value)
        for institution in (virginia, jhu)
        for action in Action
        for _ in "ab"
    ]


def test_steps_leave_no_illegal_history(actor, backlog):
    simulation = Simulation(actor, seed=3, most=20)
    done = [line for _ in range(30) for line in simulation.step()]
    assert all(line.changed for line in done)
    assert WorkItem.objects.filter(status=Status.SUCCESS).count() > 5
    assert WorkItem.objects.count() > len(backlog)
    assert HistoryEntry.objects.filter(move="fail").exists()
    for item in WorkItem.objects.all():
        entries = [*item.history.order_by("number")]
        assert [entry.number for entry in entries] == [*range(1, len(entries) + 1)]
        for before, after in pairwise(entries):
            assert (after.stage_before, after.status_before) == (before.stage_after, before.status_after)
            assert before.at <= after.at
        assert (entries[-1].stage_after, entries[-1].status_after) == (item.stage, item.status)


def test_the_same_seed_makes_the_same_decisions(actor, backlog):
    one, two = (Simulation(actor, seed=5).decide(NOW) for _ in range(2))
    assert one == two
    assert one


def test_an_admins_cancel_is_respected(actor, backlog, ada, virginia):
    simulation = Simulation(actor, seed=1, most=30)
    plans = [plan for plan in simulation.decide(NOW) if plan.item_id]
    assert len(plans) > 1
    chosen = WorkItem.objects.get(pk=plans[0].item_id)
    transitions.cancel(chosen, by=ada, note="The wrong disk.")
    told = [actor.carry_out(plan) for plan in plans]
    assert [line.changed for line in told] == [False] + [True] * (len(plans) - 1)
    assert "left alone" in told[0].line
    for _ in range(10):
        simulation.step()
    chosen.refresh_from_db()
    assert (chosen.status, chosen.note) == (Status.CANCELLED, "The wrong disk.")
    assert chosen.history.order_by("number").last().move == "cancel"


def test_an_item_that_has_moved_on_is_left_alone(actor, item, wally):
    [plan] = [plan for plan in Simulation(actor, seed=1).decide(NOW) if plan.item_id]
    assert (plan.move, plan.values["stage"]) == ("progress", "Fetch")
    transitions.progress(item, by=wally, stage="Fetch", note="Somebody else was quicker.", node="theirs")
    assert not actor.carry_out(plan).changed
    item.refresh_from_db()
    assert (item.node, item.note) == ("theirs", "Somebody else was quicker.")


def test_items_that_workers_must_not_touch_stay_unchanged(actor, virginia, wally, ada):
    now = datetime.now(UTC)
    old = make_item(virginia, name="bag.tar", etag="a" * 32, date=now - timedelta(hours=9))
    make_item(virginia, name="bag.tar", etag="b" * 32, date=now - timedelta(hours=1))
    first = make_item(virginia, name="same.tar", etag="c" * 32, date=now - timedelta(hours=9))
    again = make_item(virginia, name="same.tar", etag="c" * 32, date=now - timedelta(hours=1))
    held = transitions.suspend(make_item(virginia), by=wally, note="Quota.")
    given_up = transitions.progress(
        make_item(virginia), by=wally, note="Given up.", retry=False, needs_admin_review=True
    )
    closed = transitions.cancel(make_item(virginia), by=ada, note="Wrong bag.")
    untouched = [old, again, held, given_up, closed]
    versions = {item.pk: item.version for item in untouched}
    simulation = Simulation(actor, seed=2, most=10)
    for _ in range(15):
        simulation.step()
    assert dict(WorkItem.objects.filter(pk__in=versions).exclude(pk=again.pk).values_list("pk", "version")) == {
        pk: version for pk, version in versions.items() if pk != again.pk
    }
    first.refresh_from_db()
    again.refresh_from_db()
    assert first.version > 1
    # Once the first has failed for good, the second is no duplicate any more and may go on.
    assert again.version == 1 or first.status == Status.FAILED


def test_an_empty_installation_gets_uploads(actor, virginia):
    [done] = Simulation(actor, seed=1).step()
    item = WorkItem.objects.get()
    assert done.changed
    assert (item.institution, item.stage, item.status) == (virginia, "Receive", "Pending")
    assert item.history.get().who == "wally@aptrust.org"


def test_new_uploads_have_unique_names_even_with_the_same_seed():
    names = {decide_arrival(Random(1), ["test.edu"], NOW + timedelta(seconds=n)).values["name"] for n in range(5)}
    assert len(names) == 5


@given(data=st.data(), action=st.sampled_from([*Action]), seed=st.integers(0, 10_000))
def test_every_decision_is_legal(data, action, seed):
    """From every state of an open item, including those off the usual route."""
    stage = data.draw(st.sampled_from(PATHS[action]))
    status = data.draw(st.sampled_from([Status.PENDING, Status.STARTED, Status.FAILED]))
    item = SimpleNamespace(pk=1, version=4, action=action, stage=stage, status=status, name="bag.tar")
    plan = plan_for(Random(seed), item, "test.edu")
    values = dict(plan.values)
    target = {
        "progress": values.pop("status", Status.STARTED),
        "succeed": Status.SUCCESS,
        "fail": Status.FAILED,
        "suspend": Status.SUSPENDED,
    }[plan.move]
    wanted = TransitionRequest(values.pop("stage", None), target, values.pop("note", None), values)
    facts = ItemState(action=action, stage=stage, status=status, retry=True, note="before")
    assert phase_of(status, retry=True) is Phase.OPEN
    new = evaluate(plan.move, facts, wanted, role=Role.WORKER, domain="test.edu", item_name="bag.tar", now=NOW)
    assert new["status"] == target
    assert (plan.item_id, plan.version) == (1, 4)


def test_the_command_prints_a_line_per_change(backlog, wally, capsys):
    call_command("simulate", every=0, steps=10, seed=4)
    *lines, end = capsys.readouterr().out.splitlines()
    assert end == f"Stopped after {len(lines)} changes."
    entries = HistoryEntry.objects.exclude(move="create", item__in=backlog)
    assert entries.count() == len(lines) > 5
    assert all("#" in line for line in lines)


def test_the_command_stops_with_ctrl_c(backlog, wally, monkeypatch, capsys):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    call_command("simulate", seed=4)
    assert capsys.readouterr().out.splitlines()[-1].startswith("Stopped after ")


@pytest.fixture(autouse=True)
def debugging(settings):
    """Turns DEBUG on, because the simulation refuses to run without it."""
    settings.DEBUG = True


def test_the_command_refuses_to_run_in_production(backlog, wally, settings):
    settings.DEBUG = False
    before = [*HistoryEntry.objects.values()]
    with pytest.raises(CommandError, match="DEBUG=true"):
        call_command("simulate", every=0, steps=5, seed=4)
    assert [*HistoryEntry.objects.values()] == before


def test_the_command_creates_a_service_account(virginia):
    call_command("simulate", every=0, steps=1)
    assert User.objects.get().role == Role.WORKER


def test_the_command_does_not_reactivate_its_account(virginia):
    call_command("simulate", every=0, steps=1)
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="Service account"):
        call_command("simulate", every=0, steps=1)


def test_the_command_stops_when_its_seconds_are_over(backlog, wally, capsys):
    call_command("simulate", every=0, seconds=1e-9, seed=4)
    assert capsys.readouterr().out == "Stopped after 0 changes.\n"


@pytest.mark.parametrize("wrong", [{"every": -1}, {"steps": 0}, {"seconds": 0}])
def test_the_command_refuses_invalid_arguments(wally, wrong):
    with pytest.raises(CommandError, match="--every"):
        call_command("simulate", **{"every": 0, "steps": 1, **wrong})
