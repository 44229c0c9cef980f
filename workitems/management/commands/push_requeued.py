"""`manage.py push_requeued`: a command-line interface to `workitems.work_queue`. Run it every minute."""

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from pharos.operations.recording import RecordedCommand
from workitems import work_queue


class Command(RecordedCommand):
    help = (
        "Pushes the requeued items that the workers' queue hasn't accepted yet, for example because it was away. Run it "
        "every minute, with cron or a timer. Two runs at once push each item only once."
    )

    def handle(self, *args, **options):
        if not settings.WORKITEM_QUEUE_URL:
            raise CommandError("WORKITEM_QUEUE_URL is not set, so nothing is pushed into a queue.")
        done = work_queue.deliver_due(timezone.now())
        self.stdout.write(f"Pushed: {done.pushed}; no longer waiting: {done.dropped}; failed: {done.failed}.")
        if done.failed:
            reasons = "; ".join(done.problems)
            raise CommandError(f"{done.failed} couldn't be pushed ({reasons}). The next run tries again.")
