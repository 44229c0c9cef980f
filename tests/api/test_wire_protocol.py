"""HTTP as clients use it: connections, lengths, chunks, methods, hosts, compressed replies, and unknown addresses."""

import socket

import pytest

from tests.factories import make_item
from tests.http_clients import BODY, Curl, GoClient, PythonClient, check, connection, exchange, read_reply, whole_record
from tests.serving import database_url, server
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(real_server, wally):
    return PythonClient(real_server, wally)


@pytest.fixture
def bag(virginia):
    return {**BODY, "institution_id": virginia.pk}


def with_length(sent: bytes, length: int) -> bytes:
    """Returns the request with a wrong Content-Length."""
    head, body = sent.split(b"\r\n\r\n", 1)
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length:")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % length, b"", body])


def chunked(client, method: str, path: str, parts: list[bytes]) -> bytes:
    head = client.request(method, path, None, "Transfer-Encoding: chunked")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length:")]
    return b"\r\n".join(lines) + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def test_two_requests_on_one_connection_sequential_and_pipelined(worker, item, bag):
    get, post = worker.request("GET", f"/api/v2/items/{item.pk}/"), worker.request("POST", "/api/v2/items/", bag)
    with connection(worker.server) as (opened, stream):
        for _time in range(2):
            opened.sendall(get)
            assert check(read_reply(stream), 200)["id"] == item.pk
        opened.sendall(post + get)
        made = check(read_reply(stream), 201)["id"]
        assert check(read_reply(stream), 200)["id"] == item.pk
    assert {made, item.pk} == set(WorkItem.objects.values_list("pk", flat=True))


def test_the_connection_is_usable_after_a_refused_write(worker, item, bag):
    wrong = worker.request("POST", "/api/v2/items/", {**bag, "status": "Done"})
    unknown = worker.request("PUT", "/api/v2/items/0/", bag)
    stranger = PythonClient(worker.server).request("POST", "/api/v2/items/", bag)
    nowhere = worker.request("POST", "/api/v2/itmes/", bag)
    with connection(worker.server) as (opened, stream):
        for sent, status in ((wrong, 422), (unknown, 404), (stranger, 401), (nowhere, 404)):
            opened.sendall(sent)
            check(read_reply(stream), status)
    assert WorkItem.objects.count() == 1


def test_a_refusal_of_a_large_body_can_be_read(worker, item, bag):
    """If the server didn't read the body, the connection would break while the client is sending, and the refusal would be lost."""
    large = worker.encode({**bag, "note": "x" * 8_000_000})
    stranger = PythonClient(worker.server)
    for client, method, path, status in (
        (stranger, "POST", "/api/v2/items/", 401),
        (stranger, "PUT", f"/api/v2/item_state/{item.pk}/", 401),
        (worker, "POST", "/api/v2/itmes/", 404),
        (worker, "DELETE", f"/api/v2/items/{item.pk}", 405),
    ):
        with connection(worker.server) as (opened, stream):
            opened.sendall(client.request(method, path, large))
            check(read_reply(stream), status)
    assert WorkItem.objects.count() == 1


def test_a_body_longer_than_its_content_length(worker, bag):
    sent = worker.request("POST", "/api/v2/items/", bag)
    check(exchange(worker.server, with_length(sent, 100)), 400)
    assert not WorkItem.objects.exists()


def test_a_truncated_body_stores_nothing(worker, bag, item):
    before = WorkItem.objects.count()
    for sent in (
        worker.request("POST", "/api/v2/items/", bag),
        worker.request(
            "PUT", f"/api/v2/items/{item.pk}/", whole_record(worker.get(f"/api/v2/items/{item.pk}"), note="x")
        ),
    ):
        with connection(worker.server) as (opened, stream):
            opened.sendall(sent[:-40])
            opened.shutdown(socket.SHUT_WR)
            check(read_reply(stream), 400)
    item.refresh_from_db()
    assert (item.note, WorkItem.objects.count()) == ("", before)


@pytest.mark.parametrize("size", [7, 10**6])
def test_a_chunked_body_takes_effect_or_is_refused_clearly(worker, bag, item, size):
    """If it were read as empty, the save would be lost silently."""
    body = worker.encode({**bag, "name": "chunks.tar"})
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    made = exchange(worker.server, chunked(worker, "POST", "/api/v2/items/", parts))
    check(made, made.status)
    assert made.status in (201, 411)
    assert WorkItem.objects.filter(name="chunks.tar").count() == (made.status == 201)
    record = worker.encode(whole_record(worker.get(f"/api/v2/items/{item.pk}"), note="In chunks."))
    saved = exchange(worker.server, chunked(worker, "PUT", f"/api/v2/items/{item.pk}/", [record]))
    check(saved, saved.status)
    item.refresh_from_db()
    assert (saved.status, item.note) in ((200, "In chunks."), (411, ""))


NO_OBJECTS = [
    b"",
    b"{",
    b'{"name":"a.tar"',
    b"{'name':'a.tar'}",
    b'{"size":NaN}',
    b'{"name":"a.tar"} {"name":"b.tar"}',
    b'{"name":"\xff\xfe"}',
    b"[]",
    b"null",
    b'"name"',
    b"17",
    b"name=a.tar&status=Pending",
]


def test_a_body_that_is_not_a_json_object_is_400(worker, item):
    for body in NO_OBJECTS:
        for method, path in (
            ("POST", "/api/v2/items/"),
            ("PUT", f"/api/v2/items/{item.pk}/"),
            ("PUT", "/api/v2/items/"),
        ):
            reply = worker.reply(method, path, body)
            assert reply.status == 400, (body, method, path, reply.plain)
            check(reply, 400)
    assert WorkItem.objects.get().history.count() == 1


def test_an_unsupported_content_type_is_reported(real_server, wally, item):
    """By default, curl sends a body as a form."""
    form = Curl(real_server, wally)
    for method, path in (("POST", "/api/v2/items/"), ("PUT", f"/api/v2/items/{item.pk}/")):
        reply = form.reply(method, path, b"note=Lost&status=Started")
        assert reply.status in (400, 415)
        check(reply, reply.status)
    assert WorkItem.objects.get().history.count() == 1


def test_json_content_types_in_any_case_and_with_a_utf_8_charset(worker, bag):
    for number, kind in enumerate(
        ("application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON")
    ):
        sent = worker.request("POST", "/api/v2/items/", {**bag, "name": f"päck {number}.tar"})
        sent = sent.replace(b"Content-Type: application/json\r\n", f"Content-Type: {kind}\r\n".encode())
        made = check(exchange(worker.server, sent), 201)
        assert WorkItem.objects.get(pk=made["id"]).name == f"päck {number}.tar"


ROUTES = [
    "/api/v2/items",
    "/api/v2/items/{item}",
    "/api/v2/institutions",
    "/api/v2/institutions/virginia.edu",
    "/api/v2/objects/virginia.edu%2Fstored.v1",
    "/member-api/v2/objects/virginia.edu%2Fstored.v1",
    "/member-api/v2/items",
    "/member-api/v2/items/{item}",
    "/member-api/v3/items",
    "/member-api/v3/items/show/{item}",
    "/admin-api/v3/items",
    "/admin-api/v3/items/show/{item}",
]


@pytest.fixture
def routes(item, virginia):
    make_item(virginia, name="stored.v1.tar", stage="Cleanup", status="Success")
    return [route.format(item=item.pk) for route in ROUTES]


def test_with_and_without_the_slash_and_a_bare_question_mark(worker, routes):
    for route in routes:
        bare = worker.get(route)
        for end in ("/", "?", "/?"):
            assert worker.get(f"{route}{end}") == bare, route


def test_head_returns_the_headers_of_get(worker, routes):
    for route in routes:
        head, get = worker.reply("HEAD", route), worker.reply("GET", route)
        check(head, 200)
        for name in ("Content-Type", "Content-Length", "Content-Encoding"):
            assert head.all(name) == get.all(name), (route, name)
    check(worker.reply("HEAD", "/api/v2/items/0"), 404)


def test_an_unsupported_method_is_405_with_an_allow_header(worker, routes, item):
    for route in routes:
        for method in ("DELETE", "PATCH", "TRACE", "BREW"):
            reply = worker.reply(method, route, b"{}")
            check(reply, 405)
            assert "GET" in reply.header("Allow")
        options = worker.reply("OPTIONS", route)
        check(options, options.status)
        assert options.status in (200, 405)
    assert WorkItem.objects.count() == 2


NOWHERE = [
    "/api",
    "/api/",
    "/api/v2",
    "/api/v2/",
    "/api/v2/itmes/",
    "/api/v9/items/",
    "/api/v2/ITEMS/",
    "/api/v2/items.json",
    "/api/v2//items/",
    "/api/v2/items/abc/",
    "/api/v2/items/1.5",
    "/api/v2/items/-1/",
    "/api/v2/items/%00",
    "/api/v2/items/1/2",
    "/api/v2/items/1//",
    "/api/v2/item_state/abc",
    "/api/v2/institutions/nobody.edu/",
    "/api/v2/%3Cscript%3E",
    "/member-api",
    "/member-api/",
    "/member-api/v2/",
    "/member-api/v4/items",
    "/member-api/v1/items/1/",
    "/member-api/v3/items/1",
    "/admin-api",
    "/admin-api/v2/items/",
    "/admin-api/v3/items/drop/1",
]


def test_an_unknown_address_is_404(worker, item):
    for path in NOWHERE:
        worker.get(path, status=404)


def test_an_unknown_host_is_400(worker, item):
    for host in ("evil.example.org", "evil.example.org:80", "a b", "127.0.0.1.evil.example.org", ""):
        for method, path in (
            ("GET", "/api/v2/items/"),
            ("PUT", f"/api/v2/items/{item.pk}"),
            ("GET", "/member-api/v3/items"),
        ):
            sent = worker.request(method, path, {} if method == "PUT" else None)
            sent = sent.replace(f"Host: {worker.host}".encode(), f"Host: {host}".encode())
            check(exchange(worker.server, sent), 400)


def test_an_absolute_url_in_the_request_line(worker, item):
    """Some versions of Go's library send it if a program insists on %2F."""
    path = f"http://{worker.host}/api/v2/items/{item.pk}/?"
    assert worker.get(path)["id"] == item.pk


def test_compressed_and_uncompressed_replies_are_equal(real_server, worker, wally, virginia):
    for number in range(30):
        make_item(virginia, note="Too many errors & more. " * 50, name=f"päck {number}.tar")
    path = "/api/v2/items/?per_page=100&sort=id"
    replies = [worker.reply("GET", path), GoClient(real_server, wally).reply("GET", path)]
    plain = Curl(real_server, wally).reply("GET", path)
    assert plain.all("Content-Encoding") == []
    for reply in replies:
        check(reply, 200)
        assert reply.header("Content-Encoding") in ("", "gzip")
        assert reply.plain == plain.body
    assert len(check(plain, 200)["results"]) == 30


def test_replies_are_json_whatever_the_accept_header_says(worker, item):
    for accept in ("text/html", "text/html,application/xhtml+xml;q=0.9", "application/xml", "*/*;q=0", "x"):
        for path, status in (
            (f"/api/v2/items/{item.pk}", 200),
            ("/api/v2/items/0", 404),
            ("/api/v2/items/?nmae=1", 400),
        ):
            sent = worker.request("GET", path, None, "Accept-Language: fr")
            sent = sent.replace(b"Accept: application/json", f"Accept: {accept}".encode())
            check(exchange(worker.server, sent), status)


def test_a_server_for_https_refuses_plain_http_and_never_redirects(django_db_setup, worker, item, settings, bag):
    from django.db import connection as database

    record = whole_record(worker.get(f"/api/v2/items/{item.pk}"), note="Lost.")
    knobs = {"SECRET_KEY": settings.SECRET_KEY, "HTTPS": "true", "TRUSTED_PROXIES": "1"}
    with server(database_url(database.settings_dict), workers=1, **knobs) as running:
        secure = PythonClient(running)
        secure.email, secure.secret = worker.email, worker.secret
        for method, path, body in (
            ("GET", "/api/v2/items/", None),
            ("POST", "/api/v2/items/", bag),
            ("PUT", f"/api/v2/items/{item.pk}", record),
            ("GET", "/member-api/v1/items/", None),
            ("GET", "/admin-api/v3/items", None),
            ("GET", "/api/v2/itmes/", None),
        ):
            reply = secure.reply(method, path, body)
            assert reply.status in (400, 403, 404), reply
            said = check(reply, reply.status)
            assert "https" in said["error"].lower() or reply.status == 404
        item.refresh_from_db()
        assert (item.note, WorkItem.objects.count()) == ("", 1)
        # What a proxy brings on, that has spoken https with the client, is as good.
        assert (
            secure.get(f"/api/v2/items/{item.pk}", "X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.1")["id"]
            == item.pk
        )


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /api/v2/items/p\xc3\xa4ck HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /api/v2/items/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: abc\r\n\r\n",
        b"GET /api/v2/items/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\n",
        b"GET /api/v2/items/ HTTP/1.1\r\n" + b"X-One: 1\r\n" * 150 + b"\r\n",
        b"what is this\r\n\r\n",
    ],
    ids=["raw bytes in the address", "no length", "long header", "many headers", "no HTTP"],
)
def test_unparsable_requests_are_refused_as_json(real_server, sent):
    with connection(real_server) as (opened, stream):
        opened.sendall(sent)
        reply = read_reply(stream)
    assert 400 <= reply.status < 500
    check(reply, reply.status)


@pytest.mark.parametrize("charset", ["zlib", "hex", "undefined", "punycode", "utf-16", '"utf-8"', "no-such-charset"])
@pytest.mark.parametrize(
    "path", ["/api/v2/items/?name=a", "/api/v2/items/?" + "&".join(f"a{n}=1" for n in range(1200))]
)
def test_a_charset_never_causes_a_server_error(worker, item, charset, path):
    sent = worker.request("GET", path, None)
    sent = sent.replace(
        b"Content-Type: application/json", b"Content-Type: application/json; charset=" + charset.encode()
    )
    assert b"charset=" in sent
    reply = exchange(worker.server, sent)
    check(reply, 400 if "a1199" in path else 200)


def test_a_too_long_address_is_refused_immediately(real_server):
    with connection(real_server) as (opened, stream):
        opened.sendall(b"GET /api/v2/items/?name=" + b"a" * 300_000)
        reply = read_reply(stream)
    check(reply, 414)


def test_an_untrusted_client_cannot_fake_https(django_db_setup, worker, item):
    """Forwarded headers are only trusted if the settings say that there is a proxy."""
    from django.db import connection as database

    with server(database_url(database.settings_dict), workers=1, HTTPS="true") as running:
        secure = PythonClient(running)
        secure.email, secure.secret = worker.email, worker.secret
        for line in ("X-Forwarded-Proto: https", "X-Forwarded-Ssl: on", "X-Forwarded-Protocol: ssl", "SCRIPT_NAME: /x"):
            check(exchange(running, secure.request("GET", f"/api/v2/items/{item.pk}", None, line)), 403)


def test_extra_slashes_are_accepted_and_capital_letters_are_404(worker, item, bag):
    """A base address that ends in a slash is a common mistake."""
    assert worker.get(f"//api/v2/items/{item.pk}/")["id"] == item.pk
    assert worker.put(f"///api/v2/items/{item.pk}", {"note": "Here."})["note"] == "Here."
    worker.post("//api/v2/items/", bag)
    assert worker.get("//api/v2/items/?per_page=1")["next"].startswith(f"{worker.server.url}/api/v2/items/?")
    for path in ("/API/v2/items/", "/Member-Api/v2/items/", "//api"):
        worker.get(path, status=404)
