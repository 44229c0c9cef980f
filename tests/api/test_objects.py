"""Objects, as known from items: the last successful ingest, and whether the object has been deleted since."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from workitems import transitions
from workitems.api.objects import StoredObject, find_object
from workitems.models import WorkItem

from ..factories import make_item

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NAME = "virginia.edu/bag"
HOUR = timedelta(hours=1)


def item_of_object(institution, action="Ingest", status="Success", *, at=NOON, identifier=NAME, **more):
    stage = "Record" if status == "Success" else ""
    return make_item(
        institution,
        at=at,
        name="bag.tar",
        action=action,
        stage=stage,
        status=status,
        object_identifier=identifier,
        **more,
    )


def test_everything_known_about_an_object(virginia, wally):
    ingest = item_of_object(virginia, at=NOON)
    later = NOON + HOUR
    WorkItem.objects.filter(pk=ingest.pk).update(updated_at=later)
    assert find_object(NAME, wally) == StoredObject(
        id=ingest.pk,
        identifier=NAME,
        institution="virginia.edu",
        state="A",
        created_at=NOON,
        updated_at=later,
        title=None,
        access=None,
        storage_option=None,
    )


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada", "wally"])
def test_another_institutions_object_does_not_exist(virginia, cast, who):
    item_of_object(virginia)
    assert (find_object(NAME, cast[who]) is None) == (who == "olga")


def test_an_inactive_user_sees_no_objects(virginia, wally):
    item_of_object(virginia)
    wally.is_active = False
    assert find_object(NAME, wally) is None


def test_two_institutions_with_the_same_identifier_see_their_own_object(virginia, jhu, stan, olga):
    """Old data can have identifiers with another domain than the owner's."""
    ours = item_of_object(virginia)
    theirs = item_of_object(jhu, at=NOON + HOUR)
    item_of_object(jhu, "Delete", at=NOON + 2 * HOUR)
    assert (find_object(NAME, stan).id, find_object(NAME, stan).state) == (ours.pk, "A")
    assert (find_object(NAME, olga).id, find_object(NAME, olga).institution) == (theirs.pk, "jhu.edu")
    assert find_object(NAME, olga).state == "D"


def test_the_last_successful_ingest_counts(virginia, wally):
    last = item_of_object(virginia, at=NOON)
    item_of_object(virginia, at=NOON - HOUR)  # recorded later, received earlier
    item_of_object(virginia, status="Pending", at=NOON + HOUR)
    item_of_object(virginia, "Restore", at=NOON + HOUR)
    failed = item_of_object(virginia, status="Pending", at=NOON + HOUR)
    transitions.fail(failed, note="no manifest", retry=False, by=wally)
    assert find_object(NAME, wally).id == last.pk


def test_at_the_same_instant_the_later_id_counts(virginia, wally):
    item_of_object(virginia)
    assert find_object(NAME, wally).id < item_of_object(virginia).pk == find_object(NAME, wally).id


@pytest.mark.parametrize("status", ["Pending", "Failed", "Cancelled"])
def test_without_a_successful_ingest_there_is_no_object(virginia, wally, status):
    item_of_object(virginia, status=status)
    assert find_object(NAME, wally) is None


@pytest.mark.parametrize(
    ("deletion", "state"),
    [
        ({}, "D"),
        ({"at": NOON}, "D"),
        ({"at": NOON - HOUR}, "A"),  # ingested again since
        ({"status": "Pending"}, "A"),
        ({"status": "Cancelled"}, "A"),
        ({"generic_file_identifier": f"{NAME}/data/a.tif"}, "A"),
        ({"identifier": f"{NAME}2"}, "A"),
    ],
)
def test_an_object_is_deleted_if_all_of_it_was_deleted_since_its_ingest(virginia, wally, deletion, state):
    item_of_object(virginia)
    item_of_object(virginia, "Delete", **{"at": NOON + HOUR, **deletion})
    assert find_object(NAME, wally).state == state


@pytest.mark.parametrize(
    "almost", ["virginia.edu/Bag", "virginia.edu/bag ", "virginia.edu/ba", "virginia.edu/ba_", "virginia.edu/%", "bag"]
)
def test_an_identifier_is_matched_exactly(virginia, wally, almost):
    item_of_object(virginia)
    assert find_object(almost, wally) is None


def test_long_identifiers_are_compared_completely(virginia, wally):
    """The index only covers the start of an identifier."""
    long = "virginia.edu/" + "é" * 1287
    one = item_of_object(virginia, identifier=long)
    other = item_of_object(virginia, identifier=long[:-1] + "e")
    assert (find_object(long, wally).id, find_object(long[:-1] + "e", wally).id) == (one.pk, other.pk)
    assert find_object(long[:-1], wally) is None


@pytest.mark.parametrize("wrong", ["", "virginia.edu/\0", "\0", "virginia.edu/\ud800", "x" * 1301, "x" * 10_000_000])
def test_identifiers_that_no_item_can_have(virginia, wally, wrong):
    item_of_object(virginia, status="Pending", identifier="")
    with CaptureQueriesContext(connection) as asked:
        assert find_object(wrong, wally) is None
    assert len(asked) == 0


@pytest.mark.parametrize("who", ["dora", "wally"])
def test_the_index_of_objects_is_used(virginia, jhu, cast, who):
    fields = {"stage": "Record", "status": "Success", "date": NOON}
    WorkItem.objects.bulk_create(
        WorkItem(name="bag.tar", action=action, institution=owner, object_identifier=f"{owner}/bag-{n}", **fields)
        for n in range(1000)
        for owner in (virginia, jhu)
        for action in ("Ingest", "Delete")
    )
    if connection.vendor == "postgresql":  # it learns of the rows by and by; SQLite never, and must manage without
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    visible = WorkItem.objects.visible_to(cast[who])
    ingests = visible.ingests_of_object("virginia.edu/bag-7")
    assert "item_object" in ingests.explain()
    assert "item_object" in visible.deletions_since(ingests.get()).explain()
