from django.core.management.base import BaseCommand, CommandError

from pharos.operations.doctor import examine


class Command(BaseCommand):
    help = (
        "Checks the whole installation: settings, database, migrations, static files, mail server, email queue, standbys, "
        "counts, and disks. Prints a line for each with what is fine or what to do. Counts every item. Exits with 1 if "
        "something is wrong."
    )
    requires_system_checks = []  # their results are part of the report

    def handle(self, *args, **options):
        problems = 0
        for finding in examine():
            problems += bool(finding.todo)
            mark = "TO DO" if finding.todo else "ok"
            self.stdout.write(f"{mark:<6} {finding.subject}: {finding.state}{finding.todo and f' → {finding.todo}'}")
            self.stdout.flush()
        if problems:
            raise CommandError(f"{problems} to do.")
        self.stdout.write("All is well.")
