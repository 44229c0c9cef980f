from django.core.management.base import BaseCommand

from pharos.operations.digest import digest_of_all, digest_tables


class Command(BaseCommand):
    help = (
        "Prints the number of rows and a digest of every table, and one digest of all. A restored database is complete if "
        "it has the same ones. Reads every row, at one moment, without blocking writers."
    )

    def handle(self, *args, **options):
        tables = []
        for one in digest_tables():
            self.stdout.write(f"{one.digest}  {one.rows:>12,}  {one.table}")
            tables.append(one)
        rows = sum(one.rows for one in tables)
        self.stdout.write(f"{digest_of_all(tables)}  {rows:>12,}  all tables")
