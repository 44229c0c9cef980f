from django.core.management.base import CommandError
from django.db import connection

from pharos.operations.recording import RecordedCommand
from workitems import search


class Command(RecordedCommand):
    help = "Builds the search index on PostgreSQL once the extension pg_trgm is available. It doesn't block writers."

    def handle(self, *args, **options):
        if connection.vendor != "postgresql":
            raise CommandError("This command is for PostgreSQL; SQLite has no such index.")
        self.stdout.write("Building the search index …")
        if not search.build_index(connection):
            raise CommandError(
                "This account can't install the extension pg_trgm. Ask the database's owner to run "
                "CREATE EXTENSION pg_trgm; on Debian it is in the package postgresql-contrib."
            )
        self.stdout.write("The search index is ready.")
