"""Imported items: what is stored is what `judge` decided, with the rows of these ids locked."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from workitems import transitions
from workitems.models import Failure, HistoryEntry, WorkItem
from workitems.transitions import ImportedRows

from ..factories import make_item

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def imported(institution, number, **fields):
    """A row of another system, and the only entry that it has here."""
    known = {"action": "Ingest", "stage": "Record", "status": "Success", "retry": False, "date": NOON, **fields}
    item = WorkItem(id=number, institution=institution, name=f"bag-{number}.tar", updated_at=NOON, **known)
    entry = HistoryEntry(
        item_id=number,
        number=1,
        at=timezone.now(),
        who="import",
        via="import",
        move="import",
        stage_after=item.stage,
        status_after=item.status,
        note=item.note,
    )
    return item, entry


def test_only_the_rows_of_these_ids_are_judged_in_the_order_of_the_ids(virginia):
    """The order in which they are locked, too: two imports of the same items never wait for each other in a circle."""
    first, _other, last = (make_item(virginia) for _ in range(3))
    seen = []

    def judge(stored, histories):
        seen.extend([*stored])
        assert histories == {}
        return ImportedRows([], [], [])

    transitions.store_imported([last.pk, first.pk, 10**6], judge)
    assert seen == [first.pk, last.pk]


def test_an_item_imported_as_failed_has_failed_when_it_was_last_updated(virginia):
    """Not when it was imported. Whatever else is imported is no failure."""
    failed, entry = imported(virginia, 71, status="Failed", note="No manifest.")
    done, its_entry = imported(virginia, 72)
    transitions.store_imported([71, 72], lambda *_: ImportedRows([failed, done], [], [entry, its_entry]))
    assert list(Failure.objects.values_list("item", "cause__text", "at")) == [(71, "No manifest.", NOON)]
    assert WorkItem.objects.get(pk=72).status == "Success"


def test_a_later_import_changes_the_row_and_keeps_the_time_of_its_failure(virginia):
    failed, entry = imported(virginia, 71, status="Failed", note="No manifest.")
    transitions.store_imported([71], lambda *_: ImportedRows([failed], [], [entry]))

    def judge(stored, _histories):
        row = stored[71]
        row.note, row.version, row.updated_at = "Two manifests.", 2, NOON + timedelta(days=1)
        _item, later = imported(virginia, 71, status="Failed", note=row.note)
        later.number = 2
        return ImportedRows([], [row], [later])

    transitions.store_imported([71], judge)
    stored = WorkItem.objects.get(pk=71)
    assert (stored.note, stored.version, stored.updated_at) == ("Two manifests.", 2, NOON + timedelta(days=1))
    assert list(stored.history.values_list("number", flat=True)) == [1, 2]
    assert list(Failure.objects.values_list("item", "cause__text", "at")) == [(71, "Two manifests.", NOON)]


def test_an_item_made_after_an_import_has_a_number_of_its_own(virginia):
    latest = make_item(virginia).pk
    item, entry = imported(virginia, latest + 1)
    transitions.store_imported([item.pk], lambda *_: ImportedRows([item], [], [entry]))
    assert make_item(virginia).pk > latest + 1
