"""`manage.py export_workitems [FILE]`: a command-line interface to `workitems.import_export`."""

import contextlib
import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from workitems.import_export import NOT_EXPORTED, IncompleteHistory, export_lines, write_export
from workitems.models import WorkItem

from ..closed_pipe import quiet_when_closed


class Command(BaseCommand):
    help = (
        "Writes every institution and item, with the items' history and worker states, as JSON lines that "
        f"import_workitems reads. Not in the file: {NOT_EXPORTED}."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "file", nargs="?", default="-", metavar="FILE", help="where to write (default: standard output)"
        )

    def handle(self, *, file, **options):
        total = WorkItem.objects.count()
        with (
            quiet_when_closed(),
            tqdm(total=total, unit=" items", unit_scale=True, disable=None, file=sys.stderr) as bar,
            contextlib.closing(export_lines(bar.update)) as pieces,
        ):
            try:
                if file == "-":
                    for piece in pieces:
                        self.stdout.write(piece, ending="")
                else:
                    write_export(Path(file), pieces)
            except BrokenPipeError:
                raise
            except OSError as error:
                raise CommandError(f"{file} can't be written: {error.strerror or error}.") from error
            except IncompleteHistory as error:
                raise CommandError(str(error)) from error
            except KeyboardInterrupt:
                sys.exit(130)
        self.stderr.write(f"Not in the file: {NOT_EXPORTED}.", self.style.NOTICE)
