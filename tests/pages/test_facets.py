"""The facet counts: for any filter, the number of rows that clicking the value shows."""

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from workitems.listing import COUNT_LIMIT, ItemList
from workitems.pages.list.facets import Facets, format_total, suggest_drops
from workitems.vocabulary import Action, Stage, Status

from ..factories import make_item
from ..many_items import make_items

INSTITUTIONS = ("virginia.edu", "jhu.edu")
some = {
    "item_action": st.sampled_from([*Action]),
    "stage": st.sampled_from([*Stage]),
    "status": st.sampled_from([*Status]),
    "reviewed": st.sampled_from(["true", "false"]),
    "institution": st.sampled_from(INSTITUTIONS),
}
others = {
    "q": st.sampled_from(["plain", "ünï", "straße", "STRASSE", "%", "_", "\\", "“", "objekt-3", "zzz"]),
    "name_like": st.sampled_from(["ärger", "-1", "%_"]),
    "etag": st.sampled_from([f"{n:032x}" for n in range(3)]),
    "received_from": st.sampled_from(["2026-03-06", "2026-03-08"]),
    "finished_from": st.sampled_from(["2026-03-06", "2999-03-07"]),
    "received_to": st.sampled_from(["2026-03-06", "2026-03-07"]),
    "retry": st.sampled_from(["true", "false"]),
    "needs_admin_review": st.sampled_from(["true", "false"]),
    "size_min": st.sampled_from(["1", "90.7 MB"]),
    "size_max": st.sampled_from(["1 GB"]),
    "bucket": st.sampled_from(["aptrust.receiving.a"]),
    "user": st.sampled_from(["kim@virginia.edu"]),
    "phase": st.sampled_from(["open", "held", "closed"]),
    "superseded": st.sampled_from(["true", "false"]),
}
queries = st.fixed_dictionaries(
    {},
    optional={name: st.lists(values, min_size=1, max_size=3, unique=True) for name, values in some.items()}
    | {name: values.map(lambda value: [value]) for name, values in others.items()},
)


@pytest.fixture
def many(virginia, jhu):
    return make_items(120, [virginia, jhu])


def listing(user, params):
    query = QueryDict(mutable=True)
    for name, values in params.items():
        query.setlist(name, [str(value) for value in values])
    return ItemList(query, user)


@settings(max_examples=25)
@given(params=queries, who=st.sampled_from(["ada", "stan", "dora"]))
def test_a_count_matches_the_list_after_a_click(many, cast, params, who):
    user = cast[who]
    if who != "ada":
        params = {**params, **({"institution": ["virginia.edu"]} if "institution" in params else {})}
    asked = listing(user, params)
    assert asked.is_valid(), asked.errors
    facets = Facets(asked)
    assert facets.total == asked.rows().count()
    for group in facets.groups():
        for value in group.values:
            clicked = ItemList(QueryDict(value.only_query), user)
            assert clicked.rows().count() == value.count, (group.name, value.value)


def test_every_row_is_counted_once_in_each_group(many, ada):
    facets = Facets(listing(ada, {}))
    assert facets.total == len(many)
    for group in facets.groups():
        assert sum(value.count for value in group.values) == len(many)


def test_a_count_respects_the_other_groups_but_not_its_own(many, ada):
    asked = Facets(listing(ada, {"status": ["Failed"], "item_action": ["Ingest"]}))
    failed = {value.value: value.count for value in asked.groups()[2].values}
    ingests = [item for item in many if item.action == "Ingest"]
    assert failed == {status: sum(item.status == status for item in ingests) for status in Status}


def test_readers_only_see_counts_of_their_institution(many, dora, virginia):
    facets = Facets(listing(dora, {}))
    assert facets.total == sum(item.institution_id == virginia.pk for item in many)
    assert [group.name for group in facets.groups()] == ["action", "stage", "status", "reviewed"]


def test_always_listed_terms_stay_at_zero_and_others_do_not(virginia, dora):
    groups = {group.name: [value.value for value in group.values] for group in Facets(listing(dora, {})).groups()}
    assert groups["status"] == ["Pending", "Started", "Success", "Failed", "Cancelled"]
    assert groups["stage"] == [
        "Requested", "Receive", "Fetch", "Unpack", "Validate", "Store", "Record", "Package", "Cleanup", "Resolve",
    ]  # fmt: skip
    assert groups["action"] == ["Ingest", "Restore", "Glacier Restore", "Delete", "Fixity Check", "DPN"]


def test_a_selected_value_stays_at_zero(virginia, dora):
    groups = {group.name: group for group in Facets(listing(dora, {"status": ["Suspended"]})).groups()}
    assert [(v.value, v.count) for v in groups["status"].values if v.is_selected] == [("Suspended", 0)]


def test_both_reviewed_values_stay_and_only_institutions_with_items(virginia, jhu, item, ada):
    groups = {group.name: group for group in Facets(listing(ada, {})).groups()}
    assert [(one.value, one.count) for one in groups["reviewed"].values] == [("false", 1), ("true", 0)]
    assert [(one.value, one.count) for one in groups["institution"].values] == [("virginia.edu", 1)]


def test_a_second_value_of_a_group_can_be_added_and_removed(many, ada):
    [status] = [group for group in Facets(listing(ada, {"status": ["Failed"]})).groups() if group.name == "status"]
    toggled = {value.value: value.toggled_query for value in status.values}
    assert toggled["Pending"] == "status=Failed&status=Pending"
    assert toggled["Failed"] == ""
    [status] = [group for group in Facets(listing(ada, {})).groups() if group.name == "status"]
    assert {value.toggled_query for value in status.values} == {value.only_query for value in status.values}


def test_an_invalid_list_has_no_counts(many, ada):
    facets = Facets(listing(ada, {"status": ["Lost"]}))
    assert (facets.total, facets.is_complete, facets.is_exact) == (0, True, True)


@pytest.mark.parametrize(
    ("total", "is_complete", "words"),
    [
        (0, True, "0"),
        (1234, True, "1,234"),
        (0, False, "none so far"),
        (7, False, "at least 7"),
        (COUNT_LIMIT - 1, False, "at least 9,999"),
        (COUNT_LIMIT, False, "more than 10,000"),
    ],
)
def test_lower_bounds_are_shown_as_more_than(total, is_complete, words):
    assert format_total(total, is_complete=is_complete) == words


def test_an_empty_list_says_which_filter_to_remove(many, ada):
    asked = listing(ada, {"q": ["zzz"], "status": ["Failed"]})
    hints = suggest_drops(asked)
    assert [(hint.label, hint.count) for hint in hints] == [
        ("Search: zzz", sum(item.status == "Failed" for item in many))
    ]


def test_the_filter_that_hides_most_is_suggested_first(virginia, ada):
    """In whatever order they were selected."""
    for number in range(3):
        make_item(virginia, name=f"alpha-{number}.tar", stage="Fetch")
    make_item(virginia, name="beta.tar", stage="Record")
    asked = {"name_like": ["alpha"], "stage": ["Record"]}
    for params in (asked, dict(reversed(asked.items()))):
        found = suggest_drops(listing(ada, params))
        assert [(hint.label, hint.count, hint.is_complete) for hint in found] == [
            ("Stage: Record", 3, True),
            ("Name contains: alpha", 1, True),
        ]
        assert [hint.query_without for hint in found] == ["name_like=alpha", "stage=Record"]


def test_counts_take_one_statement(many, ada, django_assert_num_queries):
    asked = listing(ada, {"status": ["Failed"]})
    with django_assert_num_queries(2):  # the cells; the institutions' names, asked once
        Facets(asked).groups()
