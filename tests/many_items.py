"""Many items for tests of lists: rows with their first history entries, inserted without `transitions`."""

import random
from datetime import UTC, datetime, timedelta

from workitems.lifecycle import PATHS, phase_of
from workitems.models import HistoryEntry, WorkItem
from workitems.vocabulary import Action, Status

SOME_DAY = datetime(2026, 3, 8, 12, tzinfo=UTC)
NAMES = ("Ünïcödé & “quotes”", "plain", "100%_sure", "back\\slash", "ÄRGER straße")


def make_items(number, institutions, *, seed=1, numbers=None, **fixed):
    """Creates random items of the institutions, in all combinations of words, with many equal dates. Returns them.

    Most of them have `stage_entered_at`, including closed ones, as after transitions. `numbers`: their ids, in order, instead of
    those that the database assigns.
    """
    draw, draw_since = random.Random(seed), random.Random(seed)
    items = []
    for n in range(number):
        action = draw.choice(list(Action))
        status = draw.choice(list(Status))
        retry = draw.random() < 0.5
        values = {
            "name": f"{draw.choice(NAMES)}-{n % 40}.tar",
            "etag": f"{draw.randrange(5):032x}",
            "bucket": draw.choice(["aptrust.receiving.a", "aptrust.receiving.b"]),
            "user": draw.choice(["", "kim@virginia.edu"]),
            "institution": draw.choice(institutions),
            "action": action,
            "stage": draw.choice(PATHS[action]),
            "status": status,
            "retry": retry,
            "reviewed": phase_of(status, retry=retry) == "closed" and draw.random() < 0.5,
            "needs_admin_review": draw.random() < 0.1,
            "date": SOME_DAY - timedelta(hours=draw.randrange(60)),
            "size": draw.choice([None, 266_240, 90_700_000, 5 * 10**12]),
            "stage_entered_at": draw_since.choice([None, *(SOME_DAY + timedelta(hours=hour) for hour in range(5))]),
            "object_identifier": draw.choice(["", f"virginia.edu/objekt-{n % 7}"]),
            **fixed,
        }
        items.append(
            WorkItem(pk=numbers and numbers[n], created_at=values["date"], updated_at=values["date"], **values)
        )
    made = WorkItem.objects.bulk_create(items)
    HistoryEntry.objects.bulk_create(
        HistoryEntry(
            item=item,
            number=1,
            at=item.date,
            who="import",
            via="import",
            move="import",
            stage_after=item.stage,
            status_after=item.status,
        )
        for item in made
    )
    return made
