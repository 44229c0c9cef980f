"""`manage.py archive_history --before DATE`: a command-line interface to `workitems.audit_log`."""

import sys
from datetime import UTC, datetime

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date
from tqdm import tqdm

from pharos.operations.recording import RecordedCommand
from workitems import audit_log


class Command(RecordedCommand):
    help = (
        "Moves the histories of closed items that haven't changed since DATE into the archive. Items and pages stay the same. "
        "If interrupted, it keeps what it has moved; run the same command to continue."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--before", required=True, metavar="DATE", help="such as 2024-01-01 (midnight UTC), at least a year ago"
        )

    def handle(self, *, before, **options):
        moved, is_interrupted = audit_log.ArchiveResult(), False
        with tqdm(total=audit_log.last_item_id(), unit=" items", unit_scale=True, disable=None, file=sys.stderr) as bar:
            try:
                audit_log.archive_histories(parse_day(before), now=timezone.now(), moved=moved, advance=bar.update)
            except audit_log.TooRecent as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                is_interrupted = True
        self.stdout.write(f"Archived: {moved.entries:,} entries of {moved.items:,} items.")
        if moved.busy:
            self.stdout.write(f"Left for the next run because they were being changed: {moved.busy:,} items.")
        if is_interrupted:
            self.stdout.write("Interrupted. Run the same command to continue.")
            sys.exit(130)


def parse_day(text):
    """The start of that day in UTC. Raises CommandError."""
    try:
        found = parse_date(text)
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"--before is {text!r}. Use a date such as 2024-01-01.")
    return datetime(found.year, found.month, found.day, tzinfo=UTC)
