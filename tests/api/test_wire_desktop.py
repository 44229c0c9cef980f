"""The depositors' desktop app: lists the newest items, and opens one in a browser."""

import pytest

from tests.factories import make_item
from tests.http_clients import Client, check, exchange, whole_record

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/member-api/v2/items/?page=1&per_page=50&sort=date"
FIELDS = {
    *("id", "created_at", "updated_at", "name", "etag", "bucket", "user", "institution", "note", "action", "stage"),
    *("status", "outcome", "bag_date", "date", "retry", "reviewed", "object_identifier", "generic_file_identifier"),
    "size",
}
SECRET = {"node", "pid", "work_item_state_id", "state"}


class NodeClient(Client):
    """Node's http module, with the program's spelling of names and a late, lowercase `host`."""

    def headers(self, length):
        return [
            "User-Agent: DART/2.0.21 (linux-x64)",
            "Accept: application/json",
            "Content-Type: application/json",
            f"X-Pharos-API-User: {self.email}",
            f"X-Pharos-API-Key: {self.secret}",
            f"host: {self.host}",
            *([] if length is None else [f"content-length: {length}"]),
            "Connection: close",
        ]


@pytest.fixture
def app(real_server, dora):
    return NodeClient(real_server, dora)


def test_the_newest_items_of_the_users_institution(app, virginia, theirs):
    items = [make_item(virginia, node="10.0.0.7", pid=4711, status="Started") for _n in range(52)]
    answer = app.get(LIST)
    assert (answer["count"], len(answer["results"]), answer["previous"]) == (52, 50, None)
    assert [item["id"] for item in answer["results"]] == [item.pk for item in reversed(items)][:50]
    seen = [item["id"] for page in app.walk(LIST) for item in page["results"]]
    assert sorted(seen) == sorted(item.pk for item in items)


def test_an_item_as_the_app_needs_it(app, item):
    [found] = app.get(LIST)["results"]
    assert found == app.get(f"/member-api/v2/items/{item.pk}") == app.get(f"/member-api/v2/items/{item.pk}/?")
    assert set(found) >= FIELDS
    assert not set(found) & SECRET
    assert found["note"] == ""
    assert (found["id"], found["name"], found["size"], found["institution"]) == (
        item.pk,
        item.name,
        266_240,
        "virginia.edu",
    )
    assert (found["retry"], found["reviewed"], found["user"], found["bag_date"]) == (True, False, None, None)


def test_a_note_is_returned_unchanged(app, virginia):
    note = 'Line 1 & "two"\r\n<b>bold</b>\tpäck 楽'
    item = make_item(virginia, note=note)
    assert app.get(f"/member-api/v2/items/{item.pk}/")["note"] == note


def test_another_institutions_item_does_not_exist(app, theirs):
    gone = app.get(f"/member-api/v2/items/{theirs.pk}/", status=404)
    assert gone == app.get(f"/member-api/v2/items/{theirs.pk + 999}/", status=404)
    assert app.get(LIST)["count"] == 0
    assert app.get(f"/member-api/v2/items/?name={theirs.name}")["results"] == []


def test_no_parameter_reveals_process_fields(app, real_server, wally, virginia, theirs):
    make_item(virginia, node="10.0.0.7", pid=4711)
    for query in ("node=10.0.0.7", "node_empty=true", "node_not_empty=true", "pid=4711", "pid_empty=false"):
        said = app.get(f"/member-api/v2/items/?{query}", status=400)
        assert query.split("=")[0] in said["error"]
    # Another institution is as one that there is not.
    for name, other, none in (
        ("institution", "jhu.edu", "nobody.edu"),
        ("institution_id", theirs.institution_id, 10**9),
    ):
        asked = [app.reply("GET", f"/member-api/v2/items/?{name}={value}") for value in (other, none)]
        answers = [check(reply, reply.status) for reply in asked]
        assert asked[0].status == asked[1].status
        assert answers[0].get("results", []) == answers[1].get("results", []) == []
        assert str(answers[0]).replace(str(other), "") == str(answers[1]).replace(str(none), "")


def test_a_member_cannot_write(app, item):
    body = whole_record(app.get(f"/member-api/v2/items/{item.pk}/"), note="Mine.", institution_id=item.institution_id)
    for end in ("", "/"):
        app.ask("POST", f"/member-api/v2/items{end}", body, status=405)
        app.ask("PUT", f"/member-api/v2/items/{item.pk}{end}", body, status=405)
        app.ask("POST", f"/api/v2/items{end}", body, status=403)
        app.ask("PUT", f"/api/v2/items/{item.pk}{end}", body, status=403)
        app.ask("PUT", f"/api/v2/items/{item.pk}/requeue{end}", {"item_stage": "Receive"}, status=403)
    item.refresh_from_db()
    assert (item.note, item.history.count()) == ("", 1)


def test_every_role_can_use_the_member_api(real_server, cast, item, theirs):
    for name, count in {"dora": 1, "stan": 1, "olga": 1, "ada": 2, "wally": 2}.items():
        assert NodeClient(real_server, cast[name]).get(LIST)["count"] == count


def test_the_page_that_the_app_opens_exists(app, item):
    """Without a session, the browser is redirected to sign in and then to the item."""
    page = exchange(
        app.server, f"GET /items/{item.pk} HTTP/1.1\r\nHost: {app.host}\r\nAccept: text/html\r\n\r\n".encode()
    )
    assert (page.status, page.all("Location")) == (302, [f"/accounts/login/?next=/items/{item.pk}"])
