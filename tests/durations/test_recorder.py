"""How long things take and how many are done in a day: noted by every change, summed up, worked out anew."""

import io
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from math import ceil

import pytest
from django.core.management import call_command
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from workitems import transitions
from workitems.durations import last_days, recorder, usual, usual_in_all
from workitems.durations.scale import BANDS, at_share, band_of, bounds_of, step_of
from workitems.import_export import export_lines, import_files
from workitems.lifecycle import TransitionRequest
from workitems.models import DayCount, StepTime, Typical, WorkItem

from ..factories import InstitutionFactory, make_item, service
from ..stored import another_installation

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday
MONDAY = NOON.date() - timedelta(days=2)


def kept():
    """All that is kept, summed up: {(week or day, …): number}."""
    times = StepTime.objects.values_list("week", "action", "stage", "band", "step", "number")
    days = DayCount.objects.values_list("day", "institution_id", "action", "outcome", "number")
    found = {}
    for *what, number in [*times, *days]:
        found[tuple(what)] = found.get(tuple(what), 0) + number
    return {what: number for what, number in found.items() if number}


def after(**time):
    return NOON + timedelta(**time)


def ingested(institution, *, start=NOON, fetch=60, validate=600, size=266_240):
    """An ingest: so many seconds at Fetch and at Validate, then done."""
    worker = service()
    item = make_item(institution, at=start, size=size, date=start)
    transitions.progress(item, stage="Fetch", by=worker, at=start + timedelta(seconds=10))
    transitions.progress(item, stage="Validate", by=worker, at=start + timedelta(seconds=10 + fetch))
    transitions.succeed(item, stage="Record", by=worker, at=start + timedelta(seconds=10 + fetch + validate))
    return item


def test_what_an_ingest_adds(virginia):
    ingested(virginia)
    band = band_of(266_240)
    assert kept() == {
        (MONDAY, "Ingest", "Receive", band, step_of(10)): 1,
        (MONDAY, "Ingest", "Fetch", band, step_of(60)): 1,
        (MONDAY, "Ingest", "Validate", band, step_of(600)): 1,
        (MONDAY, "Ingest", "", band, step_of(670)): 1,
        (NOON.date(), virginia.pk, "Ingest", "done"): 1,
    }


def test_waiting_and_running_at_a_stage_are_one_time(virginia):
    worker, item = service(), make_item(virginia, at=NOON)
    transitions.progress(item, stage="Fetch", status="Pending", by=worker, at=after(minutes=1))
    transitions.progress(item, stage="Fetch", by=worker, at=after(minutes=5), node="n")
    transitions.progress(item, stage="Validate", by=worker, at=after(minutes=11))
    assert (MONDAY, "Ingest", "Fetch", band_of(item.size), step_of(600)) in kept()
    assert item.stage_entered_at == after(minutes=11)


@pytest.mark.parametrize("end", ["fail", "cancel", "again"])
def test_what_did_not_go_on_by_itself_says_nothing_of_times(virginia, ada, end):
    worker, item = service(), make_item(virginia, stage="Validate", at=NOON)
    outcomes = {"fail": "failed", "cancel": "cancelled"}
    if end == "fail":
        transitions.fail(item, note="No.", retry=False, by=worker, at=after(hours=1))
    elif end == "cancel":
        transitions.cancel(item, note="No.", by=ada, at=after(hours=1))
    else:
        transitions.fail(item, note="Later.", retry=True, by=worker, at=after(hours=1))
        transitions.requeue(item, stage="Receive", by=ada, at=after(hours=2))
        assert item.stage_entered_at == after(hours=2)
    counted = {(NOON.date(), virginia.pk, "Ingest", outcomes[end]): 1} if end in outcomes else {}
    assert kept() == counted


def test_a_temporary_failure_ends_nothing_and_a_switched_off_retry_does(virginia, ada):
    item = make_item(virginia, stage="Validate", at=NOON)
    transitions.fail(item, note="Later.", retry=True, by=service(), at=after(hours=1))
    assert kept() == {}
    transitions.edit(item, retry=False, by=ada, at=after(days=1))
    assert kept() == {(NOON.date() + timedelta(days=1), virginia.pk, "Ingest", "failed"): 1}
    transitions.review(item, reviewed=True, by=ada, at=after(days=2))
    assert len(kept()) == 1


def test_many_at_once_are_counted_each(virginia, ada):
    items = [make_item(virginia, at=NOON) for _ in range(30)]
    done = transitions.apply(
        "cancel", [one.pk for one in items], TransitionRequest(note="No."), by=ada, at=after(hours=1)
    )
    assert all(one.changed for one in done)
    assert kept() == {(NOON.date(), virginia.pk, "Ingest", "cancelled"): 30}


@pytest.mark.django_db(transaction=True)
def test_rows_are_summed_up_and_nothing_is_lost(virginia):
    for _ in range(5):
        ingested(virginia)
    before = kept()
    assert set(before.values()) == {5}
    recorder.sum_up()
    assert kept() == before
    assert (StepTime.objects.count(), DayCount.objects.count()) == (4, 1)
    ingested(virginia)
    assert StepTime.objects.count() == 8
    recorder.sum_up()
    assert StepTime.objects.count() == 4
    assert set(kept().values()) == {6}


@pytest.mark.django_db(transaction=True)
def test_whoever_appends_one_of_many_sums_up(virginia, monkeypatch):
    monkeypatch.setattr(recorder, "SUM_EVERY", 8)
    for _ in range(6):
        ingested(virginia)
    assert StepTime.objects.filter(is_sum=True).exists()
    assert StepTime.objects.filter(is_sum=False).count() < 8
    assert set(kept().values()) == {6}


@pytest.mark.django_db(transaction=True)
def test_writers_and_summing_up_at_once(virginia, on_postgresql):
    service()

    def write():
        for _ in range(8):
            ingested(virginia)
            recorder.sum_up()
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(kept().values()) == {48}


@pytest.mark.django_db(transaction=True)
def test_worked_out_anew_it_is_the_same(virginia, jhu, ada):
    for start in (NOON, NOON - timedelta(days=30), NOON - timedelta(days=90)):
        ingested(virginia, start=start)
        item = ingested(jhu, start=start, size=None)
        transitions.review(item, reviewed=True, by=ada, at=start + timedelta(days=1))
        failed = make_item(jhu, at=start, stage="Validate", retry=False)
        transitions.progress(failed, by=service(), at=start + timedelta(hours=1))
        transitions.fail(failed, note="No.", retry=False, by=service(), at=start + timedelta(hours=2))
        again = make_item(jhu, at=start, stage="Validate")
        transitions.fail(again, note="Later.", retry=True, by=service(), at=start + timedelta(hours=2))
        transitions.requeue(again, stage="Receive", by=ada, at=start + timedelta(hours=3))
        transitions.cancel(again, note="No.", by=ada, at=start + timedelta(hours=4))
    before = kept()
    StepTime.objects.update(number=7)
    DayCount.objects.filter(outcome="done").delete()
    recorder.work_out_anew(NOON + timedelta(days=3))
    assert kept() == before
    assert not StepTime.objects.filter(is_sum=False).exists()


@pytest.mark.django_db(transaction=True)
def test_worked_out_anew_while_others_write(virginia, on_postgresql):
    service()
    for _ in range(5):
        ingested(virginia)
    ended = threading.Event()

    def write():
        while not ended.is_set():
            ingested(virginia)
            recorder.sum_up()
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            recorder.work_out_anew(NOON)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert set(kept().values()) == {WorkItem.objects.count()}


def test_too_few_say_nothing(virginia):
    few = [ingested(virginia) for _ in range(recorder.FEWEST - 1)]
    recorder.work_out_typical(NOON)
    assert not Typical.objects.exists()
    assert usual(few[0]) is None
    ingested(virginia)
    recorder.work_out_typical(NOON)
    assert set(Typical.objects.values_list("stage", flat=True)) == {"", "Receive", "Fetch", "Validate"}


def test_what_is_usual_is_within_a_tenth(virginia):
    for n in range(40):
        ingested(virginia, fetch=100 + 10 * n)
    recorder.work_out_typical(NOON)
    item = make_item(virginia, stage="Fetch", at=NOON)
    found = usual(item)
    for told, true in ((found.low, 140), (found.median, 300), (found.high, 450), (found.late, 480)):
        assert told.total_seconds() == pytest.approx(true, rel=0.1)
    assert found.number == 40
    assert usual_in_all(item).median.total_seconds() == pytest.approx(910, rel=0.1)
    assert usual(make_item(virginia, stage="Fetch", size=10**12)) is None


def test_old_weeks_are_forgotten(virginia):
    for _ in range(recorder.FEWEST):
        ingested(virginia, start=NOON - timedelta(days=300))
    recorder.work_out_typical(NOON)
    assert not Typical.objects.exists()
    assert not StepTime.objects.exists()


def test_the_last_days(virginia, jhu):
    ingested(virginia)
    ingested(jhu, start=NOON - timedelta(days=1))
    transitions.fail(make_item(virginia, at=NOON), note="No.", retry=False, by=service(), at=NOON)
    days = last_days(3, NOON.date(), None, using="default")
    assert [(day.done, day.failed, day.cancelled) for day in days] == [(0, 0, 0), (1, 0, 0), (1, 1, 0)]
    own = last_days(3, NOON.date(), [jhu.pk], using="default")
    assert [(day.done, day.failed) for day in own] == [(0, 0), (1, 0), (0, 0)]


def test_an_import_brings_what_its_histories_say(db):
    now = datetime.now(UTC).replace(microsecond=0)
    virginia = InstitutionFactory(identifier="virginia.edu")
    with another_installation():
        ingested(virginia, start=now - timedelta(days=2))
        waiting = make_item(virginia, at=now - timedelta(hours=5))
        transitions.progress(waiting, stage="Fetch", by=service(), at=now - timedelta(hours=4))
        text, before = "".join(export_lines()), kept()
    assert kept() == {}
    assert import_files(["-"], stdin=io.BytesIO(text.encode())).created == 2
    assert kept() == before
    assert WorkItem.objects.get(stage="Fetch").stage_entered_at == now - timedelta(hours=4)


def test_the_command_says_what_it_has_read(virginia, capsys):
    ingested(virginia)
    WorkItem.objects.filter(pk=make_item(virginia).pk).update(stage_entered_at=None)
    call_command("work_out_pace")
    assert capsys.readouterr().out.splitlines() == [
        "1 open items read.",
        "2 histories read.",
        "0 failures read.",
    ]
    assert not WorkItem.objects.filter(stage_entered_at=None).exists()


@given(st.integers(min_value=0, max_value=10**15))
def test_every_size_has_its_band(size):
    first, end = bounds_of(band_of(size))
    assert first <= size
    assert end is None or size < end
    assert band_of(size) in BANDS


@given(st.lists(st.floats(min_value=1, max_value=10**8), min_size=1, max_size=60), st.floats(0.05, 1))
def test_a_share_is_within_one_step(times, share):
    steps = Counter(map(step_of, times))
    true = sorted(times)[max(0, ceil(share * len(times) - 1e-9) - 1)]
    assert true / 1.2 <= at_share(steps, share) <= true * 1.2
