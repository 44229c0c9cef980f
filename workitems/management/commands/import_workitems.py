"""`manage.py import_workitems FILE…`: a command-line interface to `workitems.import_export`."""

import sys

from django.core.management.base import BaseCommand, CommandError

from workitems import import_export
from workitems.import_export import summary_lines


class Command(BaseCommand):
    help = (
        "Imports work items: Pharos' API as JSON (a list reply, an array, or one object per line), a CSV dump of Registry's "
        "work_items, or a file of export_workitems. Running it again changes only what differs. Exit status: 0 if all rows "
        "were imported, 1 if some were not."
    )

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE", help="what to import; - is standard input")
        parser.add_argument(
            "--format", choices=import_export.FORMATS, help="require this format (default: detected from the content)"
        )
        parser.add_argument(
            "--institution-map",
            metavar="INSTITUTIONS.csv",
            help="Registry's institutions (id, name, identifier); default: institutions.csv next to the file",
        )
        parser.add_argument(
            "--rejects",
            metavar="FILE",
            help="where to write the rows that were rejected (default: NAME.rejects.csv next to NAME)",
        )

    def handle(self, *, files, format, institution_map, rejects, **options):
        try:
            summary = import_export.import_files(files, format=format, institution_map=institution_map, rejects=rejects)
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
        if not summary.is_whole:
            sys.exit(1)

    def print_summary(self, summary):
        for sentence in summary_lines(summary):
            self.stdout.write(sentence)
