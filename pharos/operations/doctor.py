"""Checks an installation as a whole, for `manage.py doctor`: what is fine, and what to do about the rest."""

import shutil
import smtplib
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage
from django.core import checks
from django.core.mail import get_connection
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from pharos.email_queue.models import QueuedEmail
from pharos.replicas import FAILURES, measure_lag

from . import health
from .models import CommandRun

MIN_FREE = 1 << 30  # bytes
MIN_FREE_SHARE = 0.05
# Emails are sent right away, and every minute by the timer. One that the server postpones is tried again hourly.
OLDEST_EMAIL = timedelta(hours=2)
LONGEST_PAUSE = timedelta(minutes=10)  # of a command that runs every minute
MAX_LAG_BYTES = 64 << 20


class Finding(NamedTuple):
    """One line of the report. `todo` is empty if all is well."""

    subject: str
    state: str
    todo: str = ""


def examine() -> Iterator[Finding]:
    """Yields what each check finds, as soon as it is known."""
    yield from _settings()
    try:
        connection.ensure_connection()
    except FAILURES as error:
        yield Finding("database", _one_line(error), "Start the database, or correct DATABASE_URL.")
        return
    yield Finding("database", f"{connection.vendor} answers")
    for name, check in ON_THE_DATABASE.items():
        try:
            yield from check()
        except FAILURES as error:
            yield Finding(name, _one_line(error), "Solve the problems above first.")


def _settings() -> Iterator[Finding]:
    found = [
        message
        for message in checks.run_checks(include_deployment_checks=True)
        if message.is_serious(checks.WARNING) and not message.is_silenced()
    ]
    yield from _reported("settings", found)


def _database_setup() -> Iterator[Finding]:
    found = checks.run_checks(tags=[checks.Tags.database], databases=["default"])
    yield from _reported("database setup", [one for one in found if not one.is_silenced()])


def _reported(subject: str, messages: list[checks.CheckMessage]) -> Iterator[Finding]:
    for message in messages:
        yield Finding(subject, f"{message.msg} ({message.id})", message.hint or "See the message.")
    if not messages:
        yield Finding(subject, "no problems found")


def _service() -> Iterator[Finding]:
    """What `/healthz` says."""
    problems = health.find_problems()
    for problem in problems:
        yield Finding("service", problem, "Run manage.py migrate." if "migrat" in problem else "See the message.")
    if not problems:
        yield Finding("service", "the database is migrated and takes changes")


def _static_files() -> Iterator[Finding]:
    if not isinstance(staticfiles_storage, ManifestFilesMixin):
        yield Finding("static files", "served from their sources")
        return
    needed = {name.replace("\\", "/") for finder in get_finders() for name, _storage in finder.list([])}
    missing = sorted(needed - staticfiles_storage.hashed_files.keys())
    if missing:
        yield Finding(
            "static files", f"{len(missing)} not collected, such as {missing[0]}", "Run manage.py collectstatic."
        )
    else:
        yield Finding("static files", f"{len(needed)} collected")


def _mail_server() -> Iterator[Finding]:
    server = get_connection(settings.EMAIL_DELIVERY_BACKEND)
    try:
        server.open()
        server.close()
    except (OSError, smtplib.SMTPException) as error:
        yield Finding(
            "mail server", _one_line(error), "Check EMAIL_HOST and the other EMAIL settings, and that it runs."
        )
    else:
        yield Finding("mail server", "accepts our connection")


def _email_queue() -> Iterator[Finding]:
    now = timezone.now()
    waiting = QueuedEmail.objects.waiting().order_by("created_at")
    oldest = waiting.first()
    if oldest and now - oldest.created_at > OLDEST_EMAIL:
        since = oldest.created_at.isoformat(sep=" ", timespec="minutes")
        why = f"; last error: {oldest.last_error}" if oldest.last_error else ""
        yield Finding(
            "email queue",
            f"{waiting.count()} waiting, the oldest since {since}{why}",
            "Run send_mail_queue every minute.",
        )
    else:
        yield Finding("email queue", f"{waiting.count()} waiting")
    if refused := QueuedEmail.objects.given_up().filter(given_up_at__gt=now - timedelta(days=1)).count():
        yield Finding(
            "email queue", f"{refused} given up since yesterday", "Look at “Unsent emails” on the admin site."
        )


def _timers() -> Iterator[Finding]:
    runs = {run.name: run for run in CommandRun.objects.all()}
    for name in _commands_of_every_minute():
        run = runs.get(name)
        if run is None:
            yield Finding(name, "has never run", "Enable its timer (deploy/systemd).")
        elif timezone.now() - run.began_at > LONGEST_PAUSE:
            since = run.began_at.isoformat(sep=" ", timespec="minutes")
            yield Finding(name, f"last began at {since}", "Look for its timer: systemctl list-timers.")
        else:
            yield Finding(name, f"last began at {run.began_at.isoformat(sep=' ', timespec='seconds')}")
    for name, run in runs.items():
        if run.error:
            yield Finding(name, f"its last run failed: {run.error}", f"Run manage.py {name} again once that is solved.")


def _commands_of_every_minute() -> list[str]:
    return ["send_mail_queue", *(["push_requeued"] if settings.WORKITEM_QUEUE_URL else [])]


def _standbys() -> Iterator[Finding]:
    for name, lag in measure_lag().items():
        if lag is None:
            yield Finding(name, "doesn't answer, or is no standby of this database", "See docs/scaling.md.")
        elif lag > MAX_LAG_BYTES:
            yield Finding(name, f"{lag:,} bytes behind", "Look for slow disks, a slow network, or long queries there.")
        else:
            yield Finding(name, f"{lag:,} bytes behind")


def _counts() -> Iterator[Finding]:
    """By its name, because this package knows nothing about items."""
    said = StringIO()
    try:
        call_command("check_counts", stdout=said, stderr=said)
    except CommandError as error:
        yield Finding("counts", _one_line(error), "Run manage.py check_counts --repair.")
    else:
        yield Finding("counts", "all correct")


def _disks() -> Iterator[Finding]:
    places = {"temporary files": Path(tempfile.gettempdir())}
    if connection.vendor == "sqlite":
        places["database file"] = Path(connection.settings_dict["NAME"]).parent
    for what, path in places.items():
        disk = shutil.disk_usage(path)
        state = f"{disk.free / 1e9:,.1f} GB free of {disk.total / 1e9:,.1f} for the {what}"
        is_full = disk.free < max(MIN_FREE, MIN_FREE_SHARE * disk.total)
        yield Finding("disk", state, f"Make room in {path}." if is_full else "")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


ON_THE_DATABASE: dict[str, Callable[[], Iterator[Finding]]] = {
    "service": _service,
    "database setup": _database_setup,
    "static files": _static_files,
    "mail server": _mail_server,
    "email queue": _email_queue,
    "timers": _timers,
    "standbys": _standbys,
    "counts": _counts,
    "disk": _disks,
}
