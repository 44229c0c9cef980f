"""`manage.py import_workitems FILE…`: a command-line interface to `workitems.import_export`."""

import sys

from django.core.management.base import BaseCommand, CommandError

from workitems import import_export
from workitems.import_export import summary_lines


class Command(BaseCommand):
    help = (
        "Imports work items: Pharos' API as JSON (a list reply, an array, or one object a line), a CSV dump of Registry's "
        "work_items, or a file of export_workitems. Run again, it changes nothing that is the same. Exit status: 0 all rows "
        "are in, 1 some are not."
    )

    def add_arguments(self, parser):
        parser.add_argument("files", nargs="+", metavar="FILE", help="what to import; - is standard input")
        parser.add_argument(
            "--format", choices=import_export.FORMATS, help="insist on this format (else told by the content)"
        )
        parser.add_argument(
            "--institution-map",
            metavar="INSTITUTIONS.csv",
            help="Registry's institutions (id, name, identifier); by default institutions.csv beside the file",
        )
        parser.add_argument(
            "--rejects",
            metavar="FILE",
            help="where the rows go that cannot go in (default: NAME.rejects.csv beside NAME)",
        )

    def handle(self, *, files, format, institution_map, rejects, **options):
        try:
            summary = import_export.import_files(files, format=format, institution_map=institution_map, rejects=rejects)
        except import_export.UnreadableFile as error:
            raise CommandError(str(error)) from error
        except import_export.ImportStopped as error:
            self.tell(error.summary)
            raise CommandError(f"{error} What is counted above is in; the same command goes on from there.") from error
        self.tell(summary)
        if summary.is_interrupted:
            sys.exit(130)
        if not summary.is_whole:
            sys.exit(1)

    def tell(self, summary):
        for sentence in summary_lines(summary):
            self.stdout.write(sentence)
