from django.utils import timezone
from tqdm import tqdm

from pharos.operations.recording import RecordedCommand
from workitems import durations
from workitems.failures import backfill_failures, rework_causes
from workitems.models import WorkItem


class Command(RecordedCommand):
    help = (
        "Recalculates how long stages take and how many items finish per day, from the histories of the last three months, "
        "and why items failed, from their notes. Needed after rows were written outside Pharos, and after an upgrade whose "
        "notes say so. You can run it at any time."
    )

    def handle(self, *args, **options):
        steps = (
            ("open items", durations.backfill_stage_entered_at),
            ("closed items", durations.backfill_finished_at),
            ("histories", lambda progress: durations.rebuild_durations(timezone.now(), progress=progress)),
            ("unrecorded failures", lambda progress: backfill_failures(WorkItem.objects.all(), progress=progress)),
            ("failures", lambda progress: rework_causes(progress=progress)),
        )
        for name, step in steps:
            with tqdm(desc=name, unit=" items", unit_scale=True, disable=None, file=self.stderr) as bar:
                number = step(progress=lambda items, bar=bar: bar.update(items - bar.n))
            self.stdout.write(f"{number:,} {name} read.")
