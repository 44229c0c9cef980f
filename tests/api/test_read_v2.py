"""Reading with version 2: fields and values of an item, the envelope, and every parameter of its lists."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, quote

import pytest

from tests.many_items import make_items
from workitems.api import v2
from workitems.listing import ALIASES, PROCESS_NAMES
from workitems.models import WorkItem

from .api_client import Caller
from .sample_items import ALL, AWKWARD, FILE, letters, make_samples

ADMIN, MEMBER = "/api/v2/items/", "/member-api/v2/items/"
FIELDS = {
    *("id", "created_at", "updated_at", "name", "etag", "bucket", "user", "institution", "note", "action", "stage"),
    *("status", "outcome", "bag_date", "date", "retry", "reviewed", "object_identifier", "generic_file_identifier"),
    *("size", "needs_admin_review", "queued_at", "stage_started_at", "inst_approver", "aptrust_approver"),
    "institution_id",
}
PROCESS = {"node", "pid", "work_item_state_id"}
# The contract's, word for word.
PARAMETERS = {
    *("name", "name_like", "etag", "etag_like", "object_identifier", "object_identifier_like"),
    *("file_identifier", "file_identifier_like", "status", "stage", "item_action", "institution"),
    *("institution_id", "retry", "queued", "node", "node_empty", "node_not_empty", "pid", "pid_empty"),
    *("pid_not_empty", "needs_admin_review", "reviewed", "created_before", "created_after"),
    *("updated_before", "updated_after", "updated_since", "bag_date", "user", "bucket", "size_min"),
    *("size_max", "sort", "page", "per_page", "name_contains", "etag_contains", "action"),
}


@pytest.fixture
def items(virginia, jhu, wally, stan):
    return make_samples(virginia, jhu, wally, stan)


@pytest.fixture
def wallys(client, wally):
    return Caller(client, wally)


@pytest.fixture
def doras(client, dora):
    return Caller(client, dora)


# What one item looks like


@pytest.mark.parametrize("who", ["dora", "stan", "ada", "wally"])
def test_a_member_item_has_these_fields_and_no_others(client, cast, items, who):
    caller = Caller(client, cast[who])
    listed = caller.get(MEMBER, "status=Started").body["results"]
    assert [set(one) for one in listed] == [set(v2.MEMBER.record.by_name)]
    assert set(listed[0]) >= FIELDS
    assert not set(listed[0]) & PROCESS
    assert caller.get(f"{MEMBER}{items['b'].pk}/").body == listed[0]


@pytest.mark.parametrize("who", ["ada", "wally"])
def test_an_admin_item_also_has_the_process_fields(client, cast, items, who):
    caller = Caller(client, cast[who])
    [listed] = caller.get(ADMIN, "status=Started").body["results"]
    assert set(listed) == set(v2.ADMIN.record.by_name) >= FIELDS | PROCESS
    assert (listed["node"], listed["pid"], listed["work_item_state_id"]) == ("worker-7", 4711, None)
    assert caller.get(f"{ADMIN}{items['b'].pk}").body == listed


def test_values(wallys, virginia, items):
    made = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    WorkItem.objects.filter(pk=items["a"].pk).update(created_at=made, updated_at=made.replace(microsecond=678_900))
    found = wallys.get(f"{ADMIN}{items['a'].pk}").body
    assert {name: found[name] for name in FIELDS | PROCESS} == {
        "id": items["a"].pk,
        "created_at": "2026-01-02T03:04:05.000Z",
        "updated_at": "2026-01-02T03:04:05.678Z",
        "name": AWKWARD,
        "etag": "ABC1",
        "bucket": "aptrust.receiving.virginia.edu",
        "user": "kim@virginia.edu",
        "institution": "virginia.edu",
        "institution_id": virginia.pk,
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
        "generic_file_identifier": FILE,
        "size": 1_400_000_000,
        "needs_admin_review": True,
        "queued_at": "2026-03-01T12:00:00.000Z",
        "stage_started_at": None,
        "inst_approver": None,
        "aptrust_approver": None,
        "node": None,
        "pid": None,
        "work_item_state_id": None,
    }


def test_numbers_beyond_31_bits_and_flags_that_are_false(wallys, items):
    WorkItem.objects.filter(pk=items["c"].pk).update(size=5 * 10**12, pid=2**63 - 1)
    found = wallys.get(f"{ADMIN}{items['c'].pk}").body
    assert (found["size"], found["pid"]) == (5 * 10**12, 2**63 - 1)
    assert (found["retry"], found["reviewed"], found["needs_admin_review"]) == (False, True, False)


def test_unset_values_are_null_except_for_the_note(doras, items):
    WorkItem.objects.filter(pk=items["d"].pk).update(size=None, etag="", bucket="")
    found = doras.get(f"{MEMBER}{items['d'].pk}").body
    empty = {name for name, value in found.items() if value is None}
    assert empty == {
        *("user", "outcome", "bag_date", "object_identifier", "generic_file_identifier"),
        *("size", "queued_at", "stage_started_at", "inst_approver", "aptrust_approver"),
    }
    assert (found["note"], found["etag"], found["bucket"]) == ("", "", "")


def test_the_state_id_is_the_items_id(wallys, items):
    pk = items["b"].pk
    assert wallys.post("/api/v2/item_state/", {"work_item_id": pk, "action": "Ingest", "state": "{}"}).status == 201
    assert wallys.get(f"{ADMIN}{pk}").body["work_item_state_id"] == pk
    assert [one["work_item_state_id"] for one in wallys.get(ADMIN, "node=worker-7").body["results"]] == [pk]


# The envelope


def test_the_envelope(wallys, virginia):
    make_items(23, [virginia])
    first = wallys.get(ADMIN).body
    assert list(first) == ["count", "next", "previous", "results"]
    assert (first["count"], len(first["results"]), first["previous"]) == (23, 10, None)
    assert first["next"].startswith("http://testserver/api/v2/items/?")
    last = wallys.get(ADMIN, "page=3").body
    assert (last["count"], len(last["results"]), last["next"]) == (23, 3, None)
    assert parse_qs(last["previous"].partition("?")[2])["page"] == ["2"]
    beyond = wallys.get(ADMIN, "page=9")
    assert (beyond.status, beyond.body["count"], beyond.body["results"], beyond.body["next"]) == (200, 23, [], None)


def test_a_last_page_that_is_full_has_no_next(wallys, virginia):
    make_items(20, [virginia])
    assert wallys.get(ADMIN, "page=2").body["next"] is None
    assert wallys.get(ADMIN, "per_page=20").body["next"] is None
    assert wallys.get(ADMIN, "per_page=19").body["next"] is not None


def test_the_largest_page(doras, virginia):
    make_items(1001, [virginia])
    body = doras.get(MEMBER, "per_page=1000").body
    assert (body["count"], len(body["results"])) == (1001, 1000)
    assert len(doras.get(MEMBER, body["next"].partition("?")[2]).body["results"]) == 1


def test_an_empty_list(doras):
    assert doras.get(MEMBER).body == {"count": 0, "next": None, "previous": None, "results": []}


@pytest.mark.parametrize("path", [ADMIN, MEMBER])
def test_invalid_page_sizes(wallys, items, path):
    for value in ("0", "-1", "1000000000", "abc", "1001", "1.5", "1e3", "0x10", "٠", "9" * 5000):
        answer = wallys.get(path, {"per_page": value})
        assert answer.status == 400, value
        assert set(answer.body) == {"per_page", "error"}
        assert "per_page" in answer.body["error"]


# Parameters


CASES = [
    ("name=second.tar", "edb"),
    (f"name={quote(AWKWARD)}", "a"),
    ("name=SECOND.tar", ""),
    ("name_like=COND", "edb"),
    ("name_contains=ÜNÏ", "a"),
    ("name_contains=%26", "a"),
    ("name_like=100%25", "a"),
    ("name_like=_", "a"),
    ("etag=def2", "b"),
    ("etag=def2&etag=0d", "edb"),
    ("etag_like=E%2B18", "c"),
    ("etag_contains=EF2", "b"),
    ("object_identifier=virginia.edu/third", "c"),
    ("object_identifier=virginia.edu%2Frestore", "r"),
    ("object_identifier_like=EDU/THI", "c"),
    (f"file_identifier={quote(FILE)}", "a"),
    ("file_identifier_like=straße", "a"),
    ("file_identifier_like=STRASSE", "a"),
    ("status=Started", "b"),
    ("status=Started&status=Failed", "fb"),
    ("stage=Validate", "b"),
    ("item_action=Delete", "a"),
    ("action=Delete", "a"),
    ("item_action=Delete&item_action=Restore", "sra"),
    ("item_action=Ingest&status=Pending", "jged"),
    ("institution=jhu.edu", "j"),
    ("institution=JHU.edu", "j"),
    ("institution={jhu}", "j"),
    ("institution_id={jhu}", "j"),
    ("institution=jhu.edu&institution=virginia.edu", ALL),
    ("retry=false", "fc"),
    ("queued=true", "a"),
    ("queued=false&retry=true", "jsrgedb"),
    ("node=worker-7", "b"),
    ("node_empty=true", "jsrgfedca"),
    ("node_empty=false", "b"),
    ("node_not_empty=true", "b"),
    ("node_not_empty=false", "jsrgfedca"),
    ("pid=4711", "b"),
    ("pid_empty=true", "jsrgfedca"),
    ("pid_empty=false", "b"),
    ("pid_not_empty=true", "b"),
    ("needs_admin_review=true", "a"),
    ("reviewed=true", "c"),
    ("reviewed=false", "jsrgfedba"),
    ("created_before=2026-03-02T12:00:00Z", "a"),
    ("created_after=2026-03-10T12:00:00Z", "j"),
    ("created_after=2026-03-10T13:00:00%2B01:00", "j"),
    ("created_after=2026-03-10T13:00:00+01:00", "j"),
    ("created_after=2026-03-10T12:00:00.000000001Z", "j"),  # a database keeps microseconds
    ("updated_before=2026-03-02T12:00:00Z", "a"),
    ("updated_after=2026-03-10T12:00:00Z", "j"),
    ("updated_since=2026-03-10T12:00:00Z", "j"),
    ("bag_date=2021-03-04T05:06:07Z", "a"),
    ("bag_date=2021-03-04T00:06:07.9-05:00", "a"),
    ("bag_date=2021-03-04T05:06:08Z", ""),
    ("bag_date_from=2021-03-04", "a"),
    ("bag_date_to=2021-03-05", "a"),
    ("user=kim@virginia.edu", "a"),
    ("bucket=other", "c"),
    ("size_min=1400000000", "a"),
    ("size_max=5", "b"),
    ("sort=id", ALL[::-1].replace("j", "") + "j"),
    ("sort=name", "fgjrsbdeca"),
    ("sort=institution", "jabcdefgrs"),
    ("sort=date&name=second.tar", "edb"),
    ("per_page=2", "js"),
    ("page=2", ""),
    ("page=2&per_page=4", "fedc"),
    ("after=2026-03-03T12:00:00%2B00:00~0", "ba"),
    ("q=third", "c"),
    ("received_from=2026-03-10", "j"),
    ("received_to=2026-03-01", "a"),
    ("phase=closed", "fc"),
    ("superseded=true", "b"),
    ("duplicate=true", "e"),
    ("other_upload=true", "f"),
]
ORDERS = ("sort", "page", "per_page", "after")
NAMES = [{name for name, _value in parse_qsl(query)} for query, _found in CASES]


def test_what_each_parameter_means(wallys, items, jhu):
    for query, found in CASES:
        answer = wallys.get(ADMIN, query.format(jhu=jhu.pk))
        assert answer.status == 200, (query, answer.body)
        assert letters(items, answer.body["results"]) == found, query


def test_parameters_mean_the_same_for_members(doras, items, jhu):
    for (query, found), names in zip(CASES, NAMES, strict=True):
        if names & {*PROCESS_NAMES, *ORDERS, "institution", "institution_id"}:
            continue
        answer = doras.get(MEMBER, query.format(jhu=jhu.pk))
        assert answer.status == 200, (query, answer.body)
        assert letters(items, answer.body["results"]) == found.replace("j", ""), query
        assert answer.body["count"] == len(answer.body["results"])


def test_every_parameter_has_a_case_that_changes_the_result():
    telling = [names for (_query, found), names in zip(CASES, NAMES, strict=True) if found != ALL]
    elsewhere = {"late", "silent", "acts", "act", "missing_part", "cause", "failed_after"}  # tests of their own
    assert [name for name in PARAMETERS if {name} not in telling and name not in elsewhere] == []


def test_the_parameters_are_those_of_the_contract():
    assert set(v2.ADMIN.dialect.names) >= PARAMETERS
    assert PARAMETERS - set(PROCESS_NAMES) <= set(v2.MEMBER.dialect.names)
    assert not set(PROCESS_NAMES) & set(v2.MEMBER.dialect.names)
    assert set(ALIASES) <= set(v2.ADMIN.dialect.names)


@pytest.mark.parametrize("path", [ADMIN, MEMBER])
def test_blank_values_and_access_have_no_effect(wallys, items, path):
    for query in ("", "access=institution", "name=&status=&page=&per_page=&sort=", "retry=%20", "access="):
        assert letters(items, wallys.get(path, query).body["results"]) == ALL, query


WRONG = [
    *("bogus=1", "bogus=", "Name=x", "name%20=x", "status=Bogus", "status=faile", "status=Failed&status=Bogus"),
    *(
        "stage=Nowhere",
        "item_action=Fly",
        "item_action=Restore Object",
        "action=restore object",
        "reviewed=maybe",
        "retry=2",
    ),
    *("retry=true&retry=false", "queued=x", "needs_admin_review=-", "created_after=soon", "created_before=2021-13-01"),
    *("updated_since=1", "bag_date=yesterday", "size_min=-1", "size_max=1e5", "size_min=99999999999999999999"),
    *("page=0", "page=-1", "page=abc", "page=1&page=2", "per_page=10&per_page=20", "sort=name&sort=date", "sort=size"),
    *("sort=name__asc", "sort=-id", "name_like=a&name_like=b", "created_after=2021-01-01&created_after=2022-01-01"),
    *("institution=nowhere.edu", "institution_id=x", "institution_id=-1", "format=json", "registry_action=Delete"),
    *("action__in=Ingest", "name_exact=x", "date_processed__gteq=2021-01-01", "size_min=1&size_min=2"),
    *("item_action[]=Ingest", "name=a%00b", "after=x", "after=2021-01-01~1", "after=~", "after=~~~"),
]


@pytest.mark.parametrize("path", [ADMIN, MEMBER])
def test_errors_name_the_parameter(wallys, items, path):
    for query in WRONG:
        answer = wallys.get(path, query)
        name = parse_qsl(query, keep_blank_values=True)[0][0]
        assert answer.status == 400, query
        assert set(answer.body) == {name, "error"}, query
        assert name in answer.body["error"], query


def test_two_aliases_of_a_single_value_parameter(wallys, items):
    assert wallys.get(ADMIN, "name_like=a&name_contains=b").status == 400
    assert wallys.get(ADMIN, "updated_since=2021-01-01&updated_after=2022-01-01").status == 400


# The member's own


def test_another_institutions_item_is_404(doras, items):
    theirs, nobodys = (doras.get(f"{MEMBER}{pk}/") for pk in (items["j"].pk, 987_654_321))
    assert (theirs.status, theirs.body) == (nobodys.status, nobodys.body) == (404, {"error": "There is no such item."})


def test_another_institution_is_treated_as_unknown(doras, items, jhu):
    theirs, nobodys = (doras.get(MEMBER, f"institution={domain}") for domain in ("jhu.edu", "jhv.edu"))
    assert theirs.status == nobodys.status == 400
    assert theirs.body["error"] == nobodys.body["error"].replace("jhv", "jhu")
    assert doras.get(MEMBER, f"institution={jhu.pk}").status == 400
    theirs, nobodys = (doras.get(MEMBER, f"institution_id={pk}") for pk in (jhu.pk, 987_654_321))
    assert theirs.status == nobodys.status == 400
    assert theirs.body["error"] == nobodys.body["error"].replace("987654321", str(jhu.pk))


@pytest.mark.parametrize("name", PROCESS_NAMES)
@pytest.mark.parametrize("who", ["dora", "stan", "ada", "wally"])
def test_members_cannot_filter_by_process_fields(client, cast, items, who, name):
    answer = Caller(client, cast[who]).get(MEMBER, {name: "4711" if name == "pid" else "true"})
    assert answer.status == 400
    assert name in answer.body


def test_queries_of_real_clients(wallys, doras, items):
    feeder = "node_empty=true&page=1&per_page=100&queued=false&retry=true&status=Pending"
    assert letters(items, wallys.get(ADMIN, feeder).body["results"]) == "jsrged"
    reader = "created_after=2026-03-05T12:00:00Z&item_action=Ingest&page=1&per_page=100"
    assert letters(items, wallys.get(ADMIN, reader).body["results"]) == "jgfe"
    check = "item_action=Ingest&name=second.tar&sort=date&etag=0d"
    assert letters(items, wallys.get(ADMIN, check).body["results"]) == "ed"
    assert letters(items, doras.get(MEMBER, "page=1&per_page=50&sort=date").body["results"]) == "srgfedcba"
