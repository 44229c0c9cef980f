"""The filter `acts`: exactly the items whose page says that somebody has to act, in every state."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.http import QueryDict
from django.utils import timezone

from pharos.accounts.roles import Role
from workitems import transitions
from workitems.explanations import advise, needs_for, presets_for
from workitems.failures import failed_items, record_failures
from workitems.lifecycle import PATHS
from workitems.listing import ItemList, find_uploads, situation_of
from workitems.models import WorkItem

from ..factories import make_item

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NOTES = [
    "The manifest names a file that is missing.",
    "No space left on the work volume.",
    "A newer version is in the bucket.",
    "It was deleted from the bucket.",
    "Error 17.",
]
FAILED = [("Failed", *more) for more in product((True, False), (True, False), (True, False), NOTES)]
OTHERS = [
    (status, retry, flag, reviewed, "")
    for status in ("Pending", "Started", "Suspended", "Success", "Cancelled")
    for retry, flag in product((True, False), (True, False))
    for reviewed in ((True, False) if status in ("Success", "Cancelled") else (False,))
]


def rows_of(institution):
    """Yields an item in every state."""
    for action, path in PATHS.items():
        for stage, (status, retry, flag, reviewed, note) in product(path, FAILED + OTHERS):
            values = {"status": status, "retry": retry, "needs_admin_review": flag, "note": note}
            if reviewed and status == "Failed" and retry:
                continue  # only what is closed can be reviewed
            name = f"{action}-{stage}-{status}-{retry}-{flag}-{reviewed}-{note[:3]}.tar"
            yield WorkItem(
                institution=institution, action=action, stage=stage, name=name, date=NOON, reviewed=reviewed, **values
            )


def store(rows):
    made = WorkItem.objects.bulk_create(rows)
    record_failures(failed_items(made))
    return made


def who_acts(items):
    """{party: ids}, as the items' pages say."""
    found: dict[str, set[int]] = {}
    others = find_uploads(items)
    for item in items:
        party = advise(situation_of(item, others[item.pk], note=item.note), Role.ADMIN).who
        found.setdefault(str(party), set()).add(item.pk)
    return found


def listed(query, user):
    return {item.pk for item in ItemList(QueryDict(query), user).items()}


def test_the_filter_agrees_with_every_page(virginia, ada):
    items = store(rows_of(virginia))
    said = who_acts(items)
    assert all(len(said[party]) > 100 for party in ("institution", "consortium", "nobody"))
    for party in ("institution", "consortium"):
        wrong = listed(f"acts={party}", ada) ^ said[party]
        assert not [str(item.name) for item in items if item.pk in wrong]
    assert listed("acts=institution&acts=consortium", ada) == said["institution"] | said["consortium"]


def test_other_uploads_count(virginia, ada):
    def upload(name, hour, stage="Validate", status="Pending", etag="a", **more):
        return WorkItem(
            institution=virginia,
            action="Ingest",
            name=name,
            stage=stage,
            status=status,
            etag=etag,
            date=NOON + timedelta(hours=hour),
            **more,
        )

    failed = {"status": "Failed", "retry": False, "note": NOTES[0]}
    held = {"status": "Suspended", "retry": False, "needs_admin_review": True}
    items = store(
        [
            upload("again.tar", 0, **failed),
            upload("again.tar", 1, etag="b"),
            upload("cancelled.tar", 0, **failed),
            upload("cancelled.tar", 1, etag="b", status="Cancelled"),
            upload("superseded.tar", 0, **held),
            upload("superseded.tar", 1, etag="b"),
            upload("at store.tar", 0, stage="Store", **held),
            upload("at store.tar", 1, etag="b"),
            upload("duplicate.tar", 0),
            upload("duplicate.tar", 1, **held),
            upload("late.tar", 0, stage="Store", **failed),
            upload("late.tar", 1, etag="b"),
        ]
    )
    said = who_acts(items)
    assert said["institution"] == {items[2].pk}
    assert said["consortium"] == {items[6].pk}
    for party in ("institution", "consortium"):
        assert listed(f"acts={party}", ada) == said[party]


DAY = timedelta(days=1)
DONE, FAILED_PART, OPEN, CANCELLED = (
    {"status": "Success", "stage": "Cleanup"},
    {"status": "Failed", "stage": "Validate", "retry": False, "note": NOTES[0]},
    {"status": "Started", "stage": "Store"},
    {"status": "Cancelled", "stage": "Resolve"},
)
# {bag: [(ending, days ago, what became of it)]}; the last element is the index of the part that says what is missing.
SPLIT = {
    "complete": ([(".b1.of2", 9, DONE), (".b2.of2", 8, DONE)], None),
    "one missing": ([(".b01.of03", 9, DONE), (".b03.of03", 8, DONE)], 1),
    "last done one is not the last": ([(".b1.of4", 9, DONE), (".b2.of4", 8, FAILED_PART), (".b3.of4", 7, OPEN)], 0),
    "just received": ([(".b1.of3", 9, DONE), (".b2.of3", 1, DONE)], None),
    "on its way": ([(".b1.of3", 9, DONE), (".b2.of3", 1, OPEN)], None),
    "two days are over": ([(".b1.of2", 2.01, DONE)], 0),
    "two days are not over": ([(".b1.of2", 1.99, DONE)], None),
    "reviewed": ([(".b1.of2", 9, {**DONE, "reviewed": True})], None),
    "the last one reviewed": ([(".b1.of3", 9, DONE), (".b2.of3", 8, {**DONE, "reviewed": True})], None),
    "none done": ([(".b1.of3", 9, OPEN), (".b2.of3", 8, CANCELLED)], None),
    "cancelled part": ([(".b1.of2", 9, DONE), (".b2.of2", 8, CANCELLED)], None),
    "sent twice": ([(".b1.of3", 9, DONE), (".b1.of3", 8, DONE), (".b02.of003", 7, DONE)], 2),
    "two widths": ([(".b1.of2", 9, DONE), (".b01.of02", 8, DONE)], 1),
    "two widths, complete": ([(".b1.of2", 9, DONE), (".b02.of02", 8, DONE)], None),
    "two totals": ([(".b1.of2", 9, DONE), (".b2.of2", 8, DONE), (".b3.of5", 7, DONE)], 2),
    "sixth of five": ([(".b06.of05", 9, DONE)], None),
    "sixth of five and a first": ([(".b01.of05", 9, DONE), (".b06.of05", 8, DONE)], 0),
    "ninth of ten": ([(".b9.of10", 9, DONE)], 0),
    "part 0": ([(".b00.of05", 9, DONE), (".b0.of0", 8, DONE), (".b1.of0", 7, DONE)], None),
    "huge": ([(".b7.of99999", 9, DONE)], 0),
    "larger than a number": ([(f".b7.of{'9' * 400}", 9, DONE)], 0),
    "no parts": ([(".b.of", 9, DONE), (".b1.of", 9, DONE), (".b.of2", 9, DONE), (".B1.OF2", 9, DONE)], None),
    "almost": ([(".b1.xof2", 9, DONE), (".b1.of2.x", 9, DONE), (".c1.of2", 9, DONE), (".of2", 9, DONE)], None),
    "in its name.b1.of2": ([(".b1.of1", 9, DONE)], None),
    "%": ([(".b1.of2", 9, DONE), (".b2.of2", 8, DONE)], None),
    "n" * 300: ([(".b1.of2", 9, DONE)], 0),
    "n" * 299 + "m": ([(".b1.of1", 9, DONE)], None),
}


def store_parts(institution):
    """Stores the parts. Returns all items, and the ids of those that say what is missing."""
    now, rows, carriers = timezone.now(), [], []
    for bag, (parts, carrier) in SPLIT.items():
        made = [
            WorkItem(
                institution=institution,
                action="Ingest",
                name=f"{bag}{ending}.tar",
                etag=str(index),
                date=now - days * DAY,
                **values,
            )
            for index, (ending, days, values) in enumerate(parts)
        ]
        rows += made
        carriers += [] if carrier is None else [made[carrier]]
    tiny = [WorkItem(institution=institution, action="Ingest", name=name, date=NOON, **DONE) for name in TINY]
    made = store([*rows, *tiny])
    return made, {item.pk for item in carriers}


TINY = [".of", "of", "x", ".b1.of2.tar", ".tar", "x.b1.of2"]


def test_a_missing_part_is_said_by_one_item(virginia, jhu, ada):
    items, carriers = store_parts(virginia)
    store([WorkItem(institution=jhu, action="Ingest", name="one missing.b02.of03.tar", date=NOON, **DONE)])
    said = who_acts(items)["institution"]
    assert said == carriers | {item.pk for item in items if item.status == "Failed"}
    items = list(WorkItem.objects.all())
    assert listed("acts=institution", ada) == who_acts(items)["institution"]
    assert listed("acts=consortium", ada) == who_acts(items).get("consortium", set())


@pytest.mark.parametrize("role", [Role.DEPOSITOR, Role.STAFF])
def test_needs_me_has_missing_parts(virginia, dora, olga, role):
    _items, carriers = store_parts(virginia)
    queries = {str(one.label): one.query for one in (*presets_for(role), *needs_for(role))}
    assert carriers < listed(queries["Needs me"], dora)
    assert carriers == listed(queries["Parts missing"], dora)
    together = listed(queries["Failed, your turn"], dora) | carriers
    assert listed(queries["Needs me"], dora) == together
    everything = set(WorkItem.objects.values_list("pk", flat=True))
    assert listed("missing_part=false", dora) == everything - carriers
    for name in ("Needs me", "Parts missing", "Failed, your turn"):
        assert listed(queries[name], olga) == set()


def test_a_missing_part_that_comes_is_no_longer_missing(virginia, ada, wally):
    first = make_item(virginia, name="x.b1.of2.tar", at=timezone.now() - 3 * DAY)
    transitions.succeed(first, by=wally, stage="Cleanup")
    assert listed("acts=institution", ada) == {first.pk}
    make_item(virginia, name="x.b2.of2.tar", at=timezone.now() - 3 * DAY)
    assert listed("acts=institution", ada) == set()


@pytest.mark.parametrize("role", [Role.DEPOSITOR, Role.STAFF])
def test_needs_me_is_what_the_institution_has_to_do(virginia, jhu, dora, role):
    items = store([*rows_of(virginia)])
    store([*rows_of(jhu)])
    queries = {str(one.label): one.query for one in (*presets_for(role), *needs_for(role))}
    expected = who_acts(items)["institution"]
    assert listed(queries["Needs me"], dora) == expected
    assert listed(queries["Failed, your turn"], dora) == expected


def test_an_edited_note_changes_who_acts(virginia, wally, ada):
    item = make_item(virginia)
    transitions.fail(item, stage="Validate", note="Error 17.", retry=False, by=wally)
    assert listed("acts=institution", ada) == {item.pk}
    transitions.edit(item, note="No space left on the work volume.", by=ada)
    assert listed("acts=institution", ada) == set()
    assert listed("acts=consortium", ada) == {item.pk}


@pytest.mark.parametrize("value", ["nobody", "x"])
def test_other_words_are_refused(ada, value):
    assert not ItemList(QueryDict(f"acts={value}"), ada).is_valid()
