import os
import socket
import sys

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from workitems.demo import DOMAINS_WITH_ACCOUNTS, admin_email, is_empty, load_demo, sign_in_accounts

HOST = "127.0.0.1"


def manage_command() -> str:
    """Returns the command that runs manage.py in another terminal, which has a different environment."""
    same = "DATABASE_URL=… " if os.environ.get("DATABASE_URL") else ""
    return f"DEBUG=true {same}.venv/bin/python manage.py"


def parse_free_port(text: str) -> int:
    """Returns the port if it is valid and free. Raises CommandError."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise CommandError(f"PORT is {text!r}. Use a number from 1 to 65535, as in: make run PORT=8001")
    port = int(text)
    with socket.socket() as probe:
        # Like the server: a port whose last connections are still closing counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            other = port + 1 if port < 65535 else 8000
            reason = "requires other permissions" if isinstance(error, PermissionError) else "is already in use"
            raise CommandError(f"Port {port} {reason}. Use another one: make run PORT={other}") from error
    return port


def describe_database() -> str:
    """Returns the location of the database, without a password."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"the file {values['NAME']}"
    return f"the database {values['NAME']} on {values['HOST'] or 'this machine'}"


def describe_accounts() -> str:
    """Returns the accounts that can sign in, in one line."""
    if not sign_in_accounts():
        return f"those in this database; to add an admin: {manage_command()} createsuperuser"
    return f"depositor@ and staff@ {', '.join(DOMAINS_WITH_ACCOUNTS)}; {admin_email()}; password for all: {settings.DEMO_PASSWORD}"


def welcome_lines(port: int) -> list[str]:
    return [
        f"Open      http://{HOST}:{port}/",
        f"Accounts  {describe_accounts()}",
        f"Data      stays in {describe_database()}; `make run` picks it up again",
        f"Activity  in another terminal: {manage_command()} simulate",
        "Stop      press Ctrl-C",
    ]


class Command(BaseCommand):
    help = "Does what `make run` needs: prepares the database, loads the demo into an empty one, and starts the server."
    requires_system_checks = []  # runserver runs them

    def handle(self, *args, **options):
        port = parse_free_port(os.environ.get("PORT", "8000"))
        try:
            self._prepare()
        except OperationalError as error:
            raise CommandError(
                f"The database can't be used ({describe_database()}): {error} Check DATABASE_URL."
            ) from error
        for line in welcome_lines(port):
            self.stdout.write(line)
        self.stdout.flush()
        self._serve(port)

    def _prepare(self) -> None:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            self._say(f"Preparing the database: {len(plan)} migrations …")
            call_command("migrate", verbosity=0, interactive=False)
        if settings.DEBUG and is_empty():
            self._say("Loading the demo: two years of items. This takes half a minute and happens only once …")
            try:
                load_demo()
            except KeyboardInterrupt:
                raise CommandError("Stopped. No demo data was kept; the next `make run` loads it.") from None

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _serve(self, port: int) -> None:
        """Replaces this process with the server, so that Ctrl-C stops it and nothing else keeps running."""
        connections.close_all()
        os.environ.setdefault("DJANGO_RUNSERVER_HIDE_WARNING", "true")
        manage = str(settings.BASE_DIR / "manage.py")
        os.execv(sys.executable, [sys.executable, manage, "runserver", f"{HOST}:{port}"])  # noqa: S606  no shell is involved
