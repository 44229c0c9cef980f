"""Items of other systems are imported with all their values, and importing them again changes nothing."""

import gzip
import json
from datetime import UTC, datetime

import pytest

from pharos.accounts.models import Institution
from workitems import transitions
from workitems.import_export import UnreadableFile
from workitems.models import HistoryEntry, WorkItem

from ..factories import make_item
from .importing_samples import (
    INSTITUTIONS,
    counts,
    json_lines,
    list_reply,
    pharos,
    reader_of_rejects,
    registry,
    registry_csv,
    taker,
    write,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(tmp_path):
    return taker(tmp_path)


@pytest.fixture
def refused(tmp_path):
    return reader_of_rejects(tmp_path)


# --- what is read


TWO = [pharos(), pharos(id=72, name="Größe & Co.tar")]


@pytest.mark.parametrize(
    "content",
    [
        list_reply(*TWO),
        list_reply(*TWO, indent=2),
        list_reply(TWO[0]) + "\n" + list_reply(TWO[1]),
        json.dumps(TWO),
        json.dumps(TWO, indent=2),
        json_lines(*TWO),
        json_lines(*TWO).replace("\n", "\r\n\r\n"),
        json.dumps(TWO[0], indent=1) + "\n" + json.dumps(TWO[1], indent=1),
        "\ufeff" + json.dumps(TWO),
        gzip.compress(json_lines(*TWO).encode()),
        registry_csv(registry(), registry(id="72", name="Größe & Co.tar")),
        "\ufeff" + registry_csv(registry(), registry(id="72", name="Größe & Co.tar")),
    ],
)
def test_every_format_is_detected_by_its_content(take, tmp_path, content):
    write(tmp_path, "institutions.csv", INSTITUTIONS)
    assert counts(take(content)) == (2, 0, 0, 0, 0)
    assert list(WorkItem.objects.order_by("id").values_list("id", "name", "institution__identifier")) == [
        (71, "ncsu.1840.16-1004.tar", "ncsu.edu"),
        (72, "Größe & Co.tar", "ncsu.edu"),
    ]


def test_the_values_of_an_api_reply(take):
    take(json_lines(pharos(pid=0, size="", queued_at="2021-03-04T05:06:07+00:00", node="w1", needs_admin_review=True)))
    item = WorkItem.objects.get()
    assert item.created_at == datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert item.updated_at == datetime(2021, 3, 5, 5, 6, 7, 123456, tzinfo=UTC)
    assert item.date == datetime(2021, 3, 4, 5, 6, 7, 500000, tzinfo=UTC)
    assert item.bag_date is None
    assert (item.user, item.outcome, item.object_identifier, item.size, item.pid) == ("", "", "", None, None)
    assert (item.retry, item.reviewed, item.needs_admin_review, item.node) == (True, False, True, "w1")
    assert item.queued_at == item.created_at
    assert "ncsu.1840.16-1004.tar" in item.search_text


def test_the_values_of_a_dump(take, tmp_path):
    write(tmp_path, "INSTITUTIONS.csv", INSTITUTIONS)
    summary = take(
        registry_csv(registry(intellectual_object_id="9", retry="f", note='said "no"\nand\r\nwent')), "dump.csv"
    )
    item = WorkItem.objects.get()
    assert item.created_at == datetime(2021, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
    assert item.updated_at == datetime(2021, 3, 5, 5, 6, 7, tzinfo=UTC)
    assert item.date == datetime(2021, 3, 4, 5, 6, 7, 500000, tzinfo=UTC)
    assert (item.size, item.pid, item.retry, item.note) == (21200000000, None, False, 'said "no"\nand\r\nwent')
    assert summary.ignored_columns == {"intellectual_object_id"}
    assert item.institution.name == "North Carolina State University"


def test_a_new_item_gets_a_history(take):
    take(json_lines(pharos()))
    entry = HistoryEntry.objects.get()
    assert (entry.item_id, entry.number, entry.move, entry.via, entry.who) == (71, 1, "import", "import", "import")
    assert (entry.stage_before, entry.stage_after, entry.status_after) == ("", "Receive", "Pending")
    assert entry.note == "Bag is in the receiving bucket."


@pytest.mark.parametrize("action", ["Restore Object", "Restore File"])
def test_registry_has_two_words_for_restore(take, action):
    take(json_lines(pharos(action=action, stage="Requested")))
    assert WorkItem.objects.get().action == "Restore"


def test_a_successful_ingest_gets_an_object_identifier(take):
    done = {"stage": "Cleanup", "status": "Success"}
    take(json_lines(pharos(**done, name="a.b01.of02.tar"), pharos(id=72, **done, object_identifier="ncsu.edu/other")))
    assert list(WorkItem.objects.order_by("id").values_list("object_identifier", flat=True)) == [
        "ncsu.edu/a",
        "ncsu.edu/other",
    ]


def test_unusual_values_are_imported_and_counted(take):
    summary = take(
        json_lines(
            pharos(id=1, action="Delete", stage="Store"),
            pharos(id=2, stage="Receive", status="Success"),
            pharos(id=3, etag="1.01E+18"),
            pharos(id=4, date=None),
            pharos(id=5, reviewed=True),
            pharos(id=6, state="{}", date="0001-01-01T00:00:00Z"),
        )
    )
    assert counts(summary) == (6, 0, 0, 0, 0)
    assert (summary.odd_paths, summary.damaged_etags, summary.without_date, summary.reviewed_dropped) == (2, 1, 2, 1)
    assert summary.damaged_examples == ["1.01E+18 (id 3)"]
    assert summary.ignored_columns == {"state"}
    assert WorkItem.objects.get(pk=3).etag == "1.01E+18"
    assert WorkItem.objects.get(pk=4).date == WorkItem.objects.get(pk=4).created_at
    assert not WorkItem.objects.get(pk=5).reviewed


def test_new_items_get_ids_beyond_the_imported_ones(take, virginia):
    take(json_lines(pharos(id=1)))
    assert make_item(virginia).pk > 1
    take(json_lines(pharos(id=9000, name="b.tar")))
    assert make_item(virginia).pk > 9000
    take(json_lines(pharos(id=8000, name="c.tar")))
    assert make_item(virginia).pk > 9001


# --- again


def test_importing_again_changes_nothing(take, tmp_path):
    write(tmp_path, "institutions.csv", INSTITUTIONS)
    rows = registry_csv(registry(), registry(id="72", stage="Cleanup", status="Success", date_processed=""))
    take(rows, "dump.csv")
    before = list(WorkItem.objects.order_by("id").values())
    assert counts(take(rows, "dump.csv")) == (0, 0, 2, 0, 0)
    assert list(WorkItem.objects.order_by("id").values()) == before
    assert HistoryEntry.objects.count() == 2


def test_changed_items_are_updated_with_history(take):
    take(json_lines(pharos()))
    moved = pharos(
        stage="Validate", status="Failed", retry=False, note="No.", size=7, updated_at="2021-03-06T00:00:00Z", node="w2"
    )
    assert counts(take(json_lines(moved))) == (0, 1, 0, 0, 0)
    item = WorkItem.objects.get()
    assert (item.stage, item.status, item.retry, item.note, item.size) == ("Validate", "Failed", False, "No.", 7)
    assert item.updated_at == datetime(2021, 3, 6, tzinfo=UTC)
    assert item.version == 2
    entry = item.history.get(number=2)
    assert (entry.move, entry.via, entry.who, entry.note) == ("import", "import", "import", "No.")
    assert (entry.stage_before, entry.status_before) == ("Receive", "Pending")
    assert (entry.stage_after, entry.status_after) == ("Validate", "Failed")
    assert entry.changes == {"retry": [True, False], "size": [None, 7]}


def test_the_search_text_follows_an_update(take):
    take(json_lines(pharos()))
    take(
        json_lines(
            pharos(
                stage="Record", status="Success", object_identifier="ncsu.edu/ÄRGER", updated_at="2022-01-01T00:00:00Z"
            )
        )
    )
    assert "ncsu.edu/ärger" in WorkItem.objects.get().search_text


def test_fields_missing_in_the_file_keep_their_values(take):
    take(json_lines(pharos(node="w1", size=5, status="Success", stage="Record", reviewed=True)))
    short = pharos(status="Success", stage="Cleanup", updated_at="2022-01-01T00:00:00Z")
    del short["reviewed"]
    take(json_lines(short))
    item = WorkItem.objects.get()
    assert (item.stage, item.node, item.size, item.reviewed) == ("Cleanup", "w1", 5, True)


def test_an_item_reopened_elsewhere_is_no_longer_reviewed(take):
    closed = pharos(status="Cancelled", stage="Resolve", reviewed=True)
    take(json_lines(closed))
    opened = pharos(updated_at="2022-01-01T00:00:00Z")
    del opened["reviewed"]
    assert counts(take(json_lines(opened))) == (0, 1, 0, 0, 0)
    item = WorkItem.objects.get()
    assert not item.reviewed
    assert item.history.get(number=2).changes["reviewed"] == [True, False]


def test_items_that_are_newer_here_are_kept(take, stan):
    take(json_lines(pharos(status="Cancelled", stage="Resolve")))
    transitions.review(WorkItem.objects.get(), by=stan, via="page")
    assert counts(take(json_lines(pharos(status="Cancelled", stage="Resolve")))) == (0, 0, 0, 1, 0)
    assert WorkItem.objects.get().reviewed


@pytest.mark.parametrize(
    "other",
    [{"name": "b.tar"}, {"etag": "1"}, {"action": "Delete"}, {"institution": "jhu.edu"}],
    ids=lambda one: next(iter(one)),
)
def test_an_id_of_another_item_is_rejected(take, refused, other):
    take(json_lines(pharos()))
    assert counts(take(json_lines(pharos(**other, updated_at="2030-01-01T00:00:00Z")))) == (0, 0, 0, 0, 1)
    [row] = refused()
    assert row["id"] == "71"
    assert f"another item here: its {next(iter(other))}" in row["reason"]
    assert WorkItem.objects.get().name == pharos()["name"]


def test_the_same_id_twice_in_a_file(take):
    later = {"stage": "Fetch", "updated_at": "2022-01-01T00:00:00Z"}
    earlier = {"stage": "Unpack", "updated_at": "2020-01-01T00:00:00Z"}
    assert counts(take(json_lines(pharos(), pharos(**later), pharos(**earlier)))) == (1, 1, 0, 1, 0)
    assert WorkItem.objects.get().stage == "Fetch"


# --- institutions


def test_the_institution_of_a_row_without_one(take):
    rows = [
        pharos(id=1, institution=None, object_identifier="Jhu.edu/a"),
        pharos(id=2, institution="", bucket="aptrust.restore.columbia.edu"),
        pharos(id=3, institution="Virginia.EDU"),
    ]
    assert take(json_lines(*rows)).institutions_created == 3
    owners = WorkItem.objects.order_by("id").values_list("institution__identifier", flat=True)
    assert list(owners) == ["jhu.edu", "columbia.edu", "virginia.edu"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"institution": None, "bucket": "elsewhere"}, "--institution-map"),
        ({"institution": "not a domain"}, "is not a domain"),
        ({"institution": 17, "bucket": ""}, "--institution-map"),
        ({"institution": ["x"]}, "institution"),
        ({"institution_id": "x"}, "institution_id"),
    ],
)
def test_an_unknown_institution_is_rejected(take, refused, fields, reason):
    assert counts(take(json_lines(pharos(**fields)))) == (0, 0, 0, 0, 1)
    assert reason in refused()[0]["reason"]
    assert not Institution.objects.exists()


def test_an_institution_number_has_one_meaning_per_run(take, refused):
    take(json_lines(pharos(id=1, institution_id=4), pharos(id=2, institution_id=4, institution="jhu.edu")))
    assert "institution_id 4 is ncsu.edu elsewhere, but jhu.edu here" in refused()[0]["reason"]


def test_a_number_missing_in_the_table_is_rejected(take, tmp_path, refused):
    table = write(tmp_path, "their institutions.csv", INSTITUTIONS)
    summary = take(registry_csv(registry(), registry(id="72", institution_id="99")), institution_map=table)
    assert counts(summary) == (1, 0, 0, 0, 1)
    assert "institution_id 99 is not in their institutions.csv" in refused()[0]["reason"]


def test_no_institution_is_created_for_a_rejected_row(take):
    take(json_lines(pharos()))
    take(json_lines(pharos(institution="stranger.edu")))
    assert [*Institution.objects.values_list("identifier", flat=True)] == ["ncsu.edu"]


def test_a_dump_needs_its_table(take):
    with pytest.raises(UnreadableFile, match="--institution-map"):
        take(registry_csv(registry()), "dump.csv")
