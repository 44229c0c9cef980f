from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from workitems import counts


class Command(BaseCommand):
    help = (
        "Compares the numbers of the left column, which the database keeps, with the items themselves. "
        "May run at any time: nobody who writes has to wait."
    )

    def add_arguments(self, parser):
        parser.add_argument("--repair", action="store_true", help="make the numbers right where they are not")

    def handle(self, *args, repair, **options):
        if lost := counts.missing_triggers(connection):
            if not repair:
                raise CommandError(
                    f"The database does not keep the counts: it lacks {', '.join(sorted(lost))}. Run this with --repair."
                )
            counts.install_triggers(connection)
            self.stdout.write(f"Made anew: {', '.join(sorted(lost))}.")
        self.stdout.write("Counting every item …")
        wrong = counts.find_differences()
        for cell, counted, kept in wrong:
            self.stderr.write(f"{' / '.join(map(str, cell))}: {counted} items, but the summary says {kept}.")
        if wrong and not repair:
            raise CommandError(
                f"{len(wrong)} of the counts {'is' if len(wrong) == 1 else 'are'} wrong. Run this with --repair to make it right."
            )
        if wrong:
            self.stdout.write(f"Made right: {counts.repair_counts()} of the counts.")
        else:
            self.stdout.write("Every count is right.")
