"""Log records as text and as JSON: secrets are masked wherever they are, and no name imitates a line."""

import json
import logging
import sys

import pytest

from pharos.operations.logs import FORMATTERS, mask_secrets
from pharos.operations.request_ids import request_id_in_use

SECRET = "1-c9x4f2-0a1b2c3d4e5f60718293a4b5c6d7e8f9"  # of a link that sets a password, or of any other kind


def record(message="ready", *args, **more):
    made = logging.LogRecord("pharos.sample", logging.INFO, __file__, 1, message, args, None)
    made.__dict__.update(more)
    return made


@pytest.fixture(params=FORMATTERS)
def line(request):
    """A function that returns what is written for a record."""
    return FORMATTERS[request.param]().format


def readable(said):
    """Returns a line as its reader has it: JSON escapes what isn't ASCII."""
    return " ".join(map(str, json.loads(said).values())) if said.startswith("{") else said


@pytest.mark.parametrize(
    "text",
    [
        f"/accounts/password/reset/key/{SECRET}/",
        f"https://pharos.example.org/accounts/password/reset/key/{SECRET}/?next=/items/",
        f"//ACCOUNTS//password//reset//key//{SECRET}",
        f"/accounts/login/?next=%2Faccounts%2Fpassword%2Freset%2Fkey%2F{SECRET}%2F",
        f"/accounts/login/?next=%252Faccounts%252Fpassword%252Freset%252Fkey%252F{SECRET}%252F",
        f"/digests/stop/{SECRET}:1abc:def",
        f"/digests/stop/a:{SECRET}",
        f"/items/?name=a&api_key={SECRET}&page=2",
        f"/items/?token={SECRET}",
        f"/accounts/login/?next=/x%3Ftoken%3D{SECRET}",
        f"X-Pharos-API-Key: {SECRET}",
        f"{{'HTTP_X_PHAROS_API_KEY': '{SECRET}'}}",
        f"postgres://pharos:{SECRET}@database:5432/pharos is away",
    ],
)
def test_secrets_are_masked(line, text):
    said = readable(line(record("Not Found: %s", text)))
    assert SECRET not in said
    assert "…" in said


@pytest.mark.parametrize(
    "text",
    [
        "/items/?name=keys.tar&stage=Store",
        "/accounts/password/reset/",
        "/account/keys/7/revoke",
        "/digests/stop",
        "postgres://pharos@database:5432/pharos",
        "10:05 somebody@example.org signed in",
    ],
)
def test_the_rest_is_left_as_it_is(text):
    assert mask_secrets(text) == text


def test_what_surrounds_a_secret_is_kept():
    masked = mask_secrets(f'"GET /accounts/password/reset/key/{SECRET}/?a=1 HTTP/1.1" 404')
    assert masked == '"GET /accounts/password/reset/key/…?a=1 HTTP/1.1" 404'
    assert mask_secrets(f"/items/?token={SECRET}&page=2") == "/items/?token=…&page=2"


def test_tracebacks_are_masked(line):
    try:
        raise ValueError(f"no view for /digests/stop/{SECRET}")
    except ValueError:
        said = readable(line(record("failed", exc_info=sys.exc_info())))
    assert "ValueError: no view for /digests/stop/…" in said
    assert SECRET not in said


def test_a_name_with_a_line_break_stays_on_its_line(line):
    said = line(record("bag %s", "a\n2026-01-01 INFO root: all is well\x1b[2J\u2028"))
    assert said.splitlines() == [said]
    assert "\x1b" not in said


def test_a_line_of_text_has_the_time_the_level_and_the_request_id():
    text = FORMATTERS["text"]()
    with request_id_in_use("0123456789abcdef"):
        assert text.format(record("ready")).endswith(" INFO pharos.sample [0123456789abcdef]: ready")
    assert text.format(record("ready")).endswith(" INFO pharos.sample: ready")


def test_a_json_line_has_the_fields():
    sample = record("ready %s", "é", fields={"status": 200, "path": f"/?token={SECRET}"})
    with request_id_in_use("0123456789abcdef"):
        found = json.loads(FORMATTERS["json"]().format(sample))
    assert found.pop("time").endswith("+00:00")
    assert found.pop("process")
    assert found == {
        "level": "INFO",
        "logger": "pharos.sample",
        "message": "ready é",
        "request_id": "0123456789abcdef",
        "status": 200,
        "path": "/?token=…",
    }


def test_what_json_does_not_know_is_written_as_text():
    assert json.loads(FORMATTERS["json"]().format(record(fields={"role": object})))["role"] == "<class 'object'>"
