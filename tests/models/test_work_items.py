"""The questions that can be asked about items, each on a handful of rows."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item, service

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
OBJECT = "virginia.edu/bag"


def hour(number):
    return NOON + timedelta(hours=number)


def test_the_phases_share_the_items_out(virginia):
    states = {
        "open": [("Pending", True), ("Pending", False), ("Started", True), ("Started", False), ("Failed", True)],
        "held": [("Suspended", True), ("Suspended", False)],
        "closed": [("Failed", False), ("Success", True), ("Success", False), ("Cancelled", True), ("Cancelled", False)],
    }
    rows = {
        phase: {make_item(virginia, stage="Record", status=status).pk: retry for status, retry in pairs}
        for phase, pairs in states.items()
    }
    for numbers in rows.values():
        for pk, retry in numbers.items():
            WorkItem.objects.filter(pk=pk).update(retry=retry)
    for phase, found in (
        ("open", WorkItem.objects.open()),
        ("held", WorkItem.objects.held()),
        ("closed", WorkItem.objects.closed()),
    ):
        assert {item.pk for item in found} == set(rows[phase])
        assert {item.phase.value for item in found} == {phase}


def test_the_first_and_the_last_number():
    assert (WorkItem.objects.first_id(), WorkItem.objects.last_id()) == (0, 0)


def test_items_by_their_numbers(virginia, jhu):
    first, second, third = make_item(virginia), make_item(jhu), make_item(virginia)
    items = WorkItem.objects.order_by("pk")
    assert (items.first_id(), items.last_id()) == (first.pk, third.pk)
    assert list(items.with_id(second.pk)) == [second]
    assert list(items.with_ids([first.pk, third.pk, 10**9])) == [first, third]
    assert list(items.with_later_ids(first.pk)) == [second, third]
    assert list(items.of_institutions([virginia.pk])) == [first, third]


def test_the_version_of_an_item_in_sight(virginia, dora, theirs, wally):
    item = transitions.progress(make_item(virginia), stage="Fetch", by=wally)
    seen = WorkItem.objects.visible_to(dora)
    assert (seen.version_of(item.pk), seen.version_of(theirs.pk), seen.version_of(10**9)) == (2, None, None)


def test_items_changed_since_a_time_newest_first(virginia):
    first, second, third, _at_noon = (make_item(virginia, at=hour(number)) for number in (1, 2, 2, 0))
    assert list(WorkItem.objects.changed_after(NOON)) == [third, second, first]


def test_moving_items_are_those_that_wait_or_are_worked_on(virginia):
    rows = {
        status: make_item(virginia, stage="Record", status=status)
        for status in ("Pending", "Started", "Failed", "Suspended", "Success", "Cancelled")
    }
    assert {item.pk for item in WorkItem.objects.moving()} == {rows["Pending"].pk, rows["Started"].pk}


def test_the_upload_that_a_file_name_and_its_etag_mean(virginia):
    """The latest, at the same instant the one recorded last; an ingest before a restoration of the same name."""
    upload = {"name": "bag.tar", "etag": "e"}
    make_item(virginia, **upload, at=hour(1))
    _twin, latest = (make_item(virginia, **upload, at=hour(2)) for _ in range(2))
    make_item(virginia, **upload, at=NOON)
    restored = make_item(virginia, **upload, action="Restore", at=hour(3))
    make_item(virginia, name="bag.tar", etag="other", at=hour(4))
    make_item(virginia, name="other.tar", etag="e", at=hour(4))
    dated = make_item(virginia, **upload, bag_date=NOON, at=hour(4))
    items = WorkItem.objects.all()
    assert items.of_upload("e", "bag.tar", None) == latest
    assert items.of_upload("e", "bag.tar", None, "Restore") == restored
    assert items.of_upload("e", "bag.tar", None, "Delete") == restored  # of what there is, the latest
    assert items.of_upload("e", "bag.tar", NOON + timedelta(milliseconds=400)) == dated
    assert items.of_upload("e", "bag.tar", hour(1)) is None


def done(institution, action, number, **fields):
    stage = {"Ingest": "Record", "Delete": "Record"}[action]
    values = {"object_identifier": OBJECT, "status": "Success", **fields}
    return make_item(institution, action=action, stage=stage, at=hour(number), **values)


def test_the_last_successful_ingest_of_each_object(virginia, jhu, dora):
    _first, _second, third = (done(virginia, "Ingest", number) for number in (1, 2, 2))
    done(virginia, "Ingest", 3, status="Pending")
    other = done(virginia, "Ingest", 5, object_identifier="virginia.edu/other")
    elsewhere = done(jhu, "Ingest", 0)
    items = WorkItem.objects.all()
    assert set(items.stored_objects()) == {third, other, elsewhere}
    assert set(WorkItem.objects.visible_to(dora).stored_objects()) == {third, other}
    assert set(items.stored_objects().of_object(OBJECT)) == {third, elsewhere}


def test_an_object_is_deleted_as_a_whole_and_since_its_ingest(virginia, jhu):
    objects = WorkItem.objects.visible_to(service()).stored_objects()
    ingest = done(virginia, "Ingest", 2)
    done(virginia, "Delete", 1)
    done(virginia, "Delete", 4, status="Pending")
    done(virginia, "Delete", 4, generic_file_identifier=f"{OBJECT}/data/1")
    done(virginia, "Delete", 4, object_identifier="virginia.edu/other")
    done(jhu, "Delete", 4)
    assert list(objects.in_state(deleted=False)) == [ingest]
    done(virginia, "Delete", 2)
    assert list(objects.in_state(deleted=True)) == [ingest]
    done(virginia, "Ingest", 4)
    assert not objects.in_state(deleted=True).exists()


def test_other_items_of_the_object_and_uploads_of_the_bag_newest_first(virginia, jhu):
    ingest, again, at_once = (done(virginia, "Ingest", number, name="bag.tar") for number in (1, 3, 3))
    deletion = done(virginia, "Delete", 2)
    done(jhu, "Ingest", 4, name="bag.tar")
    done(virginia, "Ingest", 4, name="other.tar", object_identifier="virginia.edu/other")
    assert list(WorkItem.objects.all().of_same_object(ingest)) == [at_once, again, deletion]
    assert list(WorkItem.objects.all().uploads_of_same_bag(ingest)) == [at_once, again, ingest]


def test_a_row_has_the_start_of_a_long_note(virginia):
    make_item(virginia, note="n" * 501)
    [row] = WorkItem.objects.all().for_rows()
    assert row.note_head == "n" * 500
    assert "note" in row.get_deferred_fields()


def test_how_long_an_item_has_been_at_its_stage_counts_until_it_is_closed(virginia, wally, ada):
    item = make_item(virginia, at=NOON)
    transitions.progress(item, stage="Fetch", by=wally, at=hour(1))
    assert item.at_stage_since == hour(1)
    transitions.suspend(item, note="Wait.", by=wally, at=hour(2))
    assert item.at_stage_since == hour(1)
    transitions.cancel(item, note="Enough.", by=ada, at=hour(3))
    assert item.at_stage_since is None


def test_no_template_and_no_manager_offers_to_delete_items(virginia):
    make_item(virginia)
    assert Template("{{ items.delete }}").render(Context({"items": WorkItem.objects.all()})) == ""
    assert not hasattr(WorkItem.objects, "delete")
    assert WorkItem.objects.count() == 1
