"""The newest command-line client (member API v3) and workers of that generation (admin API v3)."""

from datetime import UTC, datetime

import pytest

from tests.factories import make_item
from tests.http_clients import Curl, GoClient, escaped, go_time
from workitems import transitions
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = {"node", "pid", "work_item_state_id", "state"}
BODY = {
    "action": "Ingest",
    "aptrust_approver": "",
    "bag_date": "2021-03-04T05:06:07.123456789Z",
    "bucket": "aptrust.receiving.virginia.edu",
    "date_processed": "2026-03-04T05:06:07Z",
    "etag": "d18720b9ec3c24e0e6370fb4ff42b132",
    "generic_file_identifier": "",
    "inst_approver": "",
    "name": "Tom & Jerry's v1.2.tar",
    "needs_admin_review": False,
    "node": "",
    "note": "Bag is in the receiving <bucket>.",
    "object_identifier": "",
    "outcome": "",
    "pid": 0,
    "queued_at": "0001-01-01T00:00:00Z",
    "retry": True,
    "size": 266_240,
    "stage": "Receive",
    "stage_started_at": "0001-01-01T00:00:00Z",
    "status": "Pending",
    "user": "system@aptrust.org",
}


@pytest.fixture
def command(real_server, dora):
    return GoClient(real_server, dora)


@pytest.fixture
def worker(real_server, wally):
    return GoClient(real_server, wally)


def sent_back(item, **changes):
    """Returns the record as such a client sends it back."""
    usual = {name: "" if isinstance(BODY[name], str) else BODY[name] for name in BODY}
    times = ("bag_date", "date_processed", "queued_at", "stage_started_at")
    read = {name: usual[name] if item.get(name) is None else item[name] for name in BODY}
    return {
        **read,
        **{name: go_time(item.get(name)) for name in times},
        "institution_id": item["institution_id"],
        **changes,
    }


@pytest.mark.parametrize("name", ["bag_1.tar", 'Tom & Jerry\'s "best".v1.2.tar', f"{'楽. ' * 332}.tar"])
@pytest.mark.parametrize("end", ["", "/"])
def test_the_command_line_finds_a_bag(command, virginia, jhu, name, end):
    items = [make_item(virginia, name=name) for _n in range(3)]
    make_item(jhu, name=name)
    make_item(virginia, name="other.tar")
    answer = command.get(f"/member-api/v3/items{end}?name={escaped(name).replace('%20', '+')}&per_page=25&sort=id")
    assert (answer["count"], answer["next"], answer["previous"]) == (3, None, None)
    assert [item["id"] for item in answer["results"]] == [item.pk for item in items]


@pytest.mark.parametrize("end", ["", "/", "?", "/?"])
def test_the_command_line_shows_an_item(command, item, theirs, end):
    shown = command.get(f"/member-api/v3/items/show/{item.pk}{end}")
    assert (shown["id"], shown["name"], shown["size"], shown["note"]) == (item.pk, item.name, 266_240, "")
    assert (shown["institution_identifier"], shown["institution_name"]) == ("virginia.edu", "University of Virginia")
    assert datetime.fromisoformat(shown["date_processed"]) == item.date
    assert shown["date_processed"].endswith("Z")
    assert not set(shown) & {"date", "institution", *SECRET}
    command.get(f"/member-api/v3/items/show/{theirs.pk}{end}", status=404)
    command.get(f"/member-api/v3/items/show/0{end}", status=404)


def test_pages_have_20_items_by_default_and_end_with_a_null_next(command, virginia):
    ids = [make_item(virginia).pk for _n in range(45)]
    assert len(command.get("/member-api/v3/items")["results"]) == 20
    assert len(command.get("/member-api/v3/items?")["results"]) == 20
    pages = list(command.walk("/member-api/v3/items?per_page=25&sort=id"))
    assert [len(page["results"]) for page in pages] == [25, 20]
    assert [item["id"] for page in pages for item in page["results"]] == ids


def test_a_restoration_is_of_an_object_or_of_a_file(command, virginia):
    whole = make_item(virginia, action="Restore", object_identifier="virginia.edu/bag")
    file = make_item(virginia, action="Restore", generic_file_identifier="virginia.edu/bag/data/a & b.txt")
    for item, word in ((whole, "Restore Object"), (file, "Restore File")):
        assert command.get(f"/member-api/v3/items/show/{item.pk}")["action"] == word
        for asked in (f"action={word.replace(' ', '+')}", f"action__in={escaped(word)}&action__in=Delete"):
            answer = command.get(f"/member-api/v3/items?{asked}")
            assert [found["id"] for found in answer["results"]] == [item.pk], asked


def test_sort_orders_and_lists_of_words(command, virginia):
    first = make_item(virginia, name="b.tar", size=10)
    second = make_item(virginia, name="a.tar", size=20, status="Started")
    for query, ids in (
        ("sort=name__asc", [second.pk, first.pk]),
        ("sort=name__desc", [first.pk, second.pk]),
        ("sort=date_processed__asc&status__in=Started&status__in=Pending", [first.pk, second.pk]),
        ("status__in=Started", [second.pk]),
        ("size__gteq=10&size__lteq=19", [first.pk]),
        ("queued_at__is_null=true&sort=id", [first.pk, second.pk]),
    ):
        assert [item["id"] for item in command.get(f"/member-api/v3/items?{query}")["results"]] == ids, query


def test_parameters_that_members_cannot_use(command, item):
    for query in ("node__is_null=true", "node__not_null=true", "nmae=bag.tar", "item_action=Ingest", "per_page=1001"):
        assert query.split("=")[0] in command.get(f"/member-api/v3/items?{query}", status=400)["error"]
    command.get("/admin-api/v3/items", status=403)
    command.get(f"/admin-api/v3/items/show/{item.pk}", status=403)
    command.post(f"/admin-api/v3/items/create/{item.institution_id}", BODY, status=403)
    assert WorkItem.objects.count() == 1


@pytest.mark.parametrize("end", ["", "/", "?", "/?"])
def test_an_item_is_created_advanced_and_requeued(worker, real_server, ada, virginia, end):
    made = worker.post(f"/admin-api/v3/items/create/{virginia.pk}{end}", BODY)
    item = WorkItem.objects.get()
    assert (made["id"], made["name"], made["user"]) == (item.pk, BODY["name"], "system@aptrust.org")
    assert (item.name, item.note, item.institution) == (BODY["name"], BODY["note"], virginia)
    assert item.bag_date == datetime(2021, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
    assert item.date == datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert (item.queued_at, item.stage_started_at, item.pid) == (None, None, None)
    assert worker.post(f"/admin-api/v3/items/create/{virginia.pk}{end}", BODY)["id"] == item.pk
    assert WorkItem.objects.count() == 1

    claim = sent_back(made, stage="Fetch", status="Started", node="10.0.0.7", pid=9)
    claimed = worker.put(f"/admin-api/v3/items/update/{item.pk}{end}", claim)
    item.refresh_from_db()
    assert (
        (claimed["stage"], claimed["node"], claimed["pid"])
        == (item.stage, item.node, item.pid)
        == ("Fetch", "10.0.0.7", 9)
    )
    assert worker.get(f"/admin-api/v3/items/show/{item.pk}{end}") == claimed
    assert worker.get("/admin-api/v3/items?node__not_null=true")["results"] == [claimed]

    fatal = sent_back(claimed, status="Failed", retry=False, needs_admin_review=True, note="No & never.")
    worker.put(f"/admin-api/v3/items/update/{item.pk}{end}", fatal)
    worker.put(f"/admin-api/v3/items/requeue/{item.pk}{end}", {"stage": "Receive"}, status=403)
    answer = Curl(real_server, ada).put(f"/admin-api/v3/items/requeue/{item.pk}{end}", b"stage=Receive")
    item.refresh_from_db()
    assert (answer["stage"], answer["status"]) == (item.stage, item.status) == ("Receive", "Pending")
    assert (item.retry, item.needs_admin_review, item.node, item.pid) == (True, False, "", None)


def test_refusals_contain_the_item_or_the_field(worker, virginia, ada):
    item = make_item(virginia, stage="Fetch", status="Started")
    path = f"/admin-api/v3/items/update/{item.pk}"
    read = worker.get(f"/admin-api/v3/items/show/{item.pk}")
    assert worker.put(path, sent_back(read, date_processed="yesterday"), status=422)["date_processed"]
    assert worker.put(path, sent_back(read, name="other.tar"), status=422)["name"]
    transitions.cancel(item, by=ada, note="By mistake.")
    said = worker.put(path, sent_back(read, stage="Validate"), status=409)
    assert said.pop("error")
    assert said == worker.get(f"/admin-api/v3/items/show/{item.pk}")
    worker.post("/admin-api/v3/items/create/0", BODY, status=404)
    worker.put("/admin-api/v3/items/update/0", sent_back(read), status=404)
    item.refresh_from_db()
    assert (item.stage, item.status, item.name) == ("Resolve", "Cancelled", read["name"])


def test_a_restoration_is_created_with_registrys_words(worker, virginia):
    for word, file in (("Restore Object", ""), ("Restore File", "virginia.edu/bag/data/a.txt")):
        body = {**BODY, "action": word, "stage": "Requested", "etag": word, "generic_file_identifier": file}
        made = worker.post(f"/admin-api/v3/items/create/{virginia.pk}", body)
        assert made["action"] == word
        item = WorkItem.objects.get(pk=made["id"])
        assert (item.action, item.generic_file_identifier) == ("Restore", file)
