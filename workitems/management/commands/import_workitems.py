"""`manage.py import_workitems FILE…`: a command-line interface to `workitems.import_export`."""

import sys

from django.core.management.base import BaseCommand, CommandError

from workitems import import_export
from workitems.import_export import summary_lines

from ..closed_pipe import quiet_when_closed


class Command(BaseCommand):
    help = (
        "Imports work items: Pharos' API as JSON (a list reply, an array, or one object per line), a CSV dump of Registry's "
        "work_items, a list saved as CSV, Django's dumpdata, or a file of export_workitems. Running it again changes only "
        "what differs. Exit status: 0 if all rows were imported, 1 if some were not."
    )

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE", help="what to import; - is standard input")
        parser.add_argument(
            "--format", choices=import_export.FORMATS, help="require this format (default: detected from the content)"
        )
        parser.add_argument(
            "--institution-map",
            metavar="INSTITUTIONS",
            help="the institutions (id, identifier, name) as CSV or JSON; default: institutions.csv next to the file",
        )
        parser.add_argument(
            "--rejects",
            metavar="FILE",
            help="where to write the rows that were rejected (default: NAME.rejects.csv next to NAME)",
        )
        parser.add_argument(
            "--backslashes",
            choices=import_export.BACKSLASHES,
            help="whether backslashes in the file are escapes or part of the text, if the command asks for it",
        )
        parser.add_argument(
            "--reject-damaged", action="store_true", help="reject rows with an etag that a spreadsheet has damaged"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what the import would do, and write nothing to the database"
        )

    def handle(self, *, files, format, institution_map, rejects, backslashes, reject_damaged, dry_run, **options):
        asked = {
            "format": format,
            "institution_map": institution_map,
            "rejects": rejects,
            "backslashes": backslashes,
            "reject_damaged": reject_damaged,
            "dry_run": dry_run,
        }
        try:
            summary = import_export.import_files(files, **asked)
        except import_export.UnreadableFile as error:
            raise CommandError(str(error)) from error
        except import_export.ImportStopped as error:
            self.print_summary(error.summary)
            raise CommandError(
                f"{error} The rows counted above were imported; run the same command to continue."
            ) from error
        self.print_summary(summary)
        if summary.is_interrupted:
            sys.exit(130)
        if not summary.is_complete:
            sys.exit(1)

    def print_summary(self, summary):
        try:
            with quiet_when_closed():
                for sentence in summary_lines(summary):
                    self.stdout.write(sentence)
        except OSError as error:
            done = "This was a dry run" if summary.is_dry_run else "The rows were imported"
            raise CommandError(f"{done}, but the summary can't be written: {error.strerror or error}.") from error
