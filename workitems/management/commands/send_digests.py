"""`manage.py send_digests`: a command-line interface to `workitems.mailing`. Run it every few minutes."""

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from workitems import mailing
from workitems.mailing import send_due


class Command(BaseCommand):
    help = (
        "Sends the emails that people have requested: notifications that an item is done, and saved views, daily or weekly. Run "
        "it every few minutes, with cron or a timer. Two runs at once send each email only once, and the next run sends what a "
        "run has left unsent."
    )

    def handle(self, *args, **options):
        if not settings.SITE_URL:
            raise CommandError(
                "SITE_URL is not set; emails need it for their links, for example https://pharos.example.org"
            )
        found = send_due(timezone.now())
        self.stdout.write(f"Sent: {found.sent}; nothing to send: {found.empty}; failed: {found.failed + found.broken}.")
        problems = []
        if found.failed:
            given_up = " This run has stopped trying." if found.failed >= mailing.MAX_FAILURES_IN_A_ROW else ""
            problems.append(f"The mail server didn't accept {found.failed}; the next run tries again.{given_up}")
        if found.broken:
            problems.append(
                f"{found.broken} couldn't be created (see the log for the reason); a later run tries again."
            )
        if problems:
            raise CommandError(" ".join(problems))
