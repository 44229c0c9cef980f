import json
import os
import time
from contextlib import ExitStack
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from pharos.accounts.models import User
from pharos.accounts.roles import Role
from workitems.demo import create_service, service_email
from workitems.simulation import Address, DatabaseActor, Event, Simulation, UnexpectedReply, Unreachable, run_workers

NO_SERVICE_ACCOUNT = """There is no service account to act as. Create one first: on the admin site, under People, add a user with the role
"Service account", or give an existing user this role and activate it."""
DEBUG_IS_OFF = """`simulate` makes up what happens to items, so it runs only with DEBUG on. Set DEBUG=true, and set DATABASE_URL to a
database without real items."""
OTHER_MACHINE = """{} is another machine. `simulate` makes up what happens to items, so it only uses a server on this machine. If the items on
the other one aren't real, add --elsewhere."""
NO_KEY = """Set PHAROS_API_KEY to the key of a service account, or use --key, which other users of this machine can see in the list of
processes. `manage.py create_api_key EMAIL` creates a key."""
KEY_VARIABLE = "PHAROS_API_KEY"
ONLY_WITH_API = ("key", "user", "workers", "elsewhere", "journal")


def get_service_account() -> User:
    """Returns the service account that the simulated workers use. Raises CommandError if there is no active one."""
    workers = User.objects.filter(role=Role.WORKER, is_active=True).select_related("institution")
    found = workers.filter(email=service_email()).first() or workers.order_by("pk").first()
    if found:
        return found
    if User.objects.filter(email=service_email()).exists():
        raise CommandError(NO_SERVICE_ACCOUNT)
    return create_service()


def parse_address(url: str, *, elsewhere: bool) -> Address:
    """Returns the server's address. Raises CommandError if it isn't allowed."""
    try:
        found = Address.parse(url)
    except ValueError as error:
        raise CommandError(str(error)) from None
    if not found.is_on_this_machine and not elsewhere:
        raise CommandError(OTHER_MACHINE.format(found.host))
    return found


class Command(BaseCommand):
    help = (
        "Simulates the workers on the open items until stopped with Ctrl-C, so that you can watch items move: in this database "
        "(DEBUG only), or with --api through a running server."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--every", type=float, default=1.0, metavar="SECONDS", help="time between steps (default 1)"
        )
        parser.add_argument("--steps", type=int, metavar="N", help="stop after N steps (with --api: of each worker)")
        parser.add_argument("--seconds", type=float, metavar="S", help="stop after S seconds")
        parser.add_argument("--seed", type=int, metavar="N", help="the same seed on the same items gives the same run")
        api = parser.add_argument_group("through a server")
        api.add_argument(
            "--api", metavar="URL", help="the server, such as http://127.0.0.1:8000; no database is needed"
        )
        api.add_argument("--key", help=f"the key of a service account; safer in the environment, as {KEY_VARIABLE}")
        api.add_argument("--user", metavar="EMAIL", help=f"the owner of that key (default {service_email()})")
        api.add_argument("--workers", type=int, metavar="N", help="how many run at once (default 1)")
        api.add_argument("--elsewhere", action="store_true", help="allow a server on another machine")
        api.add_argument(
            "--journal",
            type=Path,
            metavar="FILE",
            help="append every save the server accepted, one JSON object per line",
        )

    def handle(self, *args, every, steps, seconds, api, **options):
        if every < 0 or (steps is not None and steps < 1) or (seconds is not None and seconds <= 0):
            raise CommandError("--every must be at least 0, --steps at least 1, and --seconds more than 0.")
        bounds = {"every": every, "steps": steps, "seconds": seconds, "seed": options["seed"]}
        if api:
            self._run_with_api(api, bounds, options)
        elif given := [f"--{name}" for name in ONLY_WITH_API if options.get(name)]:
            raise CommandError(f"{', '.join(given)}: use only together with --api.")
        else:
            self._run_in_database(**bounds)

    def _say(self, done: Event) -> None:
        self.stdout.write(f"{time.strftime('%H:%M:%S')} {done.line}")
        self.stdout.flush()

    def _run_in_database(self, every, steps, seconds, seed) -> None:
        if not settings.DEBUG:
            raise CommandError(DEBUG_IS_OFF)
        simulation = Simulation(DatabaseActor(get_service_account()), seed=seed)
        began = time.monotonic()
        changes = taken = 0
        try:
            while (steps is None or taken < steps) and (seconds is None or time.monotonic() - began < seconds):
                if taken:
                    time.sleep(every)
                for done in simulation.step():
                    changes += done.changed
                    self._say(done)
                taken += 1
        except KeyboardInterrupt:
            self.stdout.write("")
        self.stdout.write(f"Stopped after {changes} changes.")

    def _run_with_api(self, url, bounds, options) -> None:
        server = parse_address(url, elsewhere=options.get("elsewhere"))
        user, workers = options.get("user") or service_email(), options.get("workers")
        key = options.get("key") or os.environ.get(KEY_VARIABLE, "")
        if workers is not None and not 1 <= workers <= 200:
            raise CommandError("--workers must be a number from 1 to 200.")
        if not key:
            raise CommandError(NO_KEY)
        try:
            user.encode("ascii"), key.encode("ascii")
        except UnicodeEncodeError:
            raise CommandError(
                "The key and the email are sent as headers, which can only contain ASCII characters."
            ) from None
        with ExitStack() as stack:
            report = self._say
            if options.get("journal"):
                journal = stack.enter_context(options["journal"].open("a"))

                def report(done: Event) -> None:
                    self._say(done)
                    if done.save:
                        journal.write(json.dumps({"sent": done.save.sent, "reply": done.save.reply}) + "\n")

            try:
                result = run_workers(server, user, key, report, workers=workers or 1, **bounds)
            except (UnexpectedReply, Unreachable) as error:
                raise CommandError(str(error)) from error
        self.stdout.write(f"Stopped: {result}.")
