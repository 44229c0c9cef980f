from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from workitems import search


class Command(BaseCommand):
    help = "Builds the index of the search on PostgreSQL, once the extension pg_trgm may be used. Nobody who writes has to wait."

    def handle(self, *args, **options):
        if connection.vendor != "postgresql":
            raise CommandError("This is for PostgreSQL; SQLite has no index of this kind.")
        self.stdout.write("Building the index of the search …")
        if not search.build_index(connection):
            raise CommandError(
                "The extension pg_trgm is not to be had for this account. Let the database's owner run "
                "CREATE EXTENSION pg_trgm; on Debian it comes with the package postgresql-contrib."
            )
        self.stdout.write("The search has its index.")
