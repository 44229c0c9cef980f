import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from pharos.accounts.models import User
from pharos.accounts.roles import Role
from workitems.demo.cast import make_service, service_email
from workitems.simulating import Hands, Simulation

NOBODY = """There is no service account to act as. Make one first: on the admin site, under People, add somebody with the role
"Service account", or give the one that is there this role and switch it on."""
NOT_HERE = """`simulate` invents what happens to items, so it runs only where DEBUG is true. Set DEBUG=true, and DATABASE_URL to a
database with nothing in it that counts."""


def service() -> User:
    """The account in whose name the workers act."""
    workers = User.objects.filter(role=Role.WORKER, is_active=True).select_related("institution")
    found = workers.filter(email=service_email()).first() or workers.order_by("pk").first()
    if found:
        return found
    if User.objects.filter(email=service_email()).exists():
        raise CommandError(NOBODY)
    return make_service()


class Command(BaseCommand):
    help = "Plays the workers on the open items until stopped with Ctrl-C, so that one sees items move (DEBUG only)."

    def add_arguments(self, parser):
        parser.add_argument(
            "--every", type=float, default=1.0, metavar="SECONDS", help="time between steps (default 1)"
        )
        parser.add_argument("--steps", type=int, metavar="N", help="stop after N steps")
        parser.add_argument("--seed", type=int, metavar="N", help="the same seed on the same items does the same")

    def handle(self, *args, every, steps, seed, **options):
        if not settings.DEBUG:
            raise CommandError(NOT_HERE)
        if every < 0 or (steps is not None and steps < 1):
            raise CommandError("--every takes 0 or more seconds, --steps 1 or more.")
        simulation = Simulation(Hands(service()), seed=seed)
        changes = taken = 0
        try:
            while steps is None or taken < steps:
                if taken:
                    time.sleep(every)
                for done in simulation.step():
                    changes += done.changed
                    self.stdout.write(f"{time.strftime('%H:%M:%S')} {done.line}")
                self.stdout.flush()
                taken += 1
        except KeyboardInterrupt:
            self.stdout.write("")
        self.stdout.write(f"Stopped after {changes} changes.")
