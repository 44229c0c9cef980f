from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from tqdm import tqdm

from pharos.operations.backup import BackupFailed, back_up_sqlite


class Command(BaseCommand):
    help = (
        "Copies the SQLite database into a new file while the installation serves. The file is complete when it has its "
        "name. For PostgreSQL, use pg_dump or pg_basebackup (docs/operating.md)."
    )

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path, help="the file to create; an existing one is never replaced")

    def handle(self, *args, file: Path, **options):
        if connection.vendor != "sqlite":
            raise CommandError("This copies SQLite databases. Back up PostgreSQL with pg_dump or pg_basebackup.")
        try:
            with tqdm(unit="page", unit_scale=True, desc="Copying", disable=None) as bar:
                back_up_sqlite(
                    Path(connection.settings_dict["NAME"]), file, lambda done, total: _show(bar, done, total)
                )
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{file}: {file.stat().st_size:,} bytes, checked.")


def _show(bar: tqdm, done: int, total: int) -> None:
    bar.total = total
    bar.update(done - bar.n)
