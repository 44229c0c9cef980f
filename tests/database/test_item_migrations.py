"""Migrations 0020, 0021, and 0028 on rows of the previous version: when each was closed, etags in one spelling, and texts as seen."""

from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import F

from tests.factories import make_item
from workitems import durations, transitions
from workitems.migrations.frozen import etags, finished, folding
from workitems.models import HistoryEntry, WorkItem

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MD5 = "9c5a3e2b7d1f4860a1b2c3d4e5f60718"


def hours(number):
    return NOON + timedelta(hours=number)


@pytest.fixture
def closings(virginia, wally, ada, stan):
    """{item: when it was closed}, of items that do not know it."""
    done, failed, opened, changed, running = (make_item(virginia, at=NOON) for _ in range(5))
    transitions.review(transitions.succeed(done, stage="Cleanup", by=wally, at=hours(1)), by=stan, at=hours(9))
    transitions.fail(failed, note="Busy.", retry=True, by=wally, at=hours(1))
    transitions.edit(failed, retry=False, by=ada, at=hours(2))
    transitions.fail(opened, note="Bad.", retry=False, by=wally, at=hours(1))
    transitions.requeue(opened, by=ada, at=hours(2))
    transitions.fail(changed, note="Bad.", retry=False, by=wally, at=hours(1))
    transitions.requeue(changed, by=ada, at=hours(2))
    transitions.cancel(changed, note="Enough.", by=ada, at=hours(3))
    WorkItem.objects.update(finished_at=None)
    return {done.pk: hours(1), failed.pk: hours(2), opened.pk: None, changed.pk: hours(3), running.pk: None}


def finished_times():
    return dict(WorkItem.objects.values_list("pk", "finished_at"))


def test_the_histories_say_when_items_were_closed(closings):
    finished.set_finished_at(apps, connection)
    assert finished_times() == closings


def test_the_command_for_what_the_previous_version_closed_says_the_same(closings):
    assert durations.backfill_finished_at() == 3
    assert finished_times() == closings


def test_what_was_imported_closed_has_no_time(virginia, wally):
    item = make_item(virginia, at=NOON)
    WorkItem.objects.update(stage="Record", status="Success", retry=False)
    known = {"stage_after": "Record", "status_after": "Success", "who": wally.email, "via": "import", "note": ""}
    HistoryEntry.objects.create(item=item, number=2, at=hours(1), move="import", **known)
    WorkItem.objects.update(version=2)
    finished.set_finished_at(apps, connection)
    durations.backfill_finished_at()
    assert finished_times() == {item.pk: None}


OLD = {f'"{MD5}"': MD5, f'W/"{MD5}-3"': f"{MD5}-3", MD5.upper(): MD5, MD5: MD5, "ABC1": "ABC1", '"x"': '"x"'}


@pytest.fixture
def items(virginia):
    """{item: its etag from now on}, of items of the previous version."""
    found = {}
    for n, (old, new) in enumerate(OLD.items()):
        item = make_item(virginia, name=f"bag-{n}.tar", object_identifier="virginia.edu/Bag")
        text = f"bag-{n}.tar\n{old.casefold()}\nvirginia.edu/bag\n"
        WorkItem.objects.filter(pk=item.pk).update(etag=old, search_text=text)
        found[item.pk] = new
    return found


def test_etags_are_written_in_one_spelling(items):
    before = list(WorkItem.objects.order_by("pk").values_list("version", "updated_at", "note"))
    etags.normalize_etags(apps, connection)
    assert dict(WorkItem.objects.values_list("pk", "etag")) == items
    assert list(WorkItem.objects.order_by("pk").values_list("version", "updated_at", "note")) == before
    for item in WorkItem.objects.all():
        assert item.search_text == f"{item.name}\n{item.etag.casefold()}\nvirginia.edu/bag\n"
    assert WorkItem.objects.filter(search_text__contains=MD5).count() == 4


def test_an_item_that_changes_in_between_is_read_again(items, monkeypatch):
    bare, asked = etags._bare, []

    def bare_after_a_save(etag):
        asked.append(etag)
        if len(asked) == len(items) + 1:  # just before the first is written
            WorkItem.objects.update(version=F("version") + 1, note="Somebody else's.")
        return bare(etag)

    monkeypatch.setattr(etags, "_bare", bare_after_a_save)
    etags.normalize_etags(apps, connection)
    assert dict(WorkItem.objects.values_list("pk", "etag")) == items
    assert set(WorkItem.objects.values_list("note", flat=True)) == {"Somebody else's."}


def test_texts_are_searched_as_they_are_seen(virginia):
    names = ["zero\u200bwidth.tar", " two  spaces\u00a0.tar", "plain.tar"]
    made = [make_item(virginia, name=name, object_identifier="virginia.edu/Bag") for name in names]
    expected = dict(WorkItem.objects.values_list("pk", "search_text"))
    for item in made:
        old = "\n".join(text.casefold() for text in (item.name, item.etag, item.object_identifier, ""))
        WorkItem.objects.filter(pk=item.pk).update(search_text=old)
    assert WorkItem.objects.filter(search_text__contains="zerowidth").count() == 0
    before = list(WorkItem.objects.order_by("pk").values_list("version", "updated_at", "name"))
    folding.fold_texts(apps, connection)
    assert dict(WorkItem.objects.values_list("pk", "search_text")) == expected
    assert list(WorkItem.objects.order_by("pk").values_list("version", "updated_at", "name")) == before
