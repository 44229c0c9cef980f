"""`manage.py send_digests`: a command-line interface to `workitems.mailing`. Run it every few minutes."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from workitems import mailing
from workitems.mailing import send_due


class Command(BaseCommand):
    help = (
        "Sends the mails that people have asked for: that an item is done, and saved views, daily or weekly. Run it every few "
        "minutes, by cron or a timer. Two runs at once send each mail once, and what a run has left unsent, the next one sends."
    )

    def handle(self, *args, **options):
        if not settings.SITE_URL:
            raise CommandError("SITE_URL is not set; mails need it for their links: https://pharos.example.org")
        found = send_due(timezone.now())
        self.stdout.write(f"Sent {found.sent}; nothing to tell: {found.empty}; failed: {found.failed + found.broken}.")
        problems = []
        if found.failed:
            given_up = " It was given up for now." if found.failed >= mailing.MAX_FAILURES_IN_A_ROW else ""
            problems.append(f"The mail server did not take {found.failed}; the next run tries again.{given_up}")
        if found.broken:
            problems.append(f"{found.broken} could not be written, for the reason in the log; a later run tries again.")
        if problems:
            raise CommandError(" ".join(problems))
