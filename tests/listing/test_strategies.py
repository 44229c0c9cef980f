"""The rows of a list by every strategy: as a plain query returns them, in its order, page by page from either end."""

from collections import Counter
from urllib.parse import parse_qs

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from workitems.listing import SORTS, IndexStrategy, ItemList, ListResult, count_from_summary, find
from workitems.listing.strategies import bounded_scan, result
from workitems.listing.strategies.keyset_walk import KeysetWalk
from workitems.listing.strategies.plan import ByKindResult, InMemoryResult
from workitems.models import WorkItem
from workitems.pages.list.facets import Facets

from ..factories import make_item
from ..many_items import make_items
from ..pages.test_facets import queries

INDEXED = ("date", "-date", "updated", "-updated")


def listing(user, params):
    query = QueryDict(mutable=True)
    for name, values in params.items():
        query.setlist(name, [str(value) for value in values])
    asked = ItemList(query, user)
    assert asked.is_valid(), asked.errors
    return asked


def on(asked, **changes):
    return listing(asked.user, parse_qs(asked.query(**changes)))


def expected(asked, sort=None):
    """Returns the rows of one plain query."""
    return list(asked.items().order_by(*(sort or asked.sort).ordering).values_list("pk", flat=True))


def follow_pages(asked, most=200):
    """Returns every page by the links to the next one, and then by the links to the previous one."""
    page, there = find(asked).page(), []
    pages = [list(page.ids)]
    while (page.next or page.further) and len(pages) < most:
        asked = on(asked, page=len(pages) + 1, after=page.next or page.further)
        page = find(asked).page()
        pages.append(list(page.ids))
    there = pages[:]
    back = [list(page.ids)]
    while page.previous and len(back) < most:
        asked = on(asked, page=len(pages) - len(back), before=page.previous)
        page = find(asked).page()
        back.append(list(page.ids))
    return there, back[::-1]


@pytest.fixture
def many(virginia, jhu):
    return make_items(120, [virginia, jhu])


@pytest.fixture
def set_limits(monkeypatch):
    """Returns a function that lowers the limits, so that a hundred items are many."""

    def small(**limits):
        for name, value in limits.items():
            monkeypatch.setattr(result if name == "OFFSET_LIMIT" else bounded_scan, name, value)

    return small


def restrict_to_visible(params, who):
    if who == "ada" or "institution" not in params:
        return params
    return {**params, "institution": ["virginia.edu"]}


@settings(max_examples=20)
@given(
    params=queries, who=st.sampled_from(["ada", "stan"]), sort=st.sampled_from([*SORTS]), size=st.sampled_from([7, 30])
)
def test_pages_match_a_plain_query(many, cast, params, who, sort, size):
    asked = listing(cast[who], {**restrict_to_visible(params, who), "sort": [sort], "per_page": [size]})
    whole = find(asked)
    assert whole.is_complete
    assert whole.is_exact
    assert whole.is_sorted
    there, back = follow_pages(asked)
    assert [pk for page in there for pk in page] == expected(asked)
    assert [pk for page in back for pk in page] == expected(asked)
    assert all(len(page) == size for page in there[:-1])
    assert whole.total == len(expected(asked))


@settings(max_examples=12)
@given(params=queries, who=st.sampled_from(["ada", "stan"]), sort=st.sampled_from(INDEXED))
def test_keyset_walk_finds_every_item_once(many, cast, params, who, sort):
    """With ten items per scan and twenty examined, every item appears once, in order, however rare."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"COUNT_LIMIT": 10, "SCAN_LIMIT": 20, "MATCH_LIMIT": 15}.items():
            patch.setattr(bounded_scan, name, value)
        asked = listing(cast[who], {**restrict_to_visible(params, who), "sort": [sort], "per_page": [4]})
        facets = Facets(asked)
        right = expected(asked)
        assert facets.total == len(right) if facets.is_complete else facets.total <= len(right)
        there, back = follow_pages(asked)
        assert [pk for page in there for pk in page] == right
        if find(asked).can_go_back:
            assert [pk for page in back for pk in page] == right


def test_each_list_gets_its_strategy(many, ada, set_limits):
    ways = {
        "": ByKindResult,
        "status=Failed&item_action=Ingest": ByKindResult,
        "phase=open&reviewed=false&sort=-updated": ByKindResult,
        "status=Failed&sort=name": InMemoryResult,
        "q=plain": InMemoryResult,
        "received_from=2026-03-08": InMemoryResult,
    }
    for query, way in ways.items():
        assert type(find(ItemList(QueryDict(query), ada))) is way, query
    set_limits(COUNT_LIMIT=5)
    ways = {"q=plain": KeysetWalk, "received_from=2026-03-06": ByKindResult, "status=Failed&sort=name": ByKindResult}
    for query, way in ways.items():
        assert type(find(ItemList(QueryDict(query), ada))) is way, query


@pytest.mark.parametrize(
    ("query", "strategy"),
    [
        ("status=Failed", IndexStrategy.COUNTED),
        ("retry=false", IndexStrategy.COUNTED),
        ("received_from=2026-03-08", IndexStrategy.RANGE),
        ("q=plain", IndexStrategy.SEARCH),
        ("bucket=aptrust", IndexStrategy.SCANNED),
        ("queued=true", IndexStrategy.SCANNED),
        # The few have an index of their own; all the others have none.
        ("needs_admin_review=true", IndexStrategy.NARROW),
        ("needs_admin_review=false", IndexStrategy.SCANNED),
    ],
)
def test_what_finds_the_items_of_a_filter(ada, query, strategy):
    asked = ItemList(QueryDict(f"{query}&sort=name&per_page=5"), ada)
    assert asked.is_valid()
    assert asked.strategies == {strategy: [query.partition("=")[0]]}


@pytest.mark.parametrize("query", ["q=plain", "received_from=2026-03-07", "queued=false"])
def test_a_list_of_just_as_many_as_are_counted_is_whole(many, ada, set_limits, query):
    asked = ItemList(QueryDict(query), ada)
    number = len(expected(asked))
    set_limits(COUNT_LIMIT=number)
    whole = find(asked)
    assert (whole.is_complete, whole.is_exact, whole.total) == (True, True, number)
    set_limits(COUNT_LIMIT=number - 1)
    part = find(asked)
    assert (part.is_complete, part.is_exact, part.total) == (False, False, number - 1)
    assert [row.pk for row in part.rows_after(None, number - 1)] == expected(asked)[:-1]


def test_a_list_of_just_as_many_as_are_counted_is_sorted(many, ada, set_limits):
    asked = ItemList(QueryDict("status=Failed&sort=name"), ada)
    number = len(expected(asked))
    set_limits(COUNT_LIMIT=number)
    assert find(asked).is_sorted
    assert list(find(asked).page().ids) == expected(asked)
    set_limits(COUNT_LIMIT=number - 1)
    assert not find(asked).is_sorted
    assert list(find(asked).page().ids) == expected(asked, SORTS["date"])


@pytest.mark.parametrize(("sort", "queries"), [("date", 0), ("-updated", 0), ("name", 1)])
def test_the_first_page_of_a_long_list_is_among_the_rows_of_the_scan(
    many, ada, set_limits, sort, queries, django_assert_num_queries
):
    set_limits(COUNT_LIMIT=20)
    asked = ItemList(QueryDict(f"queued=false&per_page=7&sort={sort}"), ada)
    whole = find(asked)
    assert type(whole) is KeysetWalk
    with django_assert_num_queries(queries):
        page = whole.page()
    assert list(page.ids) == expected(asked, None if whole.is_sorted else SORTS["date"])[:7]


@pytest.mark.parametrize("query", ["status=Failed", "q=plain", "queued=false", "received_from=2026-03-07"])
@pytest.mark.parametrize("limit", [5, 1000])
def test_the_first_row_after_another_is_sought(many, ada, set_limits, query, limit):
    set_limits(COUNT_LIMIT=limit)
    asked = ItemList(QueryDict(query), ada)
    whole = find(asked)
    first, second = whole.rows_after(None, 2)
    [last] = whole.rows_after(None, 1, back=True)
    assert [row.pk for row in (first, second, last)] == [*expected(asked)[:2], expected(asked)[-1]]
    assert (whole.seek(None, 3), whole.seek(first.values, 1)) == ((first, None), (second, None))
    assert whole.seek(last.values, 3) == (None, None)
    assert whole.seek(None, 0) == (None, None)


def test_a_row_far_away_is_sought_a_limited_number_of_items_at_a_time(many, ada, virginia, set_limits):
    oldest = make_item(virginia, name="needle.tar", bucket="haystack", at=many[0].date.replace(year=2001))
    set_limits(COUNT_LIMIT=5, SCAN_LIMIT=50)
    whole = find(ItemList(QueryDict("bucket=haystack"), ada))
    found, where = whole.seek(None, 2)
    assert (found, where is not None) == (None, True)
    found, where = whole.seek(where, 2)
    assert (found.pk, where) == (oldest.pk, None)


def test_a_scan_of_a_range_begins_where_the_range_does(many, ada, virginia, set_limits):
    oldest = make_item(virginia, name="needle.tar", bucket="haystack", at=many[0].date.replace(year=2001))
    set_limits(COUNT_LIMIT=5, SCAN_LIMIT=50)
    whole = find(ItemList(QueryDict("bucket=haystack&received_to=2002-01-01"), ada))
    assert (whole.is_complete, list(whole.page().ids)) == (True, [oldest.pk])


def test_a_range_of_an_index_alone_is_read_to_its_end(many, ada, set_limits):
    """Every item examined is one of the list, so only their number is limited."""
    set_limits(SCAN_LIMIT=10)
    asked = ItemList(QueryDict("received_from=2026-03-01"), ada)
    whole = find(asked)
    assert (whole.is_complete, whole.is_exact, whole.total) == (True, True, len(expected(asked)))


@pytest.mark.parametrize(
    ("query", "is_limited"),
    [
        ("bucket=haystack", True),
        ("q=plain", True),
        ("retry=true", False),
        ("received_from=2026-03-01", False),
        ("received_from=2026-03-01&updated_after=2026-03-01T00:00:00Z", True),
        ("etag=abc", False),
    ],
)
def test_only_scans_that_may_look_in_vain_are_limited(many, ada, dora, set_limits, query, is_limited):
    set_limits(SCAN_LIMIT=100)
    assert bounded_scan.needs_scan_limit(ItemList(QueryDict(query), ada)) is is_limited
    assert not bounded_scan.needs_scan_limit(ItemList(QueryDict(query), dora))  # who sees half of the 120 items
    set_limits(SCAN_LIMIT=120)
    assert not bounded_scan.needs_scan_limit(ItemList(QueryDict(query), ada))


def test_institutions_of_a_scan_are_counted_with_the_facets(many, ada):
    found = find(ItemList(QueryDict("q=.tar&status=Failed"), ada))
    right = Counter(row.institution_id for row in many if row.status == "Failed" and ".tar" in row.name)
    assert isinstance(found, InMemoryResult)
    assert found.counts.institutions == right
    assert 0 < right.total() < 120


def test_a_text_index_is_used_if_it_finds_few(many, ada, set_limits, on_postgresql):
    asked = ItemList(QueryDict("q=plain"), ada)
    number = len(expected(asked))
    for most, is_used in ((number, True), (number - 1, False)):
        set_limits(MATCH_LIMIT=most)
        matches = bounded_scan.scan(asked).matches
        assert (matches is not None) is is_used
        assert matches is None or (matches.name, sorted(matches.ids)) == ("q", sorted(expected(asked)))
    for query in ("q=pl", "q=plain&etag=abc", "etag=abc", ""):  # too short, or another index finds fewer
        assert bounded_scan.scan(ItemList(QueryDict(query), ada)).matches is None


@pytest.mark.parametrize(("query", "is_start"), [("bucket=a", True), ("retry=true&q=plain", True), ("etag=abc", False)])
def test_what_an_index_finds_is_read_in_any_order(many, ada, monkeypatch, query, is_start):
    """The rest is read in the list's own order, so that its first page is known."""
    monkeypatch.setattr(bounded_scan, "is_indexed", lambda _connection: False)
    assert bounded_scan.scan(ItemList(QueryDict(query), ada)).is_start is is_start


def test_a_long_range_with_facets_is_counted_up_to_the_limit(many, ada, set_limits):
    asked = ItemList(QueryDict("status=Failed&received_from=2026-03-01"), ada)
    number = len(expected(asked))
    for limit, is_complete in ((number, True), (number - 1, False)):
        set_limits(COUNT_LIMIT=limit)
        found = find(asked)
        assert (type(found), found.total, found.is_complete) == (ByKindResult, limit, is_complete)


def test_the_summary_answers_what_it_can(many, ada):
    """Also a list without any filter, and none with a filter that it doesn't know."""
    for query in ("", "status=Failed", "status=Failed&reviewed=false&sort=updated"):
        assert type(count_from_summary(ItemList(QueryDict(query), ada))) is ByKindResult
    for query in ("sort=name", "q=plain", "status=Failed&q=plain"):
        assert count_from_summary(ItemList(QueryDict(query), ada)) is None


@pytest.mark.parametrize("query", ["", "q=plain", "status=Failed"])
def test_who_can_see_nothing_gets_an_empty_list(many, ada, query):
    ada.is_active = False
    nothing = find(ItemList(QueryDict(query), ada))
    assert (nothing.is_complete, nothing.total, list(nothing.page().ids)) == (True, 0, [])


@pytest.mark.parametrize("sort", INDEXED)
@pytest.mark.parametrize("query", ["", "status=Failed", "status=Failed&status=Cancelled&institution=virginia.edu"])
def test_pages_by_number_near_either_end(many, ada, set_limits, sort, query):
    asked = ItemList(QueryDict(f"{query}&sort={sort}&per_page=5"), ada)
    right = expected(asked)
    pages = -(-len(right) // 5)
    set_limits(OFFSET_LIMIT=10)
    for number in range(1, pages + 2):
        page = find(on(asked, page=number)).page()
        if page.is_too_far:
            assert 10 < (number - 1) * 5 < len(right) - 10
        else:
            assert list(page.ids) == right[(number - 1) * 5 : number * 5], number
    assert find(on(asked, page=pages)).page().ids


def test_a_list_too_long_to_be_sorted_says_so(many, ada, set_limits, signed_in):
    set_limits(COUNT_LIMIT=20)
    asked = ItemList(QueryDict("sort=name"), ada)
    assert not find(asked).is_sorted
    page = find(asked).page()
    assert list(page.ids) == expected(asked, SORTS["date"])[:25]
    said = signed_in(ada).get("/items/?sort=name").content.decode()
    assert "This list is too long to sort by" in said
    assert "aria-sort" not in said
    assert find(ItemList(QueryDict("sort=name&status=Failed&item_action=Delete"), ada)).is_sorted


def test_a_page_after_a_cursor_has_one_before_it_whatever_its_number(many, ada):
    asked = listing(ada, {"status": ["Failed"], "per_page": [3]})
    after = find(asked).page().next
    for query in (on(asked, after=after), on(asked, after=after, page=2)):
        page = find(query).page()
        assert list(page.ids) == expected(asked)[3:6]
        assert page.previous
        first = find(on(asked, before=page.previous)).page()
        assert (list(first.ids), first.next) == (expected(asked)[:3], after)


@pytest.mark.parametrize("query", ["", "status=Failed&status=Success", "q=plain&reviewed=false", "institution=jhu.edu"])
def test_how_the_items_of_a_list_are_going(many, ada, query):
    asked = ItemList(QueryDict(query), ada)
    rows = asked.items().values_list("action", "stage", "status", "retry", "reviewed")
    assert find(asked).outcomes == Counter(rows)


def test_concurrent_changes_do_not_shift_the_next_page(many, ada, virginia):
    """After a cursor no row is repeated or missed, although earlier pages have changed."""
    asked = listing(ada, {"sort": ["date"], "per_page": ["10"], "status": ["Failed", "Success"]})
    right = expected(asked)
    first = find(asked).page()
    make_items(3, [virginia], seed=2, status="Failed", date=many[0].date.replace(year=2030))
    WorkItem.objects.filter(pk__in=first.ids[:4]).update(status="Started", reviewed=False)
    second = find(on(asked, page=2, after=first.next)).page()
    assert list(second.ids) == right[10:20]
    WorkItem.objects.filter(pk=first.ids[-1]).update(status="Started", reviewed=False)  # the row of the cursor itself
    assert list(find(on(asked, page=2, after=first.next)).page().ids) == right[10:20]


@pytest.mark.parametrize("per_page", [5, 200])
def test_closed_and_unknown_items_sort_last_by_waiting_time(many, ada, per_page):
    asked = listing(ada, {"sort": ["waiting"], "per_page": [per_page]})
    wait = [item for item in many if item.stage_entered_at and item.phase != "closed"]
    others = {item.pk for item in many} - {item.pk for item in wait}
    assert any(item.stage_entered_at for item in many if item.pk in others)
    right = [item.pk for item in sorted(wait, key=lambda item: (item.stage_entered_at, item.pk))] + sorted(others)
    for pages in follow_pages(asked):
        assert [pk for page in pages for pk in page] == right


def test_closing_the_cursors_item_shifts_no_other_row(many, ada):
    """The cursor's own row moves to the end of the order, and the next page still misses nothing."""
    asked = listing(ada, {"sort": ["waiting"], "per_page": ["5"]})
    right = expected(asked)
    first = find(asked).page()
    WorkItem.objects.filter(pk=first.ids[-1]).update(status="Success")
    second = find(on(asked, page=2, after=first.next)).page()
    assert list(second.ids) == right[5:10]
    assert list(find(on(asked, page=1, before=second.previous)).page().ids) == right[:4]


@pytest.mark.parametrize("sort", [*SORTS])
def test_the_cursors_row_can_leave_an_in_memory_list(many, ada, sort):
    asked = listing(ada, {"sort": [sort], "per_page": ["5"], "q": ["plain"], "status": ["Failed", "Success"]})
    right = expected(asked)
    first = find(asked).page()
    WorkItem.objects.filter(pk=first.ids[-1]).update(status="Started", reviewed=False)
    assert list(find(on(asked, page=2, after=first.next)).page().ids) == right[5:10]
    second = find(on(asked, page=2, after=first.next)).page()
    back = find(on(asked, page=1, before=second.previous)).page()
    assert list(back.ids) == right[:4]
    WorkItem.objects.filter(pk=second.ids[0]).update(status="Started", reviewed=False)
    assert list(find(on(asked, page=1, before=second.previous)).page().ids) == right[:4]


@pytest.mark.parametrize("sort", [*SORTS])
@pytest.mark.parametrize("query", ["status=Failed", "q=plain", "received_from=2026-03-07&status=Success"])
def test_neighbors_of_an_item(many, ada, sort, query):
    asked = ItemList(QueryDict(f"{query}&sort={sort}"), ada)
    right = expected(asked)
    way: ListResult = find(asked)
    items = WorkItem.objects.select_related("institution").in_bulk(right)
    around = [None, *right, None]
    for index, pk in enumerate(right):
        assert way.neighbors(items[pk]) == (around[index], around[index + 2])


def test_counts_and_rows_stay_within_the_scope(many, olga, jhu):
    asked = ItemList(QueryDict(""), olga)
    own = {item.pk for item in many if item.institution_id == jhu.pk}
    assert find(asked).total == len(own)
    assert {pk for page in follow_pages(asked)[0] for pk in page} == own


def statements(django_assert_max_num_queries, most, asked):
    with django_assert_max_num_queries(most) as captured:
        Facets(asked).result.page()
    return " ".join(query["sql"] for query in captured)


def test_no_page_counts_or_skips_items(many, ada, on_postgresql, django_assert_max_num_queries):
    for query in ("", "status=Failed&page=2&per_page=10", "sort=updated&reviewed=true"):
        sql = statements(django_assert_max_num_queries, 2, ItemList(QueryDict(query), ada))
        assert "OFFSET" not in sql
        assert sql.count("COUNT(") == 1  # of moving items


@pytest.mark.parametrize(("who", "index"), [("ada", "item_searched "), ("olga", "item_searched_of_institution ")])
def test_on_sqlite_a_search_reads_only_matching_items(many, request, who, index, on_sqlite):
    rows = ItemList(QueryDict("q=nowhere"), request.getfixturevalue(who)).rows().values("pk")
    plan = rows.explain()
    assert f"INDEX {index}" in f"{plan} "
    assert "TEMP B-TREE" not in plan


def test_moving_items_are_found_by_their_index_on_sqlite(many, ada, on_sqlite):
    for query in ("status=Pending", "status=Started&status=Pending&node_empty=true&retry=true"):
        assert "item_moving" in ItemList(QueryDict(query), ada).items().explain()
    assert "item_moving" not in ItemList(QueryDict("status=Pending&status=Failed"), ada).items().explain()


@pytest.mark.parametrize(
    ("sort", "start"), [("date", "date<?"), ("-date", "date>?"), ("updated", "updated_at<?"), ("name", "")]
)
def test_on_sqlite_the_rows_after_a_cursor_begin_at_it(many, ada, on_sqlite, sort, start):
    """Instead of being read from the first row and left out up to the cursor."""
    asked = listing(ada, {"sort": [sort], "per_page": [5]})
    rows = on(asked, after=find(asked).page().next).rows_after_cursor().values("pk")
    assert list(rows.values_list("pk", flat=True)) == expected(asked)[5:]
    assert start in rows.explain()
