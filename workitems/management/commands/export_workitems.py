"""`manage.py export_workitems [FILE]`: a shell around workitems.exporting."""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from workitems.import_export import NotWhole, export_lines, export_to
from workitems.models import WorkItem


class Command(BaseCommand):
    help = "Writes every institution and item, with the items' history, as JSON lines that import_workitems reads."

    def add_arguments(self, parser):
        parser.add_argument(
            "file", nargs="?", default="-", metavar="FILE", help="where to write (default: standard output)"
        )

    def handle(self, *, file, **options):
        total = WorkItem.objects.count()
        with tqdm(total=total, unit=" items", unit_scale=True, disable=None, file=sys.stderr) as bar:
            pieces = export_lines(bar.update)
            try:
                if file == "-":
                    for piece in pieces:
                        self.stdout.write(piece, ending="")
                else:
                    export_to(Path(file), pieces)
            except OSError as error:
                raise CommandError(f"{file} can't be written: {error.strerror or error}.") from error
            except NotWhole as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                sys.exit(130)
