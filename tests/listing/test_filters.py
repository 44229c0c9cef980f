"""The query string of the list: what each name means, and that no mistake is ignored silently."""

from datetime import UTC, datetime

import pytest
from django.http import QueryDict
from django.utils import timezone

from workitems import transitions
from workitems.listing import PROCESS_NAMES, SORTS, ItemList, ListFilterSet, known_names
from workitems.listing.names import API_ONLY_NAMES
from workitems.models import WorkItem

from ..factories import make_item, service
from ..many_items import make_items


def found(user, query):
    listing = ItemList(QueryDict(query), user)
    assert listing.is_valid(), listing.errors
    return set(listing.rows().values_list("name", flat=True))


@pytest.fixture
def three(virginia):
    worker = service()
    first = make_item(
        virginia,
        name=" Ünï & “q”_%.tar",
        etag="ABC1",
        at=datetime(2026, 3, 8, 4, 30, tzinfo=UTC),
        bag_date=datetime(2021, 3, 4, 5, 6, 7, 250_000, tzinfo=UTC),
        user="kim@virginia.edu",
        size=1_400_000_000,
        generic_file_identifier="virginia.edu/x/data/Straße.txt",
        action="Delete",
        queued_at=datetime(2026, 3, 9, tzinfo=UTC),
        intellectual_object_id=12,
        generic_file_id=345,
        deletion_request_id=67,
        storage_option="Glacier-OH",
    )
    second = make_item(virginia, name="second.tar", etag="def2", size=5, at=datetime(2026, 3, 9, 4, 30, tzinfo=UTC))
    transitions.progress(second, by=worker, stage="Validate", node="worker-7", pid=4711)
    third = make_item(virginia, name="third.tar", etag="1.01E+18", bucket="other", at=datetime(2026, 3, 10, tzinfo=UTC))
    transitions.succeed(third, by=worker, stage="Cleanup", at=datetime(2026, 3, 11, 12, tzinfo=UTC))
    return first, second, third


CASES = [
    ("q=ünï", {" Ünï & “q”_%.tar"}),
    ("q=ABC", {" Ünï & “q”_%.tar"}),
    ("q=STRASSE", {" Ünï & “q”_%.tar"}),
    ("q=%25", {" Ünï & “q”_%.tar"}),
    ("q=_", {" Ünï & “q”_%.tar"}),
    ("q=virginia.edu/third", {"third.tar"}),
    ("name=second.tar", {"second.tar"}),
    ("name=SECOND.tar", set()),
    ("name=%20Ünï %26 “q”_%25.tar", {" Ünï & “q”_%.tar"}),
    ("name=second.tar&name=third.tar", {"second.tar", "third.tar"}),
    ("bag_group=second", set()),  # test_split_bags
    ("name_like=COND", {"second.tar"}),
    ("name_contains=ÜNÏ", {" Ünï & “q”_%.tar"}),
    ("name_like=def2", set()),
    ("etag=def2", {"second.tar"}),
    ("storage_option=Glacier-OH", {" Ünï & “q”_%.tar"}),
    ("intellectual_object_id=12", {" Ünï & “q”_%.tar"}),
    ("generic_file_id=345", {" Ünï & “q”_%.tar"}),
    ("deletion_request_id=67", {" Ünï & “q”_%.tar"}),
    ("deletion_request_id=68", set()),
    ("finished_from=2026-03-11&finished_to=2026-03-11", {"third.tar"}),
    ("finished_from=2026-03-12", set()),
    ("finished_to=2026-03-10", set()),
    ("item_action=delete&action=Delete", {" Ünï & “q”_%.tar"}),
    ("status=started", {"second.tar"}),
    ("etag_like=E%2B18", {"third.tar"}),
    ("etag_contains=second", set()),
    ("object_identifier=virginia.edu/third", {"third.tar"}),
    ("object_identifier_like=EDU/THI", {"third.tar"}),
    ("file_identifier=virginia.edu/x/data/Straße.txt", {" Ünï & “q”_%.tar"}),
    ("file_identifier_like=straße", {" Ünï & “q”_%.tar"}),
    ("file_identifier_like=def2", set()),
    ("status=Started", {"second.tar"}),
    ("status=Started&status=Success", {"second.tar", "third.tar"}),
    ("stage=Validate", {"second.tar"}),
    ("item_action=Delete", {" Ünï & “q”_%.tar"}),
    ("action=Delete", {" Ünï & “q”_%.tar"}),
    ("action=Delete&status=Success", set()),
    ("institution=virginia.edu&status=Started", {"second.tar"}),
    ("retry=false", {"third.tar"}),
    ("queued=true", {" Ünï & “q”_%.tar"}),
    ("queued=false&retry=true", {"second.tar"}),
    ("reviewed=true", set()),
    ("needs_admin_review=true", set()),
    ("bucket=other", {"third.tar"}),
    ("user=kim@virginia.edu", {" Ünï & “q”_%.tar"}),
    ("size_min=5&size_max=5", {"second.tar"}),
    ("size_min=1.4 GB", {" Ünï & “q”_%.tar"}),
    ("size_min=1,4 gb", {" Ünï & “q”_%.tar"}),
    ("size_min=0,0014 TB", {" Ünï & “q”_%.tar"}),
    ("size_min=1.4\N{NO-BREAK SPACE}GB", {" Ünï & “q”_%.tar"}),
    ("bag_date=2021-03-04T05:06:07Z", {" Ünï & “q”_%.tar"}),
    ("bag_date=2021-03-04T00:06:07.999999999-05:00", {" Ünï & “q”_%.tar"}),
    ("bag_date=2021-03-04T05:06:08Z", set()),
    ("bag_date=0001-01-01T00:00:00Z", {"second.tar", "third.tar"}),  # as clients send an unset time
    ("created_after=2026-03-09T04:30:00Z", {"second.tar", "third.tar"}),
    ("created_before=2026-03-09T04:30:00Z", {" Ünï & “q”_%.tar"}),
    ("created_after=2026-03-09T05:30:00%2B01:00", {"second.tar", "third.tar"}),
    ("created_after=2026-03-09T05:30:00+01:00", {"second.tar", "third.tar"}),
    ("updated_since=2999-01-01", set()),
    ("received_from=2026-03-09&received_to=2026-03-09", {"second.tar"}),
    ("received_to=2026-03-08", {" Ünï & “q”_%.tar"}),
    ("phase=closed", {"third.tar"}),
    ("phase=open", {" Ünï & “q”_%.tar", "second.tar"}),
    ("status=&q=&name=&page=", {" Ünï & “q”_%.tar", "second.tar", "third.tar"}),
    ("access=institution", {" Ünï & “q”_%.tar", "second.tar", "third.tar"}),
]


@pytest.mark.parametrize(("query", "names"), CASES)
def test_each_filter_selects_its_items(three, dora, query, names):
    assert found(dora, query) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("node=worker-7", {"second.tar"}),
        ("node_empty=false", {"second.tar"}),
        ("node_not_empty=true", {"second.tar"}),
        ("node_not_empty=false&node_empty=true&status=Success", {"third.tar"}),
        ("pid=4711", {"second.tar"}),
        ("pid_empty=true&status=Success", {"third.tar"}),
        ("pid_not_empty=true", {"second.tar"}),
    ],
)
def test_process_filters_are_for_those_who_see_the_process(three, ada, dora, query, names):
    assert found(ada, query) == names
    refused = ItemList(QueryDict(query), dora)
    assert not refused.is_valid()
    assert not refused.rows().exists()


def test_every_filter_is_tested():
    tested = {part.split("=")[0] for query, _names in CASES for part in query.split("&")}
    aliases = {
        "action": "item_action",
        "name_contains": "name_like",
        "etag_contains": "etag_like",
        "updated_since": "updated_after",
    }
    tested = {aliases.get(name, name) for name in tested}
    elsewhere = {
        *PROCESS_NAMES,
        *("late", "silent", "cause", "failed_after", "acts"),  # test_late, test_silence, test_failures, test_acts
        *("act", "missing_part"),  # test_act_filter, test_acts
        "superseded",
        "duplicate",
        "other_upload",
        "acts",
        "silent",
        "sort",
        "per_page",
        "format",
        "institution_id",
        "updated_before",
        "after",
        "before",
        *API_ONLY_NAMES,
    }
    assert set(ListFilterSet.declared_filters) - tested - elsewhere == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("name", "name"),
        ("etag", "etag"),
        ("object_identifier", "object_identifier"),
        ("file_identifier", "generic_file_identifier"),
        ("bucket", "bucket"),
        ("user", "user"),
        ("node", "node"),
    ],
)
def test_whatever_a_column_holds_can_be_asked_for(ada, name, column):
    longest = WorkItem._meta.get_field(column).max_length
    names = [name, f"{name}_like"] if f"{name}_like" in ListFilterSet.declared_filters else [name]
    for one in names:
        assert ItemList({one: ["x" * longest]}, ada).is_valid()
        assert not ItemList({one: ["x" * (longest + 1)]}, ada).is_valid()


def test_the_superseded_filter(virginia, dora):
    make_item(virginia, name="a.tar", etag="1")
    newer = make_item(virginia, name="a.tar", etag="2")
    assert [item.pk for item in ItemList(QueryDict("superseded=false"), dora).rows()] == [newer.pk]
    assert [item.etag for item in ItemList(QueryDict("superseded=true"), dora).rows()] == ["1"]


def test_the_duplicate_filter(virginia, dora):
    first = make_item(virginia, name="a.tar", etag="1")
    again = make_item(virginia, name="a.tar", etag="1")
    assert [item.pk for item in ItemList(QueryDict("duplicate=true"), dora).rows()] == [again.pk]
    assert [item.pk for item in ItemList(QueryDict("duplicate=false"), dora).rows()] == [first.pk]


def test_the_other_upload_filter(virginia, dora):
    failed = make_item(virginia, name="a.tar", etag="1")
    transitions.fail(failed, by=service(), note="Bad.", retry=False)
    alone = make_item(virginia, name="b.tar", etag="1")
    transitions.fail(alone, by=service(), note="Bad.", retry=False)
    make_item(virginia, name="a.tar", etag="2")
    assert [item.pk for item in ItemList(QueryDict("other_upload=true"), dora).rows()] == [failed.pk]
    assert [item.pk for item in ItemList(QueryDict("other_upload=false&status=Failed"), dora).rows()] == [alone.pk]


def test_a_misspelled_name_gets_a_suggestion(dora):
    listing = ItemList(QueryDict("statuss=Failed"), dora)
    assert not listing.is_valid()
    assert "Did you mean status?" in listing.errors["statuss"]


def test_hidden_names_are_not_suggested(dora):
    listing = ItemList(QueryDict("nodee=x"), dora)
    assert not listing.is_valid()
    assert "node" not in listing.errors["nodee"]


def test_days_are_those_of_the_reader(three, dora):
    assert found(dora, "received_to=2026-03-07") == set()
    with timezone.override("America/New_York"):  # 8 March, 04:30 UTC is still the 7th there
        assert found(dora, "received_to=2026-03-07") == {" Ünï & “q”_%.tar"}
        # On the 8th the clocks go forward: that day has 23 hours, and the next begins at 04:00 UTC.
        assert found(dora, "received_from=2026-03-09&received_to=2026-03-09") == {"second.tar", "third.tar"}


WRONG = [
    "bogus=1",
    "bogus=",
    "status=Bogus",
    "status=faile",
    "status=Failed&status=Bogus",
    "stage=Nowhere",
    "item_action=Fly",
    "reviewed=maybe",
    "retry=2",
    "retry=true&retry=false",
    "q=" + "x" * 1001,
    "name=" + "x" * 1001,
    "q=a%00b",
    "name=a%00b",
    "etag=" + "x" * 256,
    "received_from=yesterday",
    "received_from=2026-02-30",
    "received_to=0001-01-01",
    "received_to=9999-12-31",
    "created_after=soon",
    "created_after=2021-03-04T25:00:00Z",
    "created_after=0001-01-01T00:00:00%2B14:00",
    "bag_date=1",
    "bag_date=9999-12-31T23:59:59Z",
    "size_min=-1",
    "size_min=big",
    "size_min=1,500 MB",
    "size_min=1.2.3",
    "size_max=9.3 EB",
    "size_min=99999999999999999999",
    "size_max=1e5",
    "sort=size; DROP TABLE",
    "page=0",
    "page=-1",
    "page=abc",
    "page=1&page=2",
    "&".join(f"name={n}" for n in range(101)),
    "&".join(f"status={n}" for n in range(1_001)),
    "page=99999999999",
    "per_page=0",
    "per_page=1001",
    "per_page=abc",
    "format=xml",
    "phase=ajar",
    "institution=nowhere.edu",
    "institution=jhu.edu",
    "institution=%F0%9F%98%80",
    "institution=" + "9" * 5000,
    "institution_id=x",
    "institution_id=" + "9" * 30,
]


@pytest.mark.parametrize("query", WRONG)
def test_invalid_values_are_reported_and_give_no_rows(three, jhu, dora, query):
    listing = ItemList(QueryDict(query), dora)
    assert not listing.is_valid()
    assert list(listing.errors) == [query.split("=")[0]]
    assert not listing.rows().exists()
    assert not listing.items().exists()


def test_another_institution_looks_like_an_unknown_one(three, jhu, dora):
    theirs, nobodys = (ItemList(QueryDict(f"institution={domain}"), dora) for domain in ("jhu.edu", "jhv.edu"))
    assert not theirs.is_valid()
    assert not nobodys.is_valid()
    assert theirs.errors["institution"] == nobodys.errors["institution"].replace("jhv", "jhu")


def test_another_institutions_id_looks_like_an_unknown_one(three, theirs, jhu, dora, ada):
    hers, nobodys = (ItemList(QueryDict(f"institution_id={pk}"), dora) for pk in (jhu.pk, 987_654_321))
    assert not hers.is_valid()
    assert not nobodys.is_valid()
    assert hers.errors["institution_id"] == nobodys.errors["institution_id"].replace("987654321", str(jhu.pk))
    assert found(ada, f"institution_id={jhu.pk}") == {theirs.name}


@pytest.mark.parametrize("sort", SORTS)
def test_pages_never_skip_or_repeat_a_row(virginia, jhu, ada, sort):
    made = make_items(90, [virginia, jhu], seed=3)
    rows = ItemList(QueryDict(f"sort={sort}"), ada).rows()
    seen = [pk for start in range(0, 90, 7) for pk in rows.values_list("pk", flat=True)[start : start + 7]]
    assert len(seen) == len(set(seen)) == len(made)


def test_known_names_omit_process_filters(dora, ada):
    assert set(known_names(ada)) - set(known_names(dora)) == set(PROCESS_NAMES)


def test_values_are_normalized(three, dora, virginia):
    listing = ItemList(QueryDict(f"institution={virginia.pk}&reviewed=0"), dora)
    assert listing.is_valid()
    assert listing.query() == "institution=virginia.edu&reviewed=false"


def test_changing_a_filter_returns_to_the_first_page(dora):
    listing = ItemList(QueryDict("page=3&status=Failed&format=csv"), dora)
    assert listing.query() == "page=3&status=Failed"
    assert listing.query(q="x & y") == "status=Failed&q=x+%26+y"
    assert listing.with_toggled("status", "Failed") == ""
    assert listing.with_toggled("status", "Pending") == "status=Failed&status=Pending"


def test_searching_is_not_fooled_by_line_breaks_in_names(virginia, dora):
    make_item(virginia, name="two\nlines.tar", etag="e")
    assert WorkItem.objects.get().search_text.count("\n") == 3
    assert found(dora, "name_like=lines") == {"two\nlines.tar"}
    assert found(dora, "etag_like=lines") == set()
