from django.core.management.base import BaseCommand, CommandError

from workitems.demo import DemoRefused, load_demo


class Command(BaseCommand):
    help = "Loads the demo into an empty database: four institutions, people of every role, two years of items (DEBUG only)."

    def handle(self, *args, **options):
        try:
            loaded = load_demo()
        except DemoRefused as refused:
            raise CommandError(str(refused)) from refused
        except KeyboardInterrupt:
            raise CommandError("Stopped. Nothing of the demo was kept.") from None
        self.stdout.write(f"The demo is loaded: {loaded.items:,} items, {loaded.people} people.")
