"""Durations and outcomes: recorded with every change, folded, and rebuilt."""

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
from workitems.durations import last_days, recorder, usual_time, usual_total_time
from workitems.durations.days import offsets_between
from workitems.durations.measurements import ALL_INSTITUTIONS, QUARTER, quarter_of, start_of_quarter
from workitems.durations.scale import BANDS, band_of, bounds_of, quantile, step_of
from workitems.import_export import export_lines, import_files
from workitems.lifecycle import TransitionRequest
from workitems.models import HistoryEntry, OutcomeCount, StepTime, Typical, WorkItem

from ..factories import InstitutionFactory, make_item, service
from ..stored_items import rolled_back

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday
MONDAY = NOON.date() - timedelta(days=2)


def read_sums():
    """Returns all sums: {(week or quarter, …): number}."""
    times = StepTime.objects.values_list("week", "action", "stage", "band", "step", "number")
    outcomes = OutcomeCount.objects.values_list("quarter", "institution_id", "outcome", "number")
    found = {}
    for *what, number in [*times, *outcomes]:
        found[tuple(what)] = found.get(tuple(what), 0) + number
    return {what: number for what, number in found.items() if number}


def after(**time):
    return NOON + timedelta(**time)


def count_of(institution, outcome, at=NOON, number=1):
    """Returns the sums for this many items closed with this outcome then."""
    return {(quarter_of(at), owner, outcome): number for owner in (institution.pk, ALL_INSTITUTIONS)}


def ingest(institution, *, start=NOON, fetch=60, validate=600, size=266_240):
    """Ingests an item with this many seconds at Fetch and at Validate."""
    worker = service()
    item = make_item(institution, at=start, size=size, date=start)
    transitions.progress(item, stage="Fetch", by=worker, at=start + timedelta(seconds=10))
    transitions.progress(item, stage="Validate", by=worker, at=start + timedelta(seconds=10 + fetch))
    transitions.succeed(item, stage="Record", by=worker, at=start + timedelta(seconds=10 + fetch + validate))
    return item


def test_an_ingest_adds_its_durations_and_outcome(virginia):
    ingest(virginia)
    band = band_of(266_240)
    assert read_sums() == {
        (MONDAY, "Ingest", "Receive", band, step_of(10)): 1,
        (MONDAY, "Ingest", "Fetch", band, step_of(60)): 1,
        (MONDAY, "Ingest", "Validate", band, step_of(600)): 1,
        (MONDAY, "Ingest", "", band, step_of(670)): 1,
        **count_of(virginia, "done"),
    }


def test_waiting_and_running_at_a_stage_count_as_one_duration(virginia):
    worker, item = service(), make_item(virginia, at=NOON)
    transitions.progress(item, stage="Fetch", status="Pending", by=worker, at=after(minutes=1))
    transitions.progress(item, stage="Fetch", by=worker, at=after(minutes=5), node="n")
    transitions.progress(item, stage="Validate", by=worker, at=after(minutes=11))
    assert (MONDAY, "Ingest", "Fetch", band_of(item.size), step_of(600)) in read_sums()
    assert item.stage_entered_at == after(minutes=11)


@pytest.mark.parametrize("end", ["fail", "cancel", "again"])
def test_failed_cancelled_and_requeued_stages_are_not_timed(virginia, ada, end):
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
    assert read_sums() == (count_of(virginia, outcomes[end], after(hours=1)) if end in outcomes else {})


def test_a_temporary_failure_is_no_outcome_until_retry_is_turned_off(virginia, ada):
    item = make_item(virginia, stage="Validate", at=NOON)
    transitions.fail(item, note="Later.", retry=True, by=service(), at=after(hours=1))
    assert read_sums() == {}
    transitions.edit(item, retry=False, by=ada, at=after(days=1))
    assert read_sums() == count_of(virginia, "failed", after(days=1))
    transitions.review(item, reviewed=True, by=ada, at=after(days=2))
    assert len(read_sums()) == 2


def test_a_bulk_change_counts_every_item(virginia, ada):
    items = [make_item(virginia, at=NOON) for _ in range(30)]
    done = transitions.apply(
        "cancel", [one.pk for one in items], TransitionRequest(note="No."), by=ada, at=after(hours=1)
    )
    assert all(one.changed for one in done)
    assert read_sums() == count_of(virginia, "cancelled", after(hours=1), 30)


@pytest.mark.django_db(transaction=True)
def test_folding_loses_no_rows(virginia):
    for _ in range(5):
        ingest(virginia)
    before = read_sums()
    assert set(before.values()) == {5}
    recorder.fold()
    assert read_sums() == before
    assert (StepTime.objects.count(), OutcomeCount.objects.count()) == (4, 2)
    ingest(virginia)
    assert StepTime.objects.count() == 8
    recorder.fold()
    assert StepTime.objects.count() == 4
    assert set(read_sums().values()) == {6}


@pytest.mark.django_db(transaction=True)
def test_a_writer_folds_after_a_number_of_rows(virginia, monkeypatch):
    monkeypatch.setattr(recorder, "FOLD_EVERY", 8)
    for _ in range(6):
        ingest(virginia)
    assert StepTime.objects.filter(is_sum=True).exists()
    assert StepTime.objects.filter(is_sum=False).count() < 8
    assert set(read_sums().values()) == {6}


@pytest.mark.django_db(transaction=True)
def test_folding_while_others_write(virginia, on_postgresql):
    service()

    def write():
        for _ in range(8):
            ingest(virginia)
            recorder.fold()
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(read_sums().values()) == {48}


@pytest.mark.django_db(transaction=True)
def test_rebuilding_gives_the_same_sums(virginia, jhu, ada):
    for start in (NOON, NOON - timedelta(days=30), NOON - timedelta(days=90)):
        ingest(virginia, start=start)
        item = ingest(jhu, start=start, size=None)
        transitions.review(item, reviewed=True, by=ada, at=start + timedelta(days=1))
        failed = make_item(jhu, at=start, stage="Validate", retry=False)
        transitions.progress(failed, by=service(), at=start + timedelta(hours=1))
        transitions.fail(failed, note="No.", retry=False, by=service(), at=start + timedelta(hours=2))
        again = make_item(jhu, at=start, stage="Validate")
        transitions.fail(again, note="Later.", retry=True, by=service(), at=start + timedelta(hours=2))
        transitions.requeue(again, stage="Receive", by=ada, at=start + timedelta(hours=3))
        transitions.cancel(again, note="No.", by=ada, at=start + timedelta(hours=4))
    before = read_sums()
    StepTime.objects.update(number=7)
    OutcomeCount.objects.filter(outcome="done").delete()
    recorder.rebuild_durations(NOON + timedelta(days=3))
    assert read_sums() == before
    assert not StepTime.objects.filter(is_sum=False).exists()


@pytest.mark.django_db(transaction=True)
def test_rebuilding_while_others_write(virginia, on_postgresql):
    service()
    for _ in range(5):
        ingest(virginia)
    ended = threading.Event()

    def write():
        while not ended.is_set():
            ingest(virginia)
            recorder.fold()
        connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(10):
            recorder.rebuild_durations(NOON)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert set(read_sums().values()) == {WorkItem.objects.count()}


def test_too_few_samples_give_no_usual_time(virginia):
    few = [ingest(virginia) for _ in range(recorder.MIN_SAMPLES - 1)]
    recorder.refresh_typical(NOON)
    assert not Typical.objects.exists()
    assert usual_time(few[0]) is None
    ingest(virginia)
    recorder.refresh_typical(NOON)
    assert set(Typical.objects.values_list("stage", flat=True)) == {"", "Receive", "Fetch", "Validate"}


def test_usual_times_are_exact_to_a_tenth(virginia):
    for n in range(40):
        ingest(virginia, fetch=100 + 10 * n)
    recorder.refresh_typical(NOON)
    item = make_item(virginia, stage="Fetch", at=NOON)
    found = usual_time(item)
    for told, true in ((found.low, 140), (found.median, 300), (found.high, 450), (found.late, 480)):
        assert told.total_seconds() == pytest.approx(true, rel=0.1)
    assert found.number == 40
    assert usual_total_time(item).median.total_seconds() == pytest.approx(910, rel=0.1)
    assert usual_time(make_item(virginia, stage="Fetch", size=10**12)) is None


def test_old_weeks_are_deleted(virginia):
    for _ in range(recorder.MIN_SAMPLES):
        ingest(virginia, start=NOON - timedelta(days=300))
    recorder.refresh_typical(NOON)
    assert not Typical.objects.exists()
    assert not StepTime.objects.exists()


def test_outcomes_are_deleted_once_the_overview_no_longer_needs_them(virginia):
    for days in (0, 89, 95, 300):
        ingest(virginia, start=NOON - timedelta(days=days))
    OutcomeCount.objects.update(is_sum=True)
    recorder.refresh_typical(NOON)
    for zone in map(ZoneInfo, FAR_APART):
        days = last_days(90, after(hours=1), zone, None, using="default")
        assert sum(day.done for day in days) == 2
    assert OutcomeCount.objects.filter(institution_id=ALL_INSTITUTIONS).count() == 2


def test_the_last_days_count_outcomes(virginia, jhu):
    ingest(virginia)
    ingest(jhu, start=NOON - timedelta(days=1))
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
def test_days_follow_the_readers_time_zone(virginia, jhu, name):
    """Compared with the histories, for items closed around midnight in several zones and when clocks change."""
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


def test_midnight_is_on_a_quarter_of_an_hour_in_every_zone():
    """Otherwise `OutcomeCount` wouldn't add up to days there."""
    for name in available_timezones():
        offset = NOON.astimezone(ZoneInfo(name)).utcoffset()
        assert offset % QUARTER == timedelta(), name


def test_offsets_change_with_daylight_saving_time():
    last = quarter_of(NOON)
    [summer, winter] = offsets_between(last - 90 * 96, last, ZoneInfo("America/New_York"))
    assert (summer[1], winter[1]) == (-16, -20)
    assert start_of_quarter(winter[0]) == datetime(2026, 11, 1, 6, tzinfo=UTC)
    assert offsets_between(last - 90 * 96, last, ZoneInfo("Asia/Kolkata")) == [(last - 90 * 96, 22)]


def test_an_import_adds_what_its_histories_contain(db):
    now = datetime.now(UTC).replace(microsecond=0)
    virginia = InstitutionFactory(identifier="virginia.edu")
    with rolled_back():
        ingest(virginia, start=now - timedelta(days=2))
        waiting = make_item(virginia, at=now - timedelta(hours=5))
        transitions.progress(waiting, stage="Fetch", by=service(), at=now - timedelta(hours=4))
        text, before = "".join(export_lines()), read_sums()
    assert read_sums() == {}
    assert import_files(["-"], stdin=io.BytesIO(text.encode())).created == 2
    assert read_sums() == before
    assert WorkItem.objects.get(stage="Fetch").stage_entered_at == now - timedelta(hours=4)


def test_the_command_reports_what_it_read(virginia, capsys):
    ingest(virginia)
    WorkItem.objects.filter(pk=make_item(virginia).pk).update(stage_entered_at=None)
    call_command("work_out_pace")
    assert capsys.readouterr().out.splitlines() == [
        "1 open items read.",
        "0 closed items read.",
        "2 histories read.",
        "0 unrecorded failures read.",
        "0 failures read.",
    ]
    assert not WorkItem.objects.filter(stage_entered_at=None).exists()


@given(st.integers(min_value=0, max_value=10**15))
def test_every_size_has_a_band(size):
    first, end = bounds_of(band_of(size))
    assert first <= size
    assert end is None or size < end
    assert band_of(size) in BANDS


@given(st.lists(st.floats(min_value=1, max_value=10**8), min_size=1, max_size=60), st.floats(0.05, 1))
def test_a_quantile_is_exact_to_one_step(times, share):
    steps = Counter(map(step_of, times))
    true = sorted(times)[max(0, ceil(share * len(times) - 1e-9) - 1)]
    assert true / 1.2 <= quantile(steps, share) <= true * 1.2
