"""Reading with version 1: its 19 fields, its own headers, and its keys for words."""

from urllib.parse import parse_qs, parse_qsl, quote

import pytest

from tests.many_items import make_items
from workitems.api import v1
from workitems.models import WorkItem
from workitems.vocabulary import Action

from .api_client import Caller
from .sample_items import ALL, AWKWARD, letters, make_samples, walk_pages, without_holes

LIST = "/member-api/v1/items/"
# As version 8 of the member API's Item page lists them.
FIELDS = [
    *("id", "created_at", "updated_at", "name", "etag", "bucket", "user", "institution", "note", "action", "stage"),
    *("status", "outcome", "bag_date", "date", "retry", "reviewed", "object_identifier", "generic_file_identifier"),
]
# The contract's keys, and the words that they stand for.
ACTIONS = {
    "ingest": "Ingest",
    "fixity": "Fixity Check",
    "restore": "Restore",
    "glacier_restore": "Glacier Restore",
    "delete": "Delete",
    "dpn": "DPN",
}
STAGES = {
    "requested": "Requested",
    "receive": "Receive",
    "fetch": "Fetch",
    "unpack": "Unpack",
    "validate": "Validate",
    "store": "Store",
    "record": "Record",
    "clean": "Cleanup",
    "resolve": "Resolve",
    "package": "Package",
    "restoring": "Restoring",
    "available_in_s3": "Available in S3",
}
STATUSES = {"pend": "Pending", "start": "Started", "success": "Success", "fail": "Failed", "cancel": "Cancelled"}


@pytest.fixture
def items(virginia, jhu, wally, stan):
    return make_samples(virginia, jhu, wally, stan)


@pytest.fixture
def wallys(client, wally):
    return Caller(client, wally)


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada", "wally"])
def test_an_item_has_exactly_the_20_fields(client, cast, items, who):
    results = Caller(client, cast[who]).get(LIST, "per_page=1000").body["results"]
    assert [list(one) for one in results] == [FIELDS] * len(results)
    assert len(results) == {"olga": 1, "ada": 10, "wally": 10}.get(who, 9)


def test_values(wallys, items):
    [found] = wallys.get(LIST, "item_action=delete").body["results"]
    item = WorkItem.objects.get(pk=items["a"].pk)
    assert found == {
        "id": item.pk,
        "created_at": "2026-03-01T12:00:00.000Z",
        "updated_at": "2026-03-01T12:00:00.000Z",
        "name": AWKWARD,
        "etag": "ABC1",
        "bucket": "aptrust.receiving.virginia.edu",
        "user": "kim@virginia.edu",
        "institution": "virginia.edu",
        "note": "",
        "action": "Delete",
        "stage": "Requested",
        "status": "Pending",
        "outcome": None,
        "bag_date": "2021-03-04T05:06:07.250Z",
        "date": "2026-03-01T12:00:00.000Z",
        "retry": True,
        "reviewed": False,
        "object_identifier": None,
        "generic_file_identifier": item.generic_file_identifier,
    }


@pytest.mark.parametrize("action", Action)
def test_the_user_appears_only_on_requests(wallys, virginia, action):
    make_items(1, [virginia], action=action, stage="Fetch", user="kim@virginia.edu")
    [found] = wallys.get(LIST).body["results"]
    requested = action not in (Action.INGEST, Action.FIXITY_CHECK)
    assert found["user"] == ("kim@virginia.edu" if requested else None)


# What the description of version 1 names, each alone and with a blank.
CASES = [
    ("name_exact=second.tar", "edb"),
    (f"name_exact={quote(AWKWARD)}", "a"),
    ("name_exact=SECOND.tar", ""),
    ("name_contains=COND", "edb"),
    ("name_contains=%26", "a"),
    ("institution=jhu.edu", "j"),
    ("institution={jhu}", "j"),
    ("updated_since=2026-03-10T12:00:00Z", "j"),
    ("reviewed=true", "c"),
    ("reviewed=false", "jsrgfedba"),
    ("item_action=restore", "sr"),
    ("item_action=restore&item_action=delete", "sra"),
    ("item_action=Restore", "sr"),
    ("action=delete", "a"),
    ("item_action=Delete&action=delete", "a"),
    ("stage=validate", "b"),
    ("status=fail", "f"),
    ("status=fail&status=start", "fb"),
    ("item_action=ingest&status=pend&stage=receive", "jged"),
    ("per_page=2", "js"),
    ("page=2", ""),
    ("page=2&per_page=4", "fedc"),
    ("after=2026-03-03T12:00:00%2B00:00~0", "ba"),
    ("name_exact=&status=&page=", ALL),
    ("access=institution", ALL),
]
WRONG = [
    *("status=Failed", "status=failed", "status=success&status=ended", "item_action=Fixity Check", "item_action=all"),
    *("stage=Cleanup", "stage=cleanup", "stage=reingest_check", "reviewed=maybe", "updated_since=soon", "name=x"),
    *("sort=date", "node=x", "pid=1", "node_empty=true", "action=all", "q=x", "institution_id=1", "bogus=1"),
    *("page=0", "page=x", "per_page=0", "per_page=-1", "per_page=1001", "per_page=1000000000", "per_page=abc"),
    *(
        "institution=nowhere.edu",
        "page=1&page=2",
        "name_contains=a&name_contains=b",
        "after=x",
        "updated_after=2021-01-01",
    ),
]


def test_what_each_parameter_means(wallys, items, jhu):
    for query, found in CASES:
        answer = wallys.get(LIST, query.format(jhu=jhu.pk))
        assert answer.status == 200, (query, answer.body)
        assert letters(items, answer.body["results"]) == found, query


def test_every_parameter_has_a_case_that_changes_the_result():
    telling = [{name for name, _value in parse_qsl(query)} for query, found in CASES if found != ALL]
    assert [name for name in v1.MEMBER.dialect.names if {name} not in telling] == []


def test_the_parameters_are_those_of_the_contract():
    contract = (
        "page per_page institution name_exact name_contains updated_since reviewed item_action action stage status"
    )
    assert set(v1.MEMBER.dialect.names) == {*contract.split(" "), "after"}


@pytest.mark.parametrize("who", ["dora", "wally"])
def test_errors_name_the_parameter(client, cast, items, who):
    caller = Caller(client, cast[who])
    for query in WRONG:
        answer = caller.get(LIST, query)
        name = query.partition("=")[0]
        assert answer.status == 400, query
        assert set(answer.body) == {name, "error"}, query
        assert name in answer.body["error"], query


@pytest.mark.parametrize(
    ("name", "column", "words"),
    [("item_action", "action", ACTIONS), ("stage", "stage", STAGES), ("status", "status", STATUSES)],
)
def test_each_numeric_key_matches_exactly_its_word(wallys, virginia, name, column, words):
    for word in words.values():
        make_items(
            1,
            [virginia],
            **{"action": "Restore", "stage": "Fetch", "status": "Pending", "reviewed": False, column: word},
        )
    for key, word in words.items():
        found = wallys.get(LIST, {name: key}).body["results"]
        assert [one[column] for one in found] == [word], key


def test_ten_items_per_page_to_the_last_page(wallys, virginia, jhu):
    made = make_items(33, [virginia, jhu], seed=6)
    assert len(wallys.get(LIST).body["results"]) == 10
    assert without_holes(walk_pages(wallys, LIST, ""), made)


def test_following_next_misses_nothing_while_the_list_shrinks(wallys, virginia):
    made = make_items(33, [virginia], seed=7, status="Pending", reviewed=False, name=AWKWARD)

    def begin(page):
        WorkItem.objects.filter(pk__in=[one["id"] for one in page]).update(status="Started")

    query = f"status=pend&per_page=4&name_exact={quote(AWKWARD)}"
    assert without_holes(walk_pages(wallys, LIST, query, at_each_page=begin), made)


def test_next_keeps_the_given_keys(wallys, virginia):
    make_items(3, [virginia], status="Pending", reviewed=False, action="Glacier Restore", stage="Requested")
    given = "item_action=glacier_restore&status=pend&stage=requested&per_page=1"
    after = parse_qs(wallys.get(LIST, given).body["next"].partition("?")[2])
    assert {name: after[name] for name in parse_qs(given)} == parse_qs(given)


def test_another_institution(client, dora, items, jhu):
    caller = Caller(client, dora)
    assert letters(items, caller.get(LIST).body["results"]) == "srgfedcba"
    assert caller.get(LIST).body["count"] == 9
    assert caller.get(LIST, "name_exact=jhu.tar").body["count"] == 0
    theirs, nobodys = (caller.get(LIST, f"institution={domain}") for domain in ("jhu.edu", "jhv.edu"))
    assert theirs.status == nobodys.status == 400
    assert theirs.body["error"] == nobodys.body["error"].replace("jhv", "jhu")
