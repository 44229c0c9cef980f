"""Reading with version 3: Registry's names of fields, parameters, and sort orders."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, parse_qsl, quote

import pytest

from tests.factories import make_item
from tests.many_items import make_items
from workitems.api import v3
from workitems.listing import PROCESS_NAMES
from workitems.models import WorkItem

from .api_client import Caller
from .sample_items import ALL, AWKWARD, FILE, letters, make_samples, walk_pages, without_holes

ADMIN, MEMBER = "/admin-api/v3/items", "/member-api/v3/items"
FIELDS = {
    *("id", "name", "etag", "institution_id", "institution_name", "institution_identifier", "object_identifier"),
    *("generic_file_identifier", "bucket", "user", "note", "action", "stage", "status", "outcome", "bag_date"),
    *("date_processed", "retry", "reviewed", "needs_admin_review", "size", "queued_at", "stage_started_at"),
    *("inst_approver", "aptrust_approver", "created_at", "updated_at"),
}
PROCESS = {"node", "pid", "work_item_state_id"}
PARAMETERS = {
    *("action", "action__in", "stage", "stage__in", "status", "status__in", "name", "etag", "bucket", "user"),
    *("object_identifier", "generic_file_identifier", "institution_id", "needs_admin_review", "retry"),
    *("node__is_null", "node__not_null", "queued_at__is_null", "queued_at__not_null", "size__gteq", "size__lteq"),
    *("bag_date__gteq", "bag_date__lteq", "date_processed__gteq", "date_processed__lteq", "sort", "page", "per_page"),
}
OF_PROCESS_HERE = {"node__is_null", "node__not_null"}


@pytest.fixture
def items(virginia, jhu, wally, stan):
    return make_samples(virginia, jhu, wally, stan)


@pytest.fixture
def wallys(client, wally):
    return Caller(client, wally)


@pytest.fixture
def doras(client, dora):
    return Caller(client, dora)


@pytest.mark.parametrize("who", ["dora", "stan", "ada", "wally"])
def test_a_member_item_has_these_fields_and_no_others(client, cast, items, who):
    caller = Caller(client, cast[who])
    [listed] = caller.get(MEMBER, "status=Started").body["results"]
    assert set(listed) == set(v3.MEMBER.record.by_name) >= FIELDS
    assert not set(listed) & PROCESS
    assert caller.get(f"{MEMBER}/show/{items['b'].pk}").body == listed


@pytest.mark.parametrize("who", ["ada", "wally"])
def test_an_admin_item_also_has_the_process_fields(client, cast, items, who):
    caller = Caller(client, cast[who])
    [listed] = caller.get(ADMIN, "status=Started").body["results"]
    assert set(listed) == set(v3.ADMIN.record.by_name) >= FIELDS | PROCESS
    assert (listed["node"], listed["pid"], listed["work_item_state_id"]) == ("worker-7", 4711, None)
    assert caller.get(f"{ADMIN}/show/{items['b'].pk}/").body == listed


def test_values(wallys, virginia, items):
    found = wallys.get(f"{ADMIN}/show/{items['s'].pk}").body
    assert {name: found[name] for name in FIELDS | PROCESS} == {
        "id": items["s"].pk,
        "name": "sample.tar",
        "etag": items["s"].etag,
        "institution_id": virginia.pk,
        "institution_name": "University of Virginia",
        "institution_identifier": "virginia.edu",
        "object_identifier": None,
        "generic_file_identifier": "virginia.edu/sample/data/1",
        "bucket": "aptrust.receiving.virginia.edu",
        "user": None,
        "note": "",
        "action": "Restore File",
        "stage": "Requested",
        "status": "Pending",
        "outcome": None,
        "bag_date": None,
        "date_processed": "2026-03-09T12:00:00Z",
        "retry": True,
        "reviewed": False,
        "needs_admin_review": False,
        "size": 266_240,
        "queued_at": None,
        "stage_started_at": None,
        "inst_approver": None,
        "aptrust_approver": None,
        "created_at": "2026-03-09T12:00:00Z",
        "updated_at": "2026-03-09T12:00:00Z",
        "node": None,
        "pid": None,
        "work_item_state_id": None,
    }
    assert wallys.get(f"{ADMIN}/show/{items['r'].pk}").body["action"] == "Restore Object"
    assert wallys.get(f"{ADMIN}/show/{items['a'].pk}").body["action"] == "Delete"


def test_the_envelope(doras, virginia):
    make_items(43, [virginia])
    first = doras.get(MEMBER).body
    assert list(first) == ["count", "next", "previous", "results"]
    assert (first["count"], len(first["results"]), first["previous"]) == (43, 20, None)
    assert parse_qs(first["next"].partition("?")[2])["per_page"] == ["20"]
    last = doras.get(MEMBER, "page=3").body
    assert (len(last["results"]), last["next"]) == (3, None)
    assert len(doras.get(MEMBER, "per_page=1000").body["results"]) == 43
    for value in ("0", "-1", "1001", "1000000000", "abc"):
        assert doras.get(MEMBER, {"per_page": value}).status == 400


CASES = [
    ("action=Restore+Object", "r"),
    ("action=Restore File", "s"),
    ("action=Delete", "a"),
    ("action__in=Restore File&action__in=Delete", "sa"),
    ("action__in=Restore Object", "r"),
    ("stage=Validate", "b"),
    ("stage__in=Validate&stage__in=Cleanup", "cb"),
    ("stage__in=Cleanup", "c"),
    ("status=Started", "b"),
    ("status__in=Started&status__in=Failed", "fb"),
    ("status__in=Success", "c"),
    ("name=second.tar", "edb"),
    (f"name={quote(AWKWARD)}", "a"),
    ("etag=def2", "b"),
    ("bucket=other", "c"),
    ("user=kim@virginia.edu", "a"),
    ("object_identifier=virginia.edu/restore", "r"),
    (f"generic_file_identifier={quote(FILE)}", "a"),
    ("institution_id={jhu}", "j"),
    ("needs_admin_review=true", "a"),
    ("needs_admin_review=false", "jsrgfedcb"),
    ("retry=false", "fc"),
    ("node__is_null=true", "jsrgfedca"),
    ("node__is_null=false", "b"),
    ("node__not_null=true", "b"),
    ("node__not_null=false", "jsrgfedca"),
    ("queued_at__is_null=true", "jsrgfedcb"),
    ("queued_at__is_null=True", "jsrgfedcb"),
    ("queued_at__is_null=1", "jsrgfedcb"),
    ("queued_at__is_null=false", "a"),
    ("queued_at__not_null=true", "a"),
    ("queued_at__not_null=false", "jsrgfedcb"),
    ("queued_at__is_null=true&queued_at__not_null=true", ""),
    ("size__gteq=1400000000", "a"),
    ("size__lteq=5", "b"),
    ("size__gteq=5&size__lteq=5", "b"),
    ("bag_date__gteq=2021-03-04T05:06:07.250Z", "a"),
    ("bag_date__gteq=2021-03-04T05:06:08Z", ""),
    ("bag_date__lteq=2021-03-04T05:06:07.25Z", "a"),
    ("bag_date__lteq=2021-03-04T05:06:07Z", ""),
    ("date_processed__gteq=2026-03-10T12:00:00Z", "j"),
    ("date_processed__lteq=2026-03-01T12:00:00Z", "a"),
    ("date_processed__gteq=2026-03-02&date_processed__lteq=2026-03-03T00:00:00Z", "b"),
    ("sort=id", "abcdefgrsj"),
    ("sort=id__desc", ALL),
    ("sort=date_processed__asc", ALL[::-1]),
    ("per_page=2", "js"),
    ("page=2", ""),
    ("page=2&per_page=4", "fedc"),
    ("after=2026-03-03T12:00:00%2B00:00~0", "ba"),
    ("action=&stage__in=&node__is_null=&sort=", ALL),
]
NAMES = [{name for name, _value in parse_qsl(query)} for query, _found in CASES]


def test_what_each_parameter_means(wallys, items, jhu):
    for query, found in CASES:
        answer = wallys.get(ADMIN, query.format(jhu=jhu.pk))
        assert answer.status == 200, (query, answer.body)
        assert letters(items, answer.body["results"]) == found, query


def test_parameters_mean_the_same_for_members(doras, items, jhu):
    for (query, found), names in zip(CASES, NAMES, strict=True):
        answer = doras.get(MEMBER, query.format(jhu=jhu.pk))
        if names & OF_PROCESS_HERE and "=&" not in query:
            assert answer.status == 400, query
        elif not names & {"page", "per_page"}:
            own = [one["id"] for one in answer.body.get("results", [])]
            assert own == [items[letter].pk for letter in found.replace("j", "")] or "=&" in query, (query, answer.body)


def test_every_parameter_has_a_case_that_changes_the_result():
    telling = [names for (_query, found), names in zip(CASES, NAMES, strict=True) if found != ALL]
    assert [name for name in v3.PARAMETERS if {name} not in telling] == []


def test_the_parameters_are_those_of_the_contract():
    assert set(v3.ADMIN.dialect.names) == PARAMETERS | {"after"}
    assert set(v3.MEMBER.dialect.names) == PARAMETERS - OF_PROCESS_HERE | {"after"}


WRONG = [
    *(
        "bogus=1",
        "access=institution",
        "action=Restore",
        "action__in=Ingest&action__in=Fly",
        "stage=validate",
        "status__in=failed",
    ),
    *("status=Failed,Started", "queued_at__is_null=maybe", "queued_at__not_null=2", "size__gteq=-1", "size__lteq=x"),
    *("bag_date__gteq=soon", "bag_date__lteq=2021-02-30", "date_processed__gteq=x", "date_processed__lteq=0"),
    *("item_action=Ingest", "name_like=x", "name__eq=x", "node=x", "pid=1", "institution=virginia.edu", "q=x"),
    *("sort=date", "sort=-date", "sort=id__up", "sort=node", "sort=pid__asc", "sort=note__asc", "sort=id&sort=name"),
    *(
        "page=0",
        "per_page=0",
        "page=x",
        "retry=true&retry=false",
        "institution_id=x",
        "after=x",
        "created_after=2021-01-01",
    ),
]


@pytest.mark.parametrize("path", [ADMIN, MEMBER])
def test_errors_name_the_parameter(wallys, items, path):
    for query in WRONG:
        answer = wallys.get(path, query)
        name = query.partition("=")[0]
        assert answer.status == 400, query
        assert set(answer.body) == {name, "error"}, query
        assert name in answer.body["error"], query


# Sorts

# What is null here is an empty text in the database.
TEXTS = ("object_identifier", "generic_file_identifier", "user", "outcome")


def test_every_sort_column_in_both_directions(wallys, virginia, jhu):
    """Unset values come last in both directions. Databases collate differently, so these names are plain ASCII."""
    make_items(40, [virginia, jhu], seed=8, name="a.tar")
    for n, item in enumerate(WorkItem.objects.order_by("pk")):
        WorkItem.objects.filter(pk=item.pk).update(
            name=f"{n % 7}.tar",
            user=f"{n % 3}@virginia.edu",
            outcome=f"{n % 4}",
            generic_file_identifier=f"virginia.edu/{n % 6}",
            needs_admin_review=n % 2 == 0,
            bag_date=datetime(2021, 1, 1 + n % 5, tzinfo=UTC) if n % 4 else None,
            queued_at=datetime(2021, 1, 1 + n % 3, tzinfo=UTC),
            stage_started_at=datetime(2021, 1, 1 + n % 4, tzinfo=UTC),
        )
    for column in v3.COLUMNS:
        up, plain, down = (
            wallys.get(ADMIN, f"per_page=1000&sort={column}{way}").body["results"] for way in ("__asc", "", "__desc")
        )
        assert up == plain, column
        unset = [one for one in up if one[column] is None and column not in TEXTS]
        assert up[: len(up) - len(unset)] == down[: len(up) - len(unset)][::-1], column
        assert up[len(up) - len(unset) :] == unset == down[len(up) - len(unset) :][::-1], column
        assert bool(unset) == (column in ("bag_date", "size")), column
        # What Registry calls two actions is one word in the database.
        values = [(one[column] or "").split(" ")[0] if column == "action" else one[column] for one in up]
        given = [(value, one["id"]) for value, one in zip(values, up, strict=True) if value is not None]
        assert given == sorted(given), column
        assert len({value for value, _pk in given}) > 1, column


@pytest.mark.parametrize("sort", sorted(v3.ADMIN.dialect.sorts))
def test_following_next_misses_nothing_while_the_list_shrinks(wallys, virginia, jhu, sort):
    made = make_items(30, [virginia, jhu], seed=9)
    WorkItem.objects.filter(pk__in=[item.pk for item in made[::3]]).update(bag_date=datetime(2021, 1, 1, tzinfo=UTC))

    def queue(page):
        WorkItem.objects.filter(pk__in=[one["id"] for one in page]).update(queued_at=datetime.now(UTC))

    found = walk_pages(wallys, ADMIN, f"queued_at__is_null=true&per_page=4&sort={sort}", at_each_page=queue)
    assert without_holes(found, made)


@pytest.mark.parametrize("sort", sorted(v3.ADMIN.dialect.sorts))
def test_following_next_keeps_the_order(wallys, virginia, jhu, sort):
    made = make_items(30, [virginia, jhu], seed=10)
    found = walk_pages(wallys, ADMIN, f"per_page=4&sort={sort}")
    assert without_holes(found, made)
    assert found == wallys.get(ADMIN, f"per_page=30&sort={sort}").body["results"]


def test_next_keeps_the_given_parameters(doras, virginia):
    for _n in range(3):
        make_item(virginia, name=AWKWARD)
    given = {"name": [AWKWARD], "status__in": ["Pending", "Started"], "queued_at__is_null": ["true"], "per_page": ["1"]}
    after = parse_qs(doras.get(MEMBER, given).body["next"].partition("?")[2])
    assert {name: after[name] for name in given} == given
    assert len(walk_pages(doras, MEMBER, f"name={quote(AWKWARD)}&per_page=1&sort=name__desc")) == 3


def test_the_calls_of_the_command_line_client(doras, items):
    found = doras.get(MEMBER, "name=second.tar&per_page=25&sort=id").body
    assert letters(items, found["results"]) == "bde"
    assert doras.get(f"{MEMBER}/show/{items['a'].pk}").body["id"] == items["a"].pk
    theirs, nobodys = (doras.get(f"{MEMBER}/show/{pk}") for pk in (items["j"].pk, 987_654_321))
    assert theirs == nobodys._replace(headers=theirs.headers)
    assert theirs.status == 404


@pytest.mark.parametrize("name", [*PROCESS_NAMES, "node__is_null", "node__not_null", "pid__is_null"])
@pytest.mark.parametrize("who", ["dora", "ada"])
def test_members_cannot_filter_by_process_fields(client, cast, items, who, name):
    answer = Caller(client, cast[who]).get(MEMBER, {name: "true"})
    assert answer.status == 400
    assert name in answer.body
