"""`manage.py send_mail_queue`: a command-line interface to `workitems.mailing` and the email queue. Run it every minute."""

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from pharos.email_queue import immediate
from pharos.email_queue.models import QueuedEmail
from pharos.email_queue.sending import SendResult, send_queued
from pharos.operations.recording import RecordedCommand
from workitems.mailing import DueSummary, queue_all_due


class Command(RecordedCommand):
    help = (
        "Sends all email: notifications that an item is done, saved views, daily or weekly, and what couldn't be sent right "
        "away, such as links to set a password. Run it every minute, with cron or a timer. Two runs at once send each email "
        "only once, and the next run sends what a run has left unsent."
    )

    def handle(self, *args, **options):
        with immediate.paused():
            due = queue_all_due(timezone.now()) if settings.SITE_URL else DueSummary()
            result = send_queued(timezone.now())
        self.stdout.write(
            f"Sent: {result.sent}; nothing to send: {due.empty}; given up: {len(result.given_up)}; "
            f"waiting: {QueuedEmail.objects.waiting().count()}."
        )
        for email in result.given_up:
            self.stdout.write(f"Given up, to {email.to}, “{email.subject}”: {email.last_error}")
        if problems := " ".join(self.problems(due, result)):
            raise CommandError(problems)

    def problems(self, due: DueSummary, result: SendResult):
        if not settings.SITE_URL:
            yield (
                "SITE_URL isn't set, so notifications and views weren't sent; they need it for their links, for example "
                "https://pharos.example.org."
            )
        if due.broken:
            yield f"{due.broken} couldn't be created (see the log for the reason); the next run tries again."
        if result.stopped:
            yield f"The mail server didn't accept email: {result.stopped} A later run tries again."
