"""The rows of a list: what each says about the other uploads of its bag, in few statements."""

import pytest

from workitems import transitions
from workitems.listing import find_uploads, rows
from workitems.listing.rows import NO_UPLOADS, Uploads

from ..factories import make_item


def test_uploads_are_asked_in_statements_for_one_two_four_or_eight(virginia, monkeypatch):
    """Each number of items would be a statement of its own, to be built and to be planned."""
    sizes = []

    def recorded(number):
        sizes.append(number)
        return build(number)

    build = rows._uploads_statement
    monkeypatch.setattr(rows, "_uploads_statement", recorded)
    items = [make_item(virginia, name="bag.tar", etag="e") for _ in range(9)]
    for number in range(1, 10):
        found = find_uploads(items[:number])
        assert found == {
            item.pk: Uploads(duplicate_of=items[0].pk) if place else NO_UPLOADS
            for place, item in enumerate(items[:number])
        }
    assert sizes == [1, 2, 4, 4, 8, 8, 8, 8, 16]


@pytest.mark.parametrize("action", ["Ingest", "Restore"])
def test_a_bag_with_one_ingest_has_no_other_upload_to_ask_for(virginia, django_assert_num_queries, action):
    item = make_item(virginia, name="bag.tar")
    make_item(virginia, name="bag.tar", action="Restore")
    make_item(virginia, name="other.tar", action=action)
    with django_assert_num_queries(1):  # how many ingests there are
        assert find_uploads([item]) == {item.pk: NO_UPLOADS}


def test_an_upload_that_another_one_replaces_is_never_late(virginia, monkeypatch):
    monkeypatch.setattr(rows, "find_lateness", lambda item, now, using: "late")
    item = make_item(virginia)
    of = {
        NO_UPLOADS: "late",
        Uploads(other_upload=1): "late",
        Uploads(superseded_by=1): None,
        Uploads(duplicate_of=1): None,
    }
    assert {uploads: rows.row_lateness(item, uploads, item.created_at) for uploads in of} == of


def test_an_upload_that_another_one_replaces_is_never_silent(virginia, monkeypatch):
    monkeypatch.setattr(rows, "find_silence", lambda item, now: "silent")
    item = make_item(virginia)
    of = {NO_UPLOADS: "silent", Uploads(superseded_by=1): None, Uploads(duplicate_of=1): None}
    assert {uploads: rows.row_silence(item, uploads, item.created_at) for uploads in of} == of


def test_a_row_has_failed_only_while_its_item_is_failed(virginia, wally):
    items = [make_item(virginia), transitions.fail(make_item(virginia), note="No manifest.", retry=False, by=wally)]
    found = rows.fetch_rows([item.pk for item in items], items[0].created_at, {virginia.pk: virginia})
    assert [row.has_failed for row in found] == [False, True]


def test_a_row_waits_for_the_consortium_if_its_failure_is_theirs_for_good(virginia, wally):
    no_manifest = transitions.fail(make_item(virginia, stage="Validate"), note="No manifest.", retry=False, by=wally)
    no_space = transitions.fail(make_item(virginia, stage="Store"), note="S3 is full.", retry=False, by=wally)
    retried = transitions.fail(make_item(virginia, stage="Store"), note="S3 is slow.", retry=True, by=wally)
    ids = [item.pk for item in (no_manifest, no_space, retried)]
    found = rows.fetch_rows(ids, no_space.created_at, {virginia.pk: virginia})
    assert [row.waits_for_consortium for row in found] == [False, True, False]


def test_a_part_of_a_split_bag_knows_its_group(virginia):
    part = make_item(virginia, name="virginia.edu.ledger.b01.of02.tar")
    whole = make_item(virginia, name="whole.tar")
    for owners, group in (({virginia.pk: virginia}, "virginia.edu/virginia.edu.ledger"), ({}, "virginia.edu.ledger")):
        first, second = rows.fetch_rows([part.pk, whole.pk], part.created_at, owners)
        assert (first.bag_group, second.part, second.part_mark) == (group, None, "")
        assert first.part_mark.startswith("1 of 2")


def test_the_rows_of_a_page_in_its_order(virginia, jhu):
    """Each knows the one that follows; what is gone, or belongs to somebody unknown, is left out or has no owner."""
    first, second, third = make_item(virginia), make_item(jhu), make_item(virginia, needs_admin_review=True)
    found = rows.fetch_rows([third.pk, 10**9, first.pk, second.pk], first.created_at, {virginia.pk: virginia})
    assert [(row.item.pk, row.following, row.owner) for row in found] == [
        (third.pk, first.pk, virginia),
        (first.pk, second.pk, virginia),
        (second.pk, None, None),
    ]
    assert [(row.is_for_admin, row.has_state_marks, row.has_marks, row.is_closed) for row in found] == [
        (True, True, False, False),
        (False, False, False, False),
        (False, False, False, False),
    ]
