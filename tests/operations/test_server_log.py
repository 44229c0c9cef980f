"""The raw output of the production server: no link and no key that works, and one ID from header to line."""

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys

import pytest

from .. import serving

RESET = "1-c9x4f2-0a1b2c3d4e5f60718293a4b5c6d7e8f9"
TOKEN = "eyJ2aWV3IjozfQ:1tGhJk:Zm9vYmFyYmF6cXV4"
KEY = "Jx7PqL0aVtB3nR9sYw2mKd8fGh5cTz1uEo4iXv6bQrA"
OFFERED = "4f1c2a7e9b3d4c5e8f60718293a4b5c6"
REQUESTS = {
    f"/accounts/password/reset/key/{RESET}/": {},
    f"/accounts/password/reset/key/{RESET}": {},
    f"/accounts//password/reset/key//{RESET}/more": {},
    f"/digests/stop/{TOKEN}": {},
    f"/digests/stop/{TOKEN}/and/more": {},
    f"/nothing/?api_key={KEY}&next=%2Fdigests%2Fstop%2F{TOKEN}": {},
    "/member-api/v3/items": {"X-Pharos-API-User": "somebody@example.org", "X-Pharos-API-Key": KEY},
    "/nothing%0A2026-01-01%20INFO%20forged": {},
    "/healthz": {"X-Request-ID": OFFERED},
}


def ask(running, path, headers):
    """Returns (status, X-Request-ID, body)."""
    with contextlib.closing(http.client.HTTPConnection(running.host, running.port, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["X-Request-ID"], answer.read().decode()


@pytest.fixture(params=["text", "json"])
def served(request, tmp_path):
    """(the format, the answers, the whole output) of a server after all requests."""
    url = f"sqlite:///{tmp_path / 'log.sqlite3'}"
    migrate(url)
    environment = {"LOG_FORMAT": request.param, "LOG_LEVEL": "DEBUG", "TRUSTED_PROXIES": "1"}
    with serving.server(url, workers=1, **environment) as running:
        answers = {path: ask(running, path, headers)[:2] for path, headers in REQUESTS.items()}
        return request.param, answers, running.log()


def migrate(url):
    environment = {**os.environ, "DATABASE_URL": url, "DEBUG": "false", "SECRET_KEY": serving.KEY, "ALLOWED_HOSTS": "a"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=serving.ROOT, env=environment, check=True)


def test_the_log(served):
    kind, answers, output = served
    for secret in (RESET, TOKEN, KEY, RESET[10:], TOKEN[:14]):
        assert secret not in output
    assert "/accounts/password/reset/key/…" in output.encode().decode("unicode_escape" if kind == "json" else "utf-8")
    assert answers["/healthz"] == (200, OFFERED)
    lines = [line for line in output.splitlines() if "Warning" not in line and "mw_instance" not in line]
    if kind == "json":
        entries = [json.loads(line) for line in lines]
        accesses = {one["request_id"]: one["status"] for one in entries if one["logger"] == "pharos.access"}
        failures = {one.get("request_id") for one in entries if one["logger"] == "django.request"}
    else:
        assert [
            line for line in lines if not re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} [A-Z]+ [\w.]+( \[|:)", line)
        ] == []
        found = re.findall(
            r"pharos\.access \[([\w.-]+)\]: GET \S+ (\d{3}) \d+ ms \d+ bytes user -$", output, re.MULTILINE
        )
        accesses = {request_id: int(status) for request_id, status in found}
        failures = {*re.findall(r"django\.request \[([\w.-]+)\]: ", output)}
    assert {request_id: status for status, request_id in answers.values()}.items() <= accesses.items()
    refused = {request_id for status, request_id in answers.values() if status >= 400}
    assert len(refused) > 3
    assert refused <= failures


def test_counters_of_all_processes_are_added_up(tmp_path):
    url = f"sqlite:///{tmp_path / 'metrics.sqlite3'}"
    migrate(url)
    with serving.server(url, workers=3, threads=1) as running:
        for _number in range(12):
            ask(running, "/nothing", {})
        _status, _request_id, text = ask(running, "/metrics", {})
    assert 'pharos_requests_total{method="GET",status="404",view="not_found"} 12.0' in text
    assert "pharos_database_readable 1.0" in text
