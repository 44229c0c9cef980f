from django.core.management.base import CommandError
from django.db import connection

from pharos.operations.recording import RecordedCommand
from workitems import counts


class Command(RecordedCommand):
    help = (
        "Compares the counts of the left column, which the database maintains, with the items themselves. "
        "You can run it at any time; it doesn't block writers."
    )

    def add_arguments(self, parser):
        parser.add_argument("--repair", action="store_true", help="correct the counts that are wrong")

    def handle(self, *args, repair, **options):
        if lost := counts.missing_triggers(connection):
            if not repair:
                raise CommandError(
                    f"The database doesn't maintain the counts because it lacks {', '.join(sorted(lost))}. Run this with --repair."
                )
            counts.install_triggers(connection)
            self.stdout.write(f"Reinstalled: {', '.join(sorted(lost))}.")
        self.stdout.write("Counting every item …")
        wrong = counts.find_differences()
        for cell, counted, stored in wrong:
            self.stderr.write(f"{' / '.join(map(str, cell))}: {counted} items, but the summary says {stored}.")
        if wrong and not repair:
            raise CommandError(
                f"{len(wrong)} of the counts {'is' if len(wrong) == 1 else 'are'} wrong. Run this with --repair to correct them."
            )
        if wrong:
            self.stdout.write(f"Corrected: {counts.repair_counts()} of the counts.")
        else:
            self.stdout.write("All counts are correct.")
