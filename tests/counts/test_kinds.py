"""Conditions on kinds, without a database: what matches one of some and one of others."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workitems.counts import ANY_KIND, Kind, intersect_conditions, matches_any

VALUES: dict[str, list[Any]] = {
    "action": ["Ingest", "Restore"],
    "stage": ["Fetch", "Record"],
    "status": ["Started", "Failed"],
    "reviewed": [True, False],
    "retry": [True, False],
}
kinds = st.builds(Kind, **{column: st.sampled_from(values) for column, values in VALUES.items()})
conditions = st.fixed_dictionaries(
    {}, optional={column: st.frozensets(st.sampled_from(values)) for column, values in VALUES.items()}
)
masks = st.lists(conditions, max_size=3)


@given(kind=kinds, some=masks, others=masks)
def test_what_matches_both_matches_the_intersection(kind, some, others):
    expected = matches_any(kind, some) and matches_any(kind, others)
    assert matches_any(kind, intersect_conditions(some, others)) == expected


@given(some=masks)
def test_any_kind_restricts_nothing(some):
    met = intersect_conditions(some, ANY_KIND)
    assert met == tuple(one for one in some if all(one.values()))


def test_what_nothing_can_match_is_left_out():
    failed, started = {"status": frozenset({"Failed"})}, {"status": frozenset({"Started"}), "retry": frozenset({True})}
    assert intersect_conditions([failed], [started]) == ()
    assert intersect_conditions([failed, started], [{"retry": frozenset({True, False})}]) == (
        {**failed, "retry": frozenset({True, False})},
        started,
    )
