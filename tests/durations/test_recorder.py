"""How long things take and how many come to an end: noted by every change, summed up, worked out anew."""

import io
import threading
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from math import ceil
from zoneinfo import ZoneInfo, available_timezones

import pytest
from django.core.management import call_command
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st

from workitems import transitions
from workitems.durations import last_days, recorder, usual, usual_in_all
from workitems.durations.days import offsets_between
from workitems.durations.scale import BANDS, at_share, band_of, bounds_of, step_of
from workitems.durations.steps import EVERYBODY, QUARTER, beginning_of, quarter_of
from workitems.import_export import export_lines, import_files
from workitems.lifecycle import TransitionRequest
from workitems.models import HistoryEntry, OutcomeCount, StepTime, Typical, WorkItem

from ..factories import InstitutionFactory, make_item, service
from ..stored_items import rolled_back

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday
MONDAY = NOON.date() - timedelta(days=2)


def kept():
    """All that is kept, summed up: {(week or quarter, …): number}."""
    times = StepTime.objects.values_list("week", "action", "stage", "band", "step", "number")
    outcomes = OutcomeCount.objects.values_list("quarter", "institution_id", "outcome", "number")
    found = {}
    for *what, number in [*times, *outcomes]:
        found[tuple(what)] = found.get(tuple(what), 0) + number
    return {what: number for what, number in found.items() if number}


def after(**time):
    return NOON + timedelta(**time)


def ended(institution, outcome, at=NOON, number=1):
    """What is kept of so many that came to an end then."""
    return {(quarter_of(at), owner, outcome): number for owner in (institution.pk, EVERYBODY)}


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
        **ended(virginia, "done"),
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
    assert kept() == (ended(virginia, outcomes[end], after(hours=1)) if end in outcomes else {})


def test_a_temporary_failure_ends_nothing_and_a_switched_off_retry_does(virginia, ada):
    item = make_item(virginia, stage="Validate", at=NOON)
    transitions.fail(item, note="Later.", retry=True, by=service(), at=after(hours=1))
    assert kept() == {}
    transitions.edit(item, retry=False, by=ada, at=after(days=1))
    assert kept() == ended(virginia, "failed", after(days=1))
    transitions.review(item, reviewed=True, by=ada, at=after(days=2))
    assert len(kept()) == 2


def test_many_at_once_are_counted_each(virginia, ada):
    items = [make_item(virginia, at=NOON) for _ in range(30)]
    done = transitions.apply(
        "cancel", [one.pk for one in items], TransitionRequest(note="No."), by=ada, at=after(hours=1)
    )
    assert all(one.changed for one in done)
    assert kept() == ended(virginia, "cancelled", after(hours=1), 30)


@pytest.mark.django_db(transaction=True)
def test_rows_are_summed_up_and_nothing_is_lost(virginia):
    for _ in range(5):
        ingested(virginia)
    before = kept()
    assert set(before.values()) == {5}
    recorder.sum_up()
    assert kept() == before
    assert (StepTime.objects.count(), OutcomeCount.objects.count()) == (4, 2)
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
    OutcomeCount.objects.filter(outcome="done").delete()
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


def test_old_outcomes_are_forgotten_once_no_day_of_the_overview_needs_them(virginia):
    for days in (0, 89, 95, 300):
        ingested(virginia, start=NOON - timedelta(days=days))
    OutcomeCount.objects.update(is_sum=True)
    recorder.work_out_typical(NOON)
    for zone in map(ZoneInfo, FAR_APART):
        days = last_days(90, after(hours=1), zone, None, using="default")
        assert sum(day.done for day in days) == 2
    assert OutcomeCount.objects.filter(institution_id=EVERYBODY).count() == 2


def test_the_last_days(virginia, jhu):
    ingested(virginia)
    ingested(jhu, start=NOON - timedelta(days=1))
    transitions.fail(make_item(virginia, at=NOON), note="No.", retry=False, by=service(), at=NOON)
    days = last_days(3, after(hours=1), UTC, None, using="default")
    assert [day.day for day in days] == [NOON.date() - timedelta(days=ago) for ago in (2, 1, 0)]
    assert [(day.done, day.failed, day.cancelled) for day in days] == [(0, 0, 0), (1, 0, 0), (1, 1, 0)]
    own = last_days(3, after(hours=1), UTC, [jhu.pk], using="default")
    assert [(day.done, day.failed) for day in own] == [(0, 0), (1, 0), (0, 0)]


# The ends of the calendar; half and quarter hours; and the night when New York and London change their clocks, in this window.
FAR_APART = ("Etc/GMT+12", "Pacific/Kiritimati")
ZONES = (*FAR_APART, "UTC", "America/New_York", "Europe/London", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham")


@pytest.mark.parametrize("name", ZONES)
def test_the_days_are_those_of_any_zone(virginia, jhu, name):
    """Compared with the histories: items that end around midnight here and there, and when the clocks are changed."""
    zone, worker = ZoneInfo(name), service()
    changes = [datetime(2026, 10, 25, 1, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)]
    begun = datetime.combine(NOON.astimezone(zone).date(), time(), tzinfo=zone).astimezone(UTC)
    nights = [begun - timedelta(days=ago) for ago in (0, 1, 16, 17, 18, 24, 25, 60, 89, 90)]
    for n, moment in enumerate([*changes, *nights]):
        for minutes in (-61, -1, 0, 14, 61):
            if (at := moment + timedelta(minutes=minutes)) <= NOON:
                transitions.succeed(make_item((virginia, jhu)[n % 2], at=at), stage="Record", by=worker, at=at)
    for owners in (None, [virginia.pk]):
        entries = HistoryEntry.objects.filter(status_after="Success")
        entries = entries.filter(item__institution__in=owners) if owners else entries
        right = Counter(at.astimezone(zone).date() for at in entries.values_list("at", flat=True))
        days = last_days(90, NOON, zone, owners, using="default")
        assert len(days) == 90
        assert {day.day: day.done for day in days} == {day.day: right[day.day] for day in days}
        assert sum(right.values()) > sum(day.done for day in days) > 20


def test_midnight_falls_on_a_quarter_of_an_hour_everywhere():
    """Where one day it did not, `OutcomeCount` would not add up to days there."""
    for name in available_timezones():
        offset = NOON.astimezone(ZoneInfo(name)).utcoffset()
        assert offset % QUARTER == timedelta(), name


def test_when_the_clocks_are_changed():
    last = quarter_of(NOON)
    [summer, winter] = offsets_between(last - 90 * 96, last, ZoneInfo("America/New_York"))
    assert (summer[1], winter[1]) == (-16, -20)
    assert beginning_of(winter[0]) == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert offsets_between(last - 90 * 96, last, ZoneInfo("Asia/Kolkata")) == [(last - 90 * 96, 22)]


def test_an_import_brings_what_its_histories_say(db):
    now = datetime.now(UTC).replace(microsecond=0)
    virginia = InstitutionFactory(identifier="virginia.edu")
    with rolled_back():
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
