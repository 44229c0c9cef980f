"""Requests exactly as existing clients send them, and checks that every reply must pass."""

import contextlib
import gzip
import json
import re
import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from django.utils import timezone

from pharos.accounts import api_keys
from pharos.accounts.models import User

from .serving import Server

PATIENCE = 60  # seconds to wait for a reply
NEVER = "0001-01-01T00:00:00Z"  # an unset time of a Go client
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
TIMES = ("bag_date", "date", "queued_at", "stage_started_at", "created_at", "updated_at")
# The keys of a POST or PUT, always all of them, in this order.
BODY: dict[str, Any] = {
    "action": "Ingest",
    "aptrust_approver": "",
    "bag_date": NEVER,
    "bucket": "aptrust.receiving.virginia.edu",
    "date": "2026-03-04T05:06:07Z",
    "etag": "d18720b9ec3c24e0e6370fb4ff42b132",
    "generic_file_identifier": "",
    "inst_approver": "",
    "institution_id": 0,
    "name": "virginia.edu.bag_1.tar",
    "needs_admin_review": False,
    "node": "",
    "note": "Bag is in the receiving bucket.",
    "object_identifier": "",
    "outcome": "Pending",
    "pid": 0,
    "queued_at": None,
    "retry": True,
    "size": 266_240,
    "stage": "Receive",
    "stage_started_at": None,
    "status": "Pending",
    "user": "",
}


@dataclass(frozen=True)
class Reply:
    """A reply as received. `body` is without chunk markers but still compressed."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    method: str = "GET"

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str:
        """Returns the value of a header, or an empty string."""
        return ", ".join(self.all(name))

    @property
    def plain(self) -> bytes:
        """The uncompressed body."""
        return gzip.decompress(self.body) if self.header("Content-Encoding") == "gzip" else self.body

    @property
    def json(self) -> Any:
        return json.loads(self.plain, parse_constant=_no_number, object_pairs_hook=_no_key_twice)


def _no_number(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), f"a key comes twice: {pairs}"
    return dict(pairs)


def check(reply: Reply, status: int, log: str = "") -> Any:
    """Checks what must be true for every reply of the API. Returns the parsed body. All wire tests use this."""
    shown = f"{reply.status} {reply.headers} {reply.plain[:2000]!r}\n{log}"
    assert not 300 <= reply.status < 400, f"a redirect: {shown}"
    assert not reply.all("Location"), f"a way to another place: {shown}"
    assert not reply.all("Set-Cookie"), f"a cookie: {shown}"
    assert reply.status == status, f"not {status} but {shown}"
    assert reply.all("Content-Type") in (["application/json"], ["application/json; charset=utf-8"]), shown
    if reply.method == "HEAD":
        assert reply.body == b"", shown
        return None
    answer = reply.json
    assert isinstance(answer, dict), shown
    # In a refusal of values, the fields hold what is wrong with them.
    items = [] if status in (400, 422) else [answer, *answer.get("results", [])]
    for item in items:
        assert all(item[name] is None or MOMENT.fullmatch(item[name]) for name in TIMES if name in item), shown
    error = answer.get("error")
    if status >= 400:
        assert isinstance(error, str), shown
        assert error.strip(), shown
        assert not re.search(r"<(!doctype|html|head|body|div|h1|p|a)\b", error, re.IGNORECASE), (
            f"an error in HTML: {shown}"
        )
    else:
        assert "error" not in answer, shown
    return answer


def read_reply(stream: BinaryIO, method: str = "GET") -> Reply:
    """Reads the next reply of a connection, skipping interim ones (100 Continue)."""
    while True:
        line = stream.readline()
        found = re.fullmatch(rb"HTTP/1\.1 (\d{3})( [^\r\n]*)?\r\n", line)
        assert found, f"not the beginning of a reply: {line!r}"
        headers = _headers(stream)
        status = int(found[1])
        if status >= 200:
            break
    reply = Reply(status, headers, b"", method)
    return Reply(status, headers, _body(stream, reply), method)


def _headers(stream: BinaryIO) -> list[tuple[str, str]]:
    headers = []
    while (line := stream.readline()) != b"\r\n":
        assert line.endswith(b"\r\n"), f"cut short: {line!r}"
        name, colon, value = line.decode("latin-1").partition(":")
        assert colon, line
        headers.append((name, value.strip()))
    return headers


def _body(stream: BinaryIO, reply: Reply) -> bytes:
    if reply.method == "HEAD" or reply.status in (204, 304):
        return b""
    if reply.header("Transfer-Encoding").lower() == "chunked":
        parts = []
        while size := int(stream.readline().split(b";")[0], 16):
            parts.append(stream.read(size))
            assert stream.read(2) == b"\r\n"
        assert _headers(stream) == []
        return b"".join(parts)
    [length] = reply.all("Content-Length")
    body = stream.read(int(length))
    assert len(body) == int(length), f"{length} bytes promised, {len(body)} came"
    return body


@contextlib.contextmanager
def connection(server: Server) -> Iterator[tuple[socket.socket, BinaryIO]]:
    """Opens a connection, and yields it with the stream of replies."""
    with (
        socket.create_connection((server.host, server.port), timeout=PATIENCE) as opened,
        opened.makefile("rb") as stream,
    ):
        yield opened, stream


def exchange(server: Server, sent: bytes) -> Reply:
    """Sends these bytes on a new connection, and returns the reply."""
    with connection(server) as (opened, stream):
        opened.sendall(sent)
        return read_reply(stream, sent.split(b" ", 1)[0].decode())


def go_json(value: Any) -> bytes:
    """Encodes JSON like Go: no spaces, UTF-8 unescaped, but & < > and two line separators as \\u escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for letter in "&<>\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text.encode()


def go_time(text: str | None) -> str:
    """Formats a time as a Go client sends it back: without trailing zeros in the fraction, and never null."""
    if not text:
        return NEVER
    return re.sub(r"\.?0*Z$", "Z", text) if "." in text else text


class Client(ABC):
    """A client with a user's key, which sends its headers in the spelling and order of a real program."""

    pair = ("X-Pharos-API-User", "X-Pharos-API-Key")

    def __init__(self, server: Server, user: User | None = None):
        self.server = server
        self.email = user.email if user else ""
        self.secret = api_keys.create_key(user, label="wire", now=timezone.now())[1] if user else ""

    @property
    def host(self) -> str:
        return f"{self.server.host}:{self.server.port}"

    @abstractmethod
    def headers(self, length: int | None) -> list[str]:
        """Returns the headers, without those that the caller adds. `length`: of the body, or None without one."""

    def encode(self, body: Any) -> bytes:
        return json.dumps(body).encode()

    def request(self, method: str, path: str, body: Any = None, *more: str) -> bytes:
        """Returns the bytes of a request. A body of bytes is sent unchanged. `more`: further header lines."""
        data = b"" if body is None else body if isinstance(body, bytes) else self.encode(body)
        length = len(data) if data or method in ("POST", "PUT") else None
        lines = [f"{method} {path} HTTP/1.1", *self.headers(length), *more, "", ""]
        # Some clients send unescaped UTF-8 in paths and headers.
        return "\r\n".join(lines).encode() + data

    def reply(self, method: str, path: str, body: Any = None, *more: str) -> Reply:
        return exchange(self.server, self.request(method, path, body, *more))

    def ask(self, method: str, path: str, body: Any = None, *more: str, status: int = 200) -> Any:
        """Returns the JSON of the checked reply."""
        reply = self.reply(method, path, body, *more)
        return check(reply, status, self.server.log()[-6000:] if reply.status >= 500 else "")

    def get(self, path: str, *more: str, status: int = 200) -> Any:
        return self.ask("GET", path, None, *more, status=status)

    def put(self, path: str, body: Any, *more: str, status: int = 200) -> Any:
        return self.ask("PUT", path, body, *more, status=status)

    def post(self, path: str, body: Any, *more: str, status: int = 201) -> Any:
        return self.ask("POST", path, body, *more, status=status)

    def walk(self, path: str) -> Iterator[dict[str, Any]]:
        """Yields all rows of a list like real clients: they only use the query string of `next`, until it is null."""
        way = path.split("?", 1)[0]
        while True:
            page = self.get(path)
            yield page
            if page["next"] is None:
                return
            there = urlsplit(page["next"])
            assert (there.scheme, there.netloc, there.path) == ("http", self.host, way), page["next"]
            path = f"{way}?{there.query}"


class GoClient(Client):
    """Go's net/http, with its spelling and order of headers. These programs send both `close` and `keep-alive`."""

    def headers(self, length: int | None) -> list[str]:
        who = [("X-Pharos-Api-Key", self.secret), ("X-Pharos-Api-User", self.email)]
        return [
            f"Host: {self.host}",
            "User-Agent: Go-http-client/1.1",
            "Connection: close",
            *([] if length is None else [f"Content-Length: {length}"]),
            "Accept: application/json",
            "Connection: keep-alive",
            "Content-Type: application/json",
            *(f"{name}: {value}" for name, value in who if self.email),
            "Accept-Encoding: gzip",
        ]

    def encode(self, body: Any) -> bytes:
        return go_json(body)


class PythonClient(Client):
    """Python's requests library."""

    def headers(self, length: int | None) -> list[str]:
        user, key = self.pair
        return [
            f"Host: {self.host}",
            "User-Agent: python-requests/2.31.0",
            "Accept-Encoding: gzip, deflate",
            "Accept: application/json",
            "Connection: keep-alive",
            "Content-Type: application/json",
            *([f"{user}: {self.email}", f"{key}: {self.secret}"] if self.email else []),
            *([] if length is None else [f"Content-Length: {length}"]),
        ]


class Curl(Client):
    """curl as an admin uses it. It sends a body that isn't JSON as a form."""

    kind = "application/x-www-form-urlencoded"

    def headers(self, length: int | None) -> list[str]:
        user, key = self.pair
        return [
            f"Host: {self.host}",
            "User-Agent: curl/8.5.0",
            "Accept: */*",
            *([f"{user}: {self.email}", f"{key}: {self.secret}"] if self.email else []),
            *([] if length is None else [f"Content-Length: {length}", f"Content-Type: {self.kind}"]),
        ]


def whole_record(item: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Returns the 23 keys of an item as a client sends them back: null as Go's zero value."""
    unset: dict[type, Any] = {str: "", int: 0, bool: False}
    sent: dict[str, Any] = {}
    for name, usual in BODY.items():
        value = item.get(name)
        if name in TIMES and usual is not None:
            sent[name] = go_time(value)
        elif name in TIMES:
            sent[name] = go_time(value) if value else None
        else:
            sent[name] = unset[type(usual)] if value is None else value
    return {**sent, **changes}


def escaped(text: str) -> str:
    """Escapes like Go's url.QueryEscape, including the slash, but with %20 for a space."""
    return quote(text, safe="")
