"""Plays the demo's stories into an empty database: all of it or, if interrupted, nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from tqdm import tqdm

from pharos.accounts.models import User
from workitems.models import WorkItem

from .cast import MEMBERS, Cast, make_cast, service_email
from .plot import Plot
from .story import ADMIN, STAFF, Step, Story

COUNT = 3000
SEED = 19030207


class DemoRefused(Exception):
    """Why no demo was loaded, and what to do."""


@dataclass(frozen=True)
class Loaded:
    items: int
    people: int


def load_demo(*, count: int = COUNT, now: datetime | None = None, seed: int = SEED, quiet: bool = False) -> Loaded:
    """Makes the demo, its last two years ending `now`. Raises DemoRefused outside DEBUG and where there is something already."""
    _check()
    now = now or timezone.now()
    stories = Plot(count=count, now=now, seed=seed).tell()
    with transaction.atomic():
        _play(stories, make_cast(), now, quiet)
        return Loaded(WorkItem.objects.count(), User.objects.count())


def is_empty() -> bool:
    """Whether nobody has put anything in."""
    return not WorkItem.objects.exists() and not User.objects.exists()


def _check() -> None:
    if not settings.DEBUG:
        raise DemoRefused(
            "The demo's password is known to everybody, so it is loaded only with DEBUG=true, and never where real items are."
        )
    items = WorkItem.objects.count()
    people = User.objects.exclude(email=service_email()).count()
    if items or people:
        raise DemoRefused(
            f"This database holds {items:,} items and {people:,} people. The demo goes only into an empty one, so that it never "
            "mixes with what is real: name another in DATABASE_URL, or move the database file away."
        )


def _play(stories: list[Story], cast: Cast, now: datetime, quiet: bool) -> None:
    """Every step of every story in the order of time, so that ids and what each step finds are as they would have been."""
    steps = sorted(
        (step.at, which, nth)
        for which, story in enumerate(stories)
        for nth, step in enumerate(story.steps)
        if step.at <= now
    )
    items: dict[int, WorkItem] = {}
    for _at, which, nth in tqdm(steps, "Loading the demo", unit=" steps", disable=True if quiet else None, leave=False):
        story = stories[which]
        if nth == 0:
            items[which] = _create(story, cast)
        else:
            _move(items[which], story, story.steps[nth], cast)
            if nth + 1 == len(story.steps):
                del items[which]


def _create(story: Story, cast: Cast) -> WorkItem:
    bag, first = story.bag, story.steps[0]
    is_ingest = story.action == "Ingest"
    return WorkItem.objects.create_item(
        by=cast.service,
        at=first.at,
        action=story.action,
        institution=cast.institutions[bag.domain],
        name=bag.name,
        etag=bag.etag,
        size=bag.size,
        bucket=f"aptrust.{'receiving' if is_ingest else 'restore'}.{bag.domain}",
        **first.values,
    )


def _move(item: WorkItem, story: Story, step: Step, cast: Cast) -> None:
    by = {STAFF: cast.staff.get(story.bag.domain, cast.admin), ADMIN: cast.admin}.get(step.who, cast.service)
    via = "page" if step.who in (STAFF, ADMIN) else "api"
    getattr(item, step.move)(by=by, via=via, at=step.at, **step.values)
