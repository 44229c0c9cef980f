"""Which upload of a bag counts (member API, version 8, "Duplicate Items"), in whatever order the items arrive."""

import itertools
from datetime import timedelta

import pytest
from django.db import transaction
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.accounts.roles import Role
from workitems.explanations import presets_for
from workitems.listing import ItemList, find_uploads
from workitems.listing.rows import Uploads
from workitems.models import WorkItem

from ..factories import make_item
from ..many_items import make_items
from ..stored_uploads import OPEN, START, STATES, Upload, numbers, stored

pytestmark = pytest.mark.django_db


def read_replacements(rows):
    """For each row (superseded by, duplicate of), as places in `rows`."""
    places = {row.pk: place for place, row in enumerate(rows)} | {None: None}
    found = {row.pk: row for row in WorkItem.objects.filter(pk__in=places.keys() - {None}).with_uploads()}
    return [(places[found[row.pk].superseded_by_id], places[found[row.pk].duplicate_of_id]) for row in rows]


NEITHER = (None, None)
CASES = {
    "one upload": ([Upload("a", 0)], [NEITHER]),
    "three in a backlog, changed each time": (
        [Upload("a", 0), Upload("b", 1), Upload("c", 2)],
        [(2, None), (2, None), NEITHER],
    ),
    "the same file twice": ([Upload("a", 0), Upload("a", 1)], [NEITHER, (None, 0)]),
    "the same file three times points to the first": (
        [Upload("a", 0), Upload("a", 1), Upload("a", 2)],
        [NEITHER, (None, 0), (None, 0)],
    ),
    "the same file after it was ingested": ([Upload("a", 0, "done"), Upload("a", 9)], [NEITHER, (None, 0)]),
    "changed after it was ingested": ([Upload("a", 0, "done"), Upload("b", 9)], [NEITHER, NEITHER]),
    "a started one is superseded too": ([Upload("a", 0, "runs"), Upload("b", 1)], [(1, None), NEITHER]),
    "a held one is superseded too": ([Upload("a", 0, "held"), Upload("b", 1)], [(1, None), NEITHER]),
    "a failure that will be tried again is superseded": (
        [Upload("a", 0, "again"), Upload("b", 1)],
        [(1, None), NEITHER],
    ),
    "a final failure is not superseded, it is over": ([Upload("a", 0, "failed"), Upload("b", 1)], [NEITHER, NEITHER]),
    "superseded by one that was ingested since": ([Upload("a", 0), Upload("b", 1, "done")], [(1, None), NEITHER]),
    "one that failed for good replaces nothing": ([Upload("a", 0), Upload("b", 1, "failed")], [NEITHER, NEITHER]),
    "the same file again after a change that failed for good": (
        [Upload("a", 0), Upload("b", 1, "failed"), Upload("a", 2)],
        [NEITHER, NEITHER, (None, 0)],
    ),
    "one at the stage before Store is superseded": (
        [Upload("a", 0, "runs", "Format Identification"), Upload("b", 1)],
        [(1, None), NEITHER],
    ),
    "one that has reached Store is finished": (
        [Upload("a", 0, "runs", "Store"), Upload("b", 1)],
        [NEITHER, NEITHER],
    ),
    "one at Store that failed temporarily is finished": (
        [Upload("a", 0, "again", "Store"), Upload("b", 1)],
        [NEITHER, NEITHER],
    ),
    "one at Store is finished, the next is superseded": (
        [Upload("a", 0, "runs", "Store"), Upload("b", 1), Upload("c", 2)],
        [NEITHER, (2, None), NEITHER],
    ),
    "the same file as one at Store": ([Upload("a", 0, "runs", "Store"), Upload("a", 1)], [NEITHER, (None, 0)]),
    "changed and changed back while the first is at Store": (
        # The change may be ingested after the first, so the last contents must be ingested after both.
        [Upload("a", 0, "runs", "Store"), Upload("b", 1), Upload("a", 2)],
        [NEITHER, (2, None), NEITHER],
    ),
    "a duplicate of one at Store, then changed": (
        [Upload("a", 0, "runs", "Store"), Upload("a", 1), Upload("b", 2)],
        [NEITHER, (2, 0), NEITHER],
    ),
    "a later one that was cancelled does not count": (
        [Upload("a", 0), Upload("b", 1, "cancelled")],
        [NEITHER, NEITHER],
    ),
    "nor does it hide the one before it": (
        [Upload("a", 0), Upload("b", 1), Upload("c", 2, "cancelled")],
        [(1, None), NEITHER, NEITHER],
    ),
    "cancelled, then the same file again": ([Upload("a", 0, "cancelled"), Upload("a", 1)], [NEITHER, NEITHER]),
    "failed for good, then the same file again": ([Upload("a", 0, "failed"), Upload("a", 1)], [NEITHER, NEITHER]),
    "to be tried again, then the same file again": ([Upload("a", 0, "again"), Upload("a", 1)], [NEITHER, (None, 0)]),
    "on hold, then the same file again": ([Upload("a", 0, "held"), Upload("a", 1)], [NEITHER, (None, 0)]),
    "a cancelled duplicate says nothing": ([Upload("a", 0), Upload("a", 1, "cancelled")], [NEITHER, NEITHER]),
    "ingested, deleted, then the same file again": (
        [Upload("a", 0, "done"), Upload("delete", 5, "done"), Upload("a", 9)],
        [NEITHER, NEITHER, NEITHER],
    ),
    "a deletion that did not come about": (
        [Upload("a", 0, "done"), Upload("delete", 5, "cancelled"), Upload("a", 9)],
        [NEITHER, NEITHER, (None, 0)],
    ),
    "one file deleted, the object is still there": (
        [Upload("a", 0, "done"), Upload("delete file", 5, "done"), Upload("a", 9)],
        [NEITHER, NEITHER, (None, 0)],
    ),
    "deleted only after the second upload": (
        [Upload("a", 0, "done"), Upload("a", 5), Upload("delete", 9, "done")],
        [NEITHER, (None, 0), NEITHER],
    ),
    "deleted before the first upload": (
        [Upload("delete", 0, "done"), Upload("a", 5, "done"), Upload("a", 9)],
        [NEITHER, NEITHER, (None, 1)],
    ),
    "changed and changed back, nothing ingested yet": (
        [Upload("a", 0), Upload("b", 1), Upload("a", 2)],
        [(2, None), (2, None), NEITHER],
    ),
    "changed and changed back, both ingested": (
        [Upload("a", 0, "done"), Upload("b", 1, "done"), Upload("a", 2)],
        [NEITHER, NEITHER, NEITHER],
    ),
    "changed back while the change waits": (
        # The change may be under way already: the last contents must be ingested after it, or the bag would keep the change.
        [Upload("a", 0, "done"), Upload("b", 1, "runs"), Upload("a", 2)],
        [NEITHER, (2, None), NEITHER],
    ),
    "changed to an invalid bag and back": (
        [Upload("a", 0, "done"), Upload("b", 1, "failed"), Upload("a", 2)],
        [NEITHER, NEITHER, (None, 0)],
    ),
    "changed, cancelled and back": (
        [Upload("a", 0), Upload("b", 1, "cancelled"), Upload("a", 2)],
        [NEITHER, NEITHER, (None, 0)],
    ),
    "a duplicate of one that is superseded is superseded itself": (
        [Upload("a", 0), Upload("a", 1), Upload("b", 2)],
        [(2, None), (2, None), NEITHER],
    ),
    "a duplicate of one ingested, then changed": (
        [Upload("a", 0, "done"), Upload("a", 1), Upload("b", 2)],
        [NEITHER, (2, 0), NEITHER],
    ),
    "superseded by a change that then came twice": (
        [Upload("a", 0), Upload("b", 1), Upload("b", 2)],
        [(1, None), NEITHER, (None, 1)],
    ),
}


@pytest.mark.parametrize(("uploads", "expected"), CASES.values(), ids=CASES.keys())
def test_each_upload_names_what_replaces_it(uploads, expected):
    for order in itertools.permutations(range(len(uploads))):
        rows = stored([uploads[place] for place in order])
        by_case = [rows[order.index(place)] for place in range(len(uploads))]
        assert read_replacements(by_case) == expected, order


@pytest.mark.parametrize(("uploads", "expected"), CASES.values(), ids=CASES.keys())
def test_the_querysets_agree_with_the_columns(uploads, expected):
    rows = stored(uploads)
    asked = WorkItem.objects.filter(pk__in=[row.pk for row in rows])
    superseded = {row.pk for row, (by, _of) in zip(rows, expected, strict=True) if by is not None}
    duplicates = {row.pk for row, (_by, of) in zip(rows, expected, strict=True) if of is not None}
    assert set(asked.superseded().values_list("pk", flat=True)) == superseded
    assert set(asked.duplicates().values_list("pk", flat=True)) == duplicates


@pytest.mark.parametrize(("uploads", "expected"), CASES.values(), ids=CASES.keys())
def test_the_querysets_share_the_rows_out(uploads, expected):
    """Each row is among the ones or among the others; those that wait in vain are the duplicates that are open."""
    rows = stored(uploads)
    asked = WorkItem.objects.filter(pk__in=numbers(rows))
    superseded, duplicates = numbers(asked.superseded()), numbers(asked.duplicates())
    open_uploads = {row.pk for row, one in zip(rows, uploads, strict=True) if one.state in OPEN and row.etag}
    assert numbers(asked.not_superseded()) == numbers(rows) - superseded
    assert numbers(asked.open_duplicates()) == duplicates & open_uploads
    assert numbers(asked.not_open_duplicates()) == numbers(rows) - (duplicates & open_uploads)


def test_a_failed_bag_needs_somebody_until_another_upload_of_it_counts(virginia, dora):
    """An upload that was cancelled corrects nothing."""
    [needs_me] = [preset for preset in presets_for(Role.DEPOSITOR) if preset.label == "Needs me"]

    def needed():
        return {item.pk for item in ItemList(QueryDict(needs_me.query), dora).rows()}

    failed, cancelled = stored([Upload("a", 0, "failed"), Upload("b", 1, "cancelled")], virginia, "bag.tar")
    assert needed() == {failed.pk}
    WorkItem.objects.filter(pk=cancelled.pk).update(status="Pending", stage="Receive")
    assert needed() == set()


def test_among_uploads_received_at_the_same_instant_the_higher_id_counts():
    assert read_replacements(stored([Upload("a", 0), Upload("b", 0)])) == [(1, None), NEITHER]
    assert read_replacements(stored([Upload("a", 0), Upload("a", 0)])) == [NEITHER, (None, 0)]
    of_the_first = (None, 0)
    assert read_replacements(stored([Upload("a", 0)] * 3)) == [NEITHER, of_the_first, of_the_first]
    by_the_last = (2, None)
    assert read_replacements(stored([Upload("a", 0), Upload("b", 1), Upload("c", 1)])) == [by_the_last] * 2 + [NEITHER]


def test_bags_of_two_institutions_with_the_same_name_are_different(virginia, jhu):
    ours = stored([Upload("a", 0), Upload("b", 1)], virginia, "same.tar")
    theirs = stored([Upload("a", 2), Upload("c", 3, "done")], jhu, "same.tar")
    assert read_replacements(ours) == [(1, None), NEITHER]
    assert read_replacements(theirs) == [(1, None), NEITHER]


def test_another_institutions_deletion_does_not_count(virginia, jhu):
    rows = stored([Upload("a", 0, "done"), Upload("a", 9)], virginia, "same.tar")
    [deletion] = stored([Upload("delete", 5, "done")], jhu, "same.tar")
    WorkItem.objects.filter(pk=deletion.pk).update(object_identifier=rows[0].object_identifier)
    assert read_replacements(rows) == [NEITHER, (None, 0)]


def test_long_names_are_compared_to_their_end(virginia):
    head = "n" * 300
    first = stored([Upload("a", 0)], virginia, f"{head}1.tar")
    second = stored([Upload("b", 1)], virginia, f"{head}2.tar")
    assert read_replacements(first + second) == [NEITHER, NEITHER]


@pytest.mark.parametrize("action", ["Restore", "Glacier Restore", "Delete", "Fixity Check", "DPN"])
def test_only_uploads_are_compared(virginia, action):
    ingest = make_item(virginia, name="bag.tar", etag="a", at=START)
    other = make_item(virginia, name="bag.tar", etag="b", action=action, at=START + timedelta(hours=1))
    same = make_item(virginia, name="bag.tar", etag="a", action=action, at=START + timedelta(hours=2))
    assert read_replacements([ingest, other, same]) == [NEITHER, NEITHER, NEITHER]


def test_uploads_count_even_when_the_reader_cannot_see_them(virginia, dora):
    first, _second = stored([Upload("a", 0), Upload("b", 1)], virginia)
    [row] = WorkItem.objects.visible_to(dora).filter(pk=first.pk).superseded()
    assert row == first


def test_all_uploads_of_the_bag_are_listed_newest_first(virginia, jhu):
    rows = stored(
        [Upload("a", 0, "done"), Upload("b", 2), Upload("delete", 3, "done"), Upload("a", 1)], virginia, "b.tar"
    )
    stored([Upload("z", 9)], jhu, "b.tar")
    assert list(WorkItem.objects.all().uploads_of_same_bag(rows[0])) == [rows[1], rows[3], rows[0]]


def test_other_items_about_the_object_are_listed(virginia):
    ingest, deletion = stored([Upload("a", 0, "done"), Upload("delete", 5)], virginia)
    [unknown] = stored([Upload("a", 0)], virginia)
    assert list(WorkItem.objects.all().of_same_object(ingest)) == [deletion]
    assert list(WorkItem.objects.all().of_same_object(unknown)) == []


@pytest.mark.parametrize("question", ["superseded", "open_duplicates", "with_other_upload"])
def test_on_sqlite_uploads_in_question_are_found_by_an_index(on_sqlite, question):
    """Else the subqueries about other uploads would run for every item there is."""
    [first, *_subqueries] = getattr(WorkItem.objects, question)().values("pk").explain().splitlines()
    assert "SEARCH" in first
    assert "action=?" in first


# The rule a second time, in Python, over a list.


def apply_rule(uploads):
    """For each upload (superseded by, duplicate of), as places in `uploads`; dates are places too, all different."""
    ingests = sorted(
        (place for place, upload in enumerate(uploads) if not upload.kind.startswith("delete")),
        key=lambda place: uploads[place].hour,
    )
    deletions = [upload.hour for upload in uploads if upload.kind == "delete" and upload.state == "done"]
    alive = [place for place in ingests if uploads[place].state != "cancelled"]

    counting = [place for place in alive if uploads[place].state != "failed"]

    def changes_after(place):
        mine = uploads[place]
        return [p for p in counting if uploads[p].hour > mine.hour and uploads[p].kind != mine.kind]

    def is_finished(upload):
        return upload.state == "done" or (upload.state in OPEN and upload.stage == "Store")

    def stands_for(original, later):
        """Whether the later upload need not be ingested, because the original is, or was, and still is what counts."""
        first, again = uploads[original], uploads[later]
        if not is_finished(first):
            return first.state in OPEN and not changes_after(original)
        # Only what is stored can have been deleted.
        if first.state == "done" and any(first.hour <= hour <= again.hour for hour in deletions):
            return False
        return not any(uploads[p].hour < again.hour for p in changes_after(original))

    duplicate_of = {}
    for number, place in enumerate(alive):
        originals = [p for p in alive[:number] if uploads[p].kind == uploads[place].kind and stands_for(p, place)]
        duplicate_of[place] = originals[0] if originals else None
    answers = []
    for place, upload in enumerate(uploads):
        superseded_by = None
        if place in alive and upload.state in OPEN and upload.stage != "Store" and changes_after(place):
            superseded_by = [p for p in counting if uploads[p].hour > upload.hour and duplicate_of[p] is None][-1]
        answers.append((superseded_by, duplicate_of.get(place)))
    return answers


@st.composite
def random_uploads(draw):
    count = draw(st.integers(1, 6))
    hours = draw(st.permutations(range(count)))
    kinds = st.sampled_from(["a", "a", "b", "b", "c", "delete", "delete file"])
    states = st.sampled_from(list(STATES))
    stages = st.sampled_from(["Validate", "Validate", "Store"])
    return [Upload(draw(kinds), hour, draw(states), draw(stages)) for hour in hours]


@settings(max_examples=250)
@given(uploads=random_uploads())
def test_the_sql_agrees_with_the_rule_in_python(db, uploads):
    assert read_replacements(stored(uploads)) == apply_rule(uploads)


@settings(max_examples=100)
@given(uploads=random_uploads())
def test_a_superseded_upload_never_names_another_superseded_one(db, uploads):
    """Following the links ends at an upload that counts: nobody is sent in a circle."""
    answers = read_replacements(stored(uploads))
    for start in range(len(uploads)):
        place, steps = start, 0
        while answers[place] != NEITHER:
            place = answers[place][0] if answers[place][0] is not None else answers[place][1]
            steps += 1
            assert steps <= len(uploads)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), names=st.integers(1, 12))
def test_counting_ingests_first_gives_the_same_result(db, virginia, jhu, seed, names):
    """The marks of a page are asked only for bags that were uploaded more than once; of no other is there any."""
    with transaction.atomic():
        made = []
        for number in range(names):
            name = ("n" * 250 + str(number // 2)) if number % 3 else f"bag {number // 2}"
            made += make_items(3, [virginia, jhu], seed=seed + number, name=name)
        asked = WorkItem.objects.with_uploads().values_list(
            "pk", "superseded_by_id", "duplicate_of_id", "other_upload_id"
        )
        assert find_uploads(made) == {pk: Uploads(*others) for pk, *others in asked}
        transaction.set_rollback(True)
