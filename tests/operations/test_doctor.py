"""`manage.py doctor`: each check says what is fine, or what to do."""

import shutil
import socket
from datetime import timedelta

import pytest
from django.core import checks
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from pharos.email_queue.models import QueuedEmail
from pharos.operations import doctor, health
from pharos.operations.models import CommandRun
from workitems.models import ItemCount

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_in_production(settings, monkeypatch):
    """Only what a test breaks is wrong."""
    settings.EMAIL_HOST = "127.0.0.1"
    monkeypatch.setattr(doctor.checks, "run_checks", lambda **options: [])
    CommandRun.objects.create(name="send_mail_queue", began_at=timezone.now(), ended_at=timezone.now())


def todo():
    """Returns {subject: what to do} of what is wrong."""
    return {one.subject: one.todo for one in doctor.examine() if one.todo}


def test_nothing_is_wrong(capsys):
    assert todo() == {}
    call_command("doctor")
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "All is well."
    assert {line.split()[0] for line in lines[:-1]} == {"ok"}
    subjects = [line.removeprefix("ok ").strip().partition(":")[0] for line in lines[:-1]]
    missing = {"settings", "database", *doctor.ON_THE_DATABASE} - {*subjects} - {"timers", "standbys"}
    assert missing == set()
    assert "send_mail_queue" in subjects


def test_a_problem_is_printed_with_what_to_do_and_fails(capsys):
    CommandRun.objects.all().delete()
    with pytest.raises(CommandError, match=r"^1 to do\.$") as caught:
        call_command("doctor")
    assert caught.value.returncode == 1
    assert "TO DO  send_mail_queue: has never run → Enable its timer" in capsys.readouterr().out


def test_messages_of_checks_are_shown(monkeypatch):
    found = [
        checks.Warning("no mail server", hint="Set EMAIL_HOST.", id="sample.W001"),
        checks.Info("nothing to do", id="sample.I001"),
    ]
    monkeypatch.setattr(doctor.checks, "run_checks", lambda **options: found if len(options) == 1 else [])
    assert todo() == {"settings": "Set EMAIL_HOST."}


def test_checks_of_deployment_and_of_the_database_are_run(monkeypatch):
    asked = []
    monkeypatch.setattr(doctor.checks, "run_checks", lambda **options: asked.append(options) or [])
    todo()
    assert asked == [
        {"include_deployment_checks": True},
        {"tags": [checks.Tags.database], "databases": ["default"]},
    ]


def test_without_the_database_nothing_else_is_asked(monkeypatch):
    def away():
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "ensure_connection", away)
    assert [one.subject for one in doctor.examine()] == ["settings", "database"]
    assert todo() == {"database": "Start the database, or correct DATABASE_URL."}


def test_a_database_that_is_not_migrated(monkeypatch):
    monkeypatch.setattr(health, "find_problems", lambda: ["The database isn't migrated: 2 migrations are missing."])
    assert todo() == {"service": "Run manage.py migrate."}


def test_a_check_that_the_database_fails_does_not_end_the_report(monkeypatch):
    def fail():
        raise OperationalError("no such table")
        yield

    monkeypatch.setitem(doctor.ON_THE_DATABASE, "timers", fail)
    assert todo() == {"timers": "Solve the problems above first."}


def test_static_files_that_are_not_collected(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    assert todo()["static files"] == "Run manage.py collectstatic."


def test_a_mail_server_that_is_away(settings, unused_port):
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = unused_port
    assert todo()["mail server"].startswith("Check EMAIL_HOST")


@pytest.fixture
def unused_port():
    """A port that is taken, and not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def queue(**values):
    QueuedEmail.objects.create(to="a@example.org", sender="b@example.org", **values)


def test_emails_that_wait_too_long():
    queue(created_at=timezone.now() - timedelta(hours=1))
    assert todo() == {}
    queue(created_at=timezone.now() - timedelta(hours=3), last_error="451 later")
    assert todo() == {"email queue": "Run send_mail_queue every minute."}
    assert any("451 later" in one.state for one in doctor.examine())


def test_emails_given_up_lately():
    queue(given_up_at=timezone.now() - timedelta(days=2))
    assert todo() == {}
    queue(given_up_at=timezone.now())
    assert "admin site" in todo()["email queue"]


def test_a_timer_that_has_stopped():
    CommandRun.objects.update(began_at=timezone.now() - timedelta(minutes=11))
    assert "list-timers" in todo()["send_mail_queue"]


def test_the_queue_of_workers_needs_its_timer_only_if_there_is_one(settings):
    settings.WORKITEM_QUEUE_URL = "http://127.0.0.1:4151"
    assert todo() == {"push_requeued": "Enable its timer (deploy/systemd)."}


def test_a_command_that_failed():
    CommandRun.objects.create(name="archive_history", began_at=timezone.now(), error="disk full")
    assert todo() == {"archive_history": "Run manage.py archive_history again once that is solved."}


@pytest.mark.parametrize(("lag", "said"), [(None, "See docs/scaling.md."), (1 << 30, "Look for slow disks")])
def test_standbys(monkeypatch, lag, said):
    monkeypatch.setattr(doctor, "measure_lag", lambda: {"standby1": lag, "standby2": 0})
    assert [*todo()] == ["standby1"]
    assert todo()["standby1"].startswith(said)


def test_counts_that_are_wrong(item):
    ItemCount.objects.create(
        institution_id=item.institution_id, action="Ingest", stage="Store", status="Failed", reviewed=False, retry=False, number=7
    )  # fmt: skip
    assert todo()["counts"] == "Run manage.py check_counts --repair."


def test_a_disk_that_is_nearly_full(monkeypatch):
    full = shutil._ntuple_diskusage(total=100 << 30, used=96 << 30, free=4 << 30)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: full)
    assert todo()["disk"].startswith("Make room in ")
