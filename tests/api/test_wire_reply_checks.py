"""The checks that every reply must pass detect invalid replies."""

import gzip
import io

import pytest

from tests.http_clients import BODY, NEVER, check, go_json, go_time, read_reply, whole_record

JSON = b"Content-Type: application/json\r\n"


def came(status, headers=JSON, body=b"{}"):
    head = b"HTTP/1.1 %d Word\r\n%sContent-Length: %d\r\n\r\n" % (status, headers, len(body))
    return read_reply(io.BytesIO(head + body))


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (301, JSON + b"Location: /api/v2/items/\r\n", b"{}"),
        (200, JSON + b"Location: /\r\n", b"{}"),
        (200, JSON + b"Set-Cookie: pharos_session=1\r\n", b"{}"),
        (200, b"Content-Type: text/html; charset=utf-8\r\n", b"{}"),
        (200, b"", b"{}"),
        (200, JSON, b"<html></html>"),
        (200, JSON, b""),
        (200, JSON, b"[]"),
        (200, JSON, b'{"id":1,"id":2}'),
        (200, JSON, b'{"size":NaN}'),
        (200, JSON, b'{"date":"2026-01-01T00:00:00+00:00"}'),
        (200, JSON, b'{"results":[{"date":"2026-01-01T00:00:00"}]}'),
        (200, JSON, b'{"error":"none"}'),
        (404, JSON, b'{"detail":"Not found."}'),
        (404, JSON, b'{"error":""}'),
        (404, JSON, b'{"error":["x"]}'),
        (404, JSON, b'{"error":"<h1>Not found</h1>"}'),
    ],
)
def test_invalid_replies_are_detected(status, headers, body):
    with pytest.raises((AssertionError, ValueError)):
        check(came(status, headers, body), status)


def test_an_unexpected_status_is_detected():
    with pytest.raises(AssertionError, match="not 201"):
        check(came(200), 201)


def test_valid_replies_pass():
    body = b'{"date":"2026-01-01T00:00:00.5Z","note":"a < b"}'
    zipped = gzip.compress(body)
    chunks = b"3\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (body[:3], len(body) - 3, body[3:])
    assert check(came(200, JSON, body), 200)["note"] == "a < b"
    assert check(came(200, JSON + b"Content-Encoding: gzip\r\n", zipped), 200)["note"] == "a < b"
    sent = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + JSON + b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    assert check(read_reply(io.BytesIO(sent)), 200)["note"] == "a < b"


def test_a_truncated_reply_is_detected():
    with pytest.raises(AssertionError, match="promised"):
        read_reply(io.BytesIO(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}"))
    with pytest.raises(AssertionError):
        read_reply(io.BytesIO(b""))


def test_json_and_times_are_written_like_go():
    assert (
        go_json({"a": "<b> & 'ü' \u2028", "n": None})
        == '{"a":"\\u003cb\\u003e \\u0026 \'ü\' \\u2028","n":null}'.encode()
    )
    assert go_time("2021-03-04T05:06:07.120000Z") == "2021-03-04T05:06:07.12Z"
    assert go_time("2021-03-04T05:06:00Z") == "2021-03-04T05:06:00Z"
    assert go_time("2021-03-04T05:06:00.000000Z") == "2021-03-04T05:06:00Z"
    assert go_time(None) == NEVER


def test_a_complete_record_has_zeros_for_nulls():
    assert len(BODY) == 23
    sent = whole_record({"id": 7, "name": "a.tar", "pid": None, "user": None, "date": "2026-01-01T00:00:00Z"}, node="n")
    assert list(sent) == list(BODY)
    assert (sent["name"], sent["pid"], sent["user"], sent["date"]) == ("a.tar", 0, "", "2026-01-01T00:00:00Z")
    assert (sent["bag_date"], sent["queued_at"], sent["node"]) == (NEVER, None, "n")
