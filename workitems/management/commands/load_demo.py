from django.core.management.base import BaseCommand, CommandError

from workitems.demo import DemoRefused, load_demo


class Command(BaseCommand):
    help = "Loads the demo into an empty database: four institutions, users in every role, and two years of items (DEBUG only)."

    def handle(self, *args, **options):
        try:
            loaded = load_demo()
        except DemoRefused as refused:
            raise CommandError(str(refused)) from refused
        except KeyboardInterrupt:
            raise CommandError("Stopped. No demo data was kept.") from None
        self.stdout.write(f"Loaded the demo: {loaded.items:,} items, {loaded.people} users.")
