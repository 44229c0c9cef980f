"""The filter `acts`: exactly the items whose page says that somebody has to act, in every state."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.http import QueryDict

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
