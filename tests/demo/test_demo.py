"""The demo: its people, and items that look like real ones, each with a consistent history.

Proportions are checked on the stories, which need no database; the rest on a small demo that is loaded once.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import override_settings

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Role
from workitems.demo import DemoRefused, load_demo, texts
from workitems.demo.load import SEED, steps_before
from workitems.demo.plot import Plot
from workitems.models import HistoryEntry, WorkItem
from workitems.vocabulary import Action, Stage, Status

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
COUNT = 200
MEMBERS = ["example.edu", "institution1.edu", "institution2.edu", "test.edu"]
PEOPLE = {
    "admin@aptrust.org": Role.ADMIN,
    "system@aptrust.org": Role.WORKER,
    **{f"depositor@{domain}": Role.DEPOSITOR for domain in MEMBERS[1:]},
    **{f"staff@{domain}": Role.STAFF for domain in MEMBERS[1:]},
}


@pytest.fixture(scope="module")
def loaded(django_db_setup, django_db_blocker):
    """Rolled back after the module's tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(DEBUG=True):
            result = load_demo(count=COUNT, now=NOW, quiet=True)
        yield result
        transaction.set_rollback(True)


@pytest.fixture
def demo(loaded, db):
    return loaded


@pytest.fixture(scope="module")
def stories():
    """The stories of the full demo."""
    return Plot(count=3000, now=NOW, seed=SEED).write_stories()


def test_every_user_exists_with_their_role(demo):
    assert dict(User.objects.values_list("email", "role")) == PEOPLE
    assert demo.people == len(PEOPLE)
    for user in User.objects.select_related("institution"):
        assert user.email.endswith(f"@{user.institution.identifier}")
    assert [*Institution.objects.values_list("identifier", flat=True)] == sorted([*MEMBERS, "aptrust.org"])


@pytest.mark.parametrize("email", [email for email, role in PEOPLE.items() if role != Role.WORKER])
def test_the_password_is_accepted_only_with_debug(demo, settings, email):
    for debug in (True, False):
        settings.DEBUG = debug
        found = authenticate(None, email=email, password="lighthouse")
        assert (found and found.email) == (email if debug else None)


def test_the_service_has_no_password(demo, settings):
    settings.DEBUG = True
    assert not User.objects.get(email="system@aptrust.org").has_usable_password()
    assert authenticate(None, email="system@aptrust.org", password="lighthouse") is None


def test_every_item_has_a_legal_history(demo):
    histories = defaultdict(list)
    for entry in HistoryEntry.objects.order_by("item_id", "number"):
        histories[entry.item_id].append(entry)
    assert len(histories) == demo.items == WorkItem.objects.count()
    for item in WorkItem.objects.all():
        entries = histories[item.pk]
        assert [entry.number for entry in entries] == [*range(1, item.version + 1)]
        assert [entry.move for entry in entries].count("create") == 1
        for before, after in pairwise(entries):
            assert before.at < after.at
            assert (before.stage_after, before.status_after) == (after.stage_before, after.status_before)
        last = entries[-1]
        assert (last.stage_after, last.status_after, last.note) == (item.stage, item.status, item.note)
        assert item.created_at == entries[0].at
        assert item.updated_at == last.at


def test_nothing_is_in_the_future(demo):
    assert HistoryEntry.objects.filter(at__gt=NOW).count() == 0
    for column in ("date", "bag_date", "queued_at", "stage_started_at", "created_at", "updated_at"):
        assert WorkItem.objects.filter(**{f"{column}__gt": NOW}).count() == 0, column


def test_an_unfinished_story_stops_at_the_present(stories):
    middle = stories[1500].start
    played = steps_before(middle, stories)
    assert played == sorted(played)
    assert max(at for at, *_rest in played) == middle
    assert len(played) == sum(step.at <= middle for story in stories for step in story.steps)


def test_ids_follow_the_order_of_creation(demo):
    created = [*WorkItem.objects.order_by("id").values_list("created_at", flat=True)]
    assert created == sorted(created)


def test_every_institution_has_items_in_each_state(demo):
    for domain in MEMBERS:
        own = WorkItem.objects.filter(institution__identifier=domain)
        assert own.open().exists(), domain
        for reviewed in (True, False):
            assert own.closed().filter(reviewed=reviewed).exists(), (domain, reviewed)


def test_items_are_reviewed_by_their_own_staff(demo):
    reviews = HistoryEntry.objects.filter(move="review").select_related("item__institution")
    assert WorkItem.objects.filter(reviewed=True).count() == reviews.count() > COUNT // 4
    for entry in reviews:
        domain = entry.item.institution.identifier
        if entry.item.action == "Fixity Check" and entry.status_after == "Failed":
            assert entry.who == "admin@aptrust.org"  # damaged copies
            continue
        assert entry.who == (f"staff@{domain}" if f"staff@{domain}" in PEOPLE else "admin@aptrust.org")
        assert entry.via == "page"
        assert entry.act is not None


def test_every_action_and_every_open_stage(demo):
    assert {*WorkItem.objects.values_list("action", flat=True)} == {action.value for action in Action}
    ingests = WorkItem.objects.open().filter(action=Action.INGEST)
    stages = {*ingests.values_list("stage", flat=True)}
    assert stages >= {
        "Receive",
        "Fetch",
        "Validate",
        "Reingest Check",
        "Copy To Staging",
        "Format Identification",
        "Store",
        "Storage Validation",
        "Record",
        "Cleanup",
    }
    passed = {*HistoryEntry.objects.values_list("stage_after", flat=True)}
    assert passed == {stage.value for stage in Stage}
    assert {*WorkItem.objects.values_list("status", flat=True)} == {status.value for status in Status}


@pytest.mark.parametrize(
    "words",
    [
        "does not match",
        "no such file",
        "has no value",
        "untars to",
        "no payload manifest",
        "too many errors",
        "cannot be untarred",
        "Fixity mismatch",
    ],
)
def test_permanent_failures_of_each_kind(demo, words):
    assert WorkItem.objects.closed().filter(status=Status.FAILED, retry=False, note__contains=words).exists()


def test_the_note_with_too_many_errors_has_many_lines(demo):
    notes = WorkItem.objects.filter(note__contains="too many errors").values_list("note", flat=True)
    assert notes
    assert all(note.count("\n") > 200 for note in notes)


@pytest.mark.parametrize("words", ["S3 did not answer", "No space left", "container was killed"])
def test_temporary_failures_of_each_kind(demo, words):
    assert WorkItem.objects.open().filter(status=Status.FAILED, retry=True, note__contains=words).exists()


def test_items_that_wait_for_an_admin(demo):
    given_up = WorkItem.objects.filter(status=Status.STARTED, retry=False, needs_admin_review=True)
    assert given_up.exists()
    assert all("Given up" in item.note for item in given_up)
    assert WorkItem.objects.filter(status=Status.SUSPENDED, needs_admin_review=True).exists()


def test_superseded_and_duplicate_uploads(demo):
    superseded = WorkItem.objects.superseded()
    assert superseded.filter(stage=Stage.RECEIVE, status=Status.PENDING).exists()
    assert WorkItem.objects.duplicates().exists()
    cancelled = HistoryEntry.objects.filter(move="cancel", who="system@aptrust.org")
    assert {*cancelled.values_list("note", flat=True)} == {texts.SUPERSEDED, texts.DUPLICATE}
    # Only the uploads that are meant to: no two ordinary bags have one name by chance.
    assert superseded.count() + WorkItem.objects.duplicates().count() <= 10


def test_cancelled_by_an_admin_with_a_note(demo):
    cancelled = WorkItem.objects.filter(status=Status.CANCELLED, stage=Stage.RESOLVE)
    assert {*cancelled.values_list("note", flat=True)} == {*texts.CANCELLED}


def test_requeued_and_then_successful(demo):
    requeued = WorkItem.objects.filter(history__move="requeue").distinct()
    assert requeued.count() >= 3
    assert {*requeued.values_list("status", flat=True)} == {Status.SUCCESS}


def test_late_and_stuck_items(demo):
    busy = WorkItem.objects.filter(status=Status.STARTED, retry=True)
    assert busy.filter(updated_at__lt=NOW - timedelta(days=2), updated_at__gt=NOW - timedelta(days=8)).count() >= 4
    assert busy.filter(updated_at__lt=NOW - timedelta(days=15)).exclude(node="").exists()


def test_unusual_names_and_sizes(demo):
    names = {*WorkItem.objects.values_list("name", flat=True)}
    assert names >= {*texts.AWKWARD_NAMES}
    assert any(len(name) > 400 for name in names)
    assert len([name for name in names if ".of12.tar" in name]) == 12
    sizes = sorted(WorkItem.objects.values_list("size", flat=True))
    assert sizes[0] < 10_000
    assert sizes[-1] == 5 * 10**12
    assert WorkItem.objects.filter(etag__regex=r"^[0-9a-f]{32}-\d+$", size__gt=5 * 10**9).exists()


def test_an_object_has_several_items(demo):
    actions = defaultdict(set)
    for identifier, action in WorkItem.objects.exclude(object_identifier="").values_list("object_identifier", "action"):
        actions[identifier].add(action)
    assert any({"Ingest", "Fixity Check"} <= found for found in actions.values())
    assert any({"Ingest", "Restore"} <= found for found in actions.values())


def test_the_full_demo_has_realistic_proportions(stories):
    total = len(stories)
    assert total == 3000
    last = Counter(next(step.move for step in reversed(s.steps) if step.move != "review") for s in stories)
    assert 0.92 <= last["succeed"] / total <= 0.97
    # As many are open or on hold as a person would page through.
    assert 80 <= sum(not s.closed for s in stories) <= 160
    actions = Counter(s.action for s in stories)
    assert actions[Action.INGEST] / total > 0.6
    assert set(actions) == set(Action)
    assert 0.33 <= Counter(s.bag.domain for s in stories)["institution1.edu"] / total <= 0.47
    closed = [s for s in stories if s.closed]
    assert 0.45 <= sum(s.steps[-1].move == "review" for s in closed) / len(closed) <= 0.58
    assert timedelta(days=700) < NOW - stories[0].start < timedelta(days=735)


def test_deletions_come_in_bursts_and_dpn_items_are_old(stories):
    deletions = Counter(s.start.date() for s in stories if s.action == Action.DELETE)
    assert max(deletions.values()) >= 150
    assert all(s.start < NOW - timedelta(days=500) for s in stories if s.action == Action.DPN)


def test_larger_bags_take_longer(stories):
    spent = defaultdict(list)
    for story in stories:
        times = {step.values.get("stage"): step.at for step in story.steps}
        if Stage.STORE in times and Stage.STORAGE_VALIDATION in times:
            spent[story.bag.size > 10**10].append(times[Stage.STORAGE_VALIDATION] - times[Stage.STORE])
    small, large = (sorted(spent[key])[len(spent[key]) // 2] for key in (False, True))
    assert large > 3 * small


def test_the_same_seed_creates_the_same_demo_shifted_in_time():
    later = NOW + timedelta(days=11, hours=5)
    one, two = (Plot(count=300, now=now, seed=7).write_stories() for now in (NOW, later))
    assert [(s.bag, s.action, [step.move for step in s.steps]) for s in one] == [
        (s.bag, s.action, [step.move for step in s.steps]) for s in two
    ]
    assert one[0].start - NOW == two[0].start - later
    assert [s.bag for s in one] != [s.bag for s in Plot(count=300, now=NOW, seed=8).write_stories()]


def test_it_is_not_loaded_twice(demo, settings):
    settings.DEBUG = True
    with pytest.raises(DemoRefused, match=rf"{COUNT} items and 7 users.*DATABASE_URL"):
        load_demo(quiet=True)
    assert WorkItem.objects.count() == COUNT


def test_it_is_refused_in_production(demo, settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG=true"):
        call_command("load_demo")
