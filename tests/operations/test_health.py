"""`/healthz`: what it says, and to whom it tells the details. Real faults: tests/outages/."""

from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from pharos.accounts import api_keys
from pharos.email_queue.models import QueuedEmail
from pharos.operations import health
from pharos.operations.models import CommandRun

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _use_the_tests_connection(monkeypatch, request):
    """The tests' transaction can't be seen by another connection."""

    class Own:
        def __enter__(self):
            connections["default"].ensure_connection()
            return connections["default"].connection

        def __exit__(self, *exception):
            return None

    monkeypatch.setattr(health, "own_connection", Own)


def keyed(client, user, query="?detail"):
    _key, secret = api_keys.create_key(user, label="health", now=timezone.now())
    headers = {"X-Pharos-API-User": user.email, "X-Pharos-API-Key": secret, "X-Forwarded-For": "192.0.2.7"}
    return client.get(f"/healthz{query}", headers=headers)


def test_a_server_that_is_well(client):
    response = client.get("/healthz")
    assert (response.status_code, response.content, response["Content-Type"]) == (
        200,
        b"ok\n",
        "text/plain; charset=utf-8",
    )
    assert "no-store" in response["Cache-Control"]
    assert client.post("/healthz").status_code == 405


def test_missing_static_files_are_a_problem(client, settings, tmp_path, monkeypatch):
    class Storage:
        manifest_name = "staticfiles.json"

    monkeypatch.setattr(health, "staticfiles_storage", Storage())
    settings.STATIC_ROOT = tmp_path
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.content.decode() == "The static files aren't there: run manage.py collectstatic.\n"
    (tmp_path / "staticfiles.json").touch()
    assert client.get("/healthz").status_code == 200


def test_a_missing_migration_is_a_problem_but_one_of_a_later_version_is_not(client, monkeypatch):
    own = health._own_migrations()
    monkeypatch.setattr(health, "_own_migrations", lambda: own - {"workitems.0001_initial"})
    assert client.get("/healthz").status_code == 200
    monkeypatch.setattr(health, "_own_migrations", lambda: own | {"workitems.9999_next"})
    response = client.get("/healthz")
    assert response.status_code == 503
    assert b"1 migrations are missing, such as workitems.9999_next." in response.content


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [
        ({}, "127.0.0.1", 200),
        ({}, "::1", 200),
        ({}, "", 200),  # a socket in the file system
        ({"X-Forwarded-For": "127.0.0.1"}, "127.0.0.1", 403),
        ({"Forwarded": "for=127.0.0.1"}, "127.0.0.1", 403),
        ({"X-Real-IP": "192.0.2.7"}, "127.0.0.1", 403),
        ({}, "192.0.2.7", 403),
        ({"X-Pharos-API-User": "ada@aptrust.org", "X-Pharos-API-Key": "x" * 43}, "192.0.2.7", 403),
    ],
)
def test_who_gets_the_details_without_a_key(client, ada, headers, address, status):
    response = client.get("/healthz?detail", headers=headers, REMOTE_ADDR=address)
    assert response.status_code == status
    assert ("mail_queue" in response.json()) is (status == 200)


@pytest.mark.parametrize(("who", "status"), [("ada", 200), ("wally", 200), ("dora", 403), ("stan", 403), ("olga", 403)])
def test_whose_key_gets_the_details(client, cast, who, status):
    response = keyed(client, cast[who])
    assert response.status_code == status
    assert ("database" in response.json()) is (status == 200)


def test_the_details(client, settings):
    EmailMessage("One", "", to=["a@x.org", "b@x.org"]).send()
    now = timezone.now()
    QueuedEmail.objects.filter(to="b@x.org").update(given_up_at=now)
    settings.SITE_URL = ""
    with pytest.raises(CommandError):
        call_command("send_mail_queue")
    call_command("check_counts")
    found = client.get("/healthz?detail").json()
    assert (found["ok"], found["problems"], found["migrations"], found["standbys"]) == (True, [], {"missing": []}, {})
    assert found["mail_queue"] == {"waiting": 0, "oldest_waiting": None, "given_up": 1}
    assert found["commands"]["check_counts"]["error"] == ""
    assert found["commands"]["send_mail_queue"]["error"].startswith("SITE_URL isn't set")
    assert set(found["commands"]["check_counts"]) == {"began_at", "ended_at", "error"}
    assert found["database"]["kind"] in ("sqlite", "postgresql")
    assert ("free_bytes" in found["database"]) is (found["database"]["kind"] == "sqlite")


def test_a_command_that_runs_or_was_killed_has_no_end(monkeypatch):
    seen = []
    from workitems.management.commands import check_counts

    monkeypatch.setattr(
        check_counts.Command, "handle", lambda self, **options: seen.append(CommandRun.objects.get(pk="check_counts"))
    )
    before = timezone.now()
    call_command("check_counts")
    [during] = seen
    assert (during.ended_at, during.began_at >= before) == (None, True)
    after = CommandRun.objects.get(pk="check_counts")
    assert after.began_at == during.began_at
    assert after.ended_at - after.began_at < timedelta(minutes=5)
