"""Loads the demo's stories into an empty database: all of them or, if interrupted, none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from tqdm import tqdm

from pharos.accounts.models import User
from pharos.accounts.roles import Role
from workitems import transitions
from workitems.lifecycle import TransitionRequest
from workitems.models import Reach, WorkItem
from workitems.saved_views import save_view
from workitems.vocabulary import Action

from .cast import Cast, create_cast, service_email
from .plot import Plot
from .story import ADMIN, STAFF, Story

COUNT = 3000
SEED = 19030207


class DemoRefused(Exception):
    """No demo was loaded. The message says why and what to do."""


@dataclass(frozen=True)
class Loaded:
    items: int
    people: int


def load_demo(*, count: int = COUNT, now: datetime | None = None, seed: int = SEED, quiet: bool = False) -> Loaded:
    """Loads a demo whose two years end at `now`. Raises DemoRefused if DEBUG is off or the database isn't empty."""
    _check_allowed()
    now = now or timezone.now()
    stories = Plot(count=count, now=now, seed=seed).write_stories()
    with transaction.atomic():
        cast = create_cast()
        _play_stories(stories, cast, now, quiet)
        _save_views(cast)
        return Loaded(WorkItem.objects.count(), User.objects.count())


def is_empty() -> bool:
    """Returns whether there are no items and no people."""
    return not WorkItem.objects.exists() and not _people().exists()


def _people() -> QuerySet[User]:
    """Returns everyone except the service account, which `simulate` creates automatically."""
    return User.objects.exclude(email=service_email(), role=Role.WORKER)


# (name, query): saved by the consortium for everyone, and by each member's staff for their institution.
_CONSORTIUM_VIEWS = [("Restorations", "item_action=Restore&item_action=Glacier+Restore&sort=updated")]
_STAFF_VIEWS = [("Failures to review", "status=Failed&reviewed=false"), ("Larger than 100 GB", "size_min=100+GB")]


def _save_views(cast: Cast) -> None:
    for name, query in _CONSORTIUM_VIEWS:
        save_view(cast.admin, name=name, query=query, reach=Reach.EVERYBODY)
    for staff in cast.staff.values():
        for name, query in _STAFF_VIEWS:
            save_view(staff, name=name, query=query, reach=Reach.INSTITUTION)


def _check_allowed() -> None:
    if not settings.DEBUG:
        raise DemoRefused(
            "The demo's password is public, so the demo is loaded only with DEBUG=true, and never next to real items."
        )
    items = WorkItem.objects.count()
    people = _people().count()
    if items or people:
        raise DemoRefused(
            f"This database holds {items:,} items and {people:,} users. The demo is loaded only into an empty database, so that "
            "it never mixes with real data. Set DATABASE_URL to another database, or move the database file."
        )


@contextmanager
def _fast_loading() -> Iterator[None]:
    """Turns off Django's query log under DEBUG, and the garbage collection of the stories, which saves a tenth of the time."""
    gc.freeze()
    connection.make_debug_cursor = connection.make_cursor  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del connection.make_debug_cursor
        gc.unfreeze()


def steps_before(now: datetime, stories: list[Story]) -> list[tuple[datetime, str, str, int, int]]:
    """Returns the steps up to now in order, as (when, move, domain, index of the story, index of the step)."""
    return sorted(
        (step.at, step.move, story.bag.domain, which, nth)
        for which, story in enumerate(stories)
        for nth, step in enumerate(story.steps)
        if step.at <= now
    )


def _play_stories(stories: list[Story], cast: Cast, now: datetime, quiet: bool) -> None:
    """Makes every step of every story in chronological order, so that ids and related items are realistic."""
    steps = steps_before(now, stories)
    items: dict[int, WorkItem] = {}
    shown = tqdm(total=len(steps), desc="Loading the demo", unit=" steps", leave=False, disable=True if quiet else None)
    with shown, _fast_loading():
        for (at, move, domain), together in groupby(steps, key=itemgetter(0, 1, 2)):
            group = [(which, nth) for _at, _move, _domain, which, nth in together]
            # Staff review many at once, an admin one damaged copy.
            if move == "review" and stories[group[0][0]].steps[group[0][1]].who == STAFF:
                _review([items.pop(which) for which, _nth in group], _actor(STAFF, domain, cast), at, which=group[0][0])
            else:
                for which, nth in group:
                    _play_step(items, which, stories[which], nth, cast)
            shown.update(len(group))


def _play_step(items: dict[int, WorkItem], which: int, story: Story, nth: int, cast: Cast) -> None:
    step = story.steps[nth]
    if nth == 0:
        items[which] = _create_item(story, cast)
        return
    via = "page" if step.who == ADMIN else "api"
    verb = getattr(transitions, step.move)
    verb(items[which], by=_actor(step.who, story.bag.domain, cast), via=via, at=step.at, **step.values)


def _actor(who: str, domain: str, cast: Cast) -> User:
    # The consortium's admin reviews the items of institutions without staff.
    return {STAFF: cast.staff.get(domain, cast.admin), ADMIN: cast.admin}.get(who, cast.service)


def _review(items: list[WorkItem], by: User, at: datetime, *, which: int) -> None:
    """Marks the items as reviewed in one bulk change, like a person who marks a page of rows."""
    results = transitions.apply(
        "review", [item.pk for item in items], TransitionRequest(), by=by, via="page", at=at, act=UUID(int=which + 1)
    )
    if refused := next((result.refused for result in results if result.refused), None):
        raise refused


def _create_item(story: Story, cast: Cast) -> WorkItem:
    bag, first = story.bag, story.steps[0]
    purpose = "receiving" if story.action == Action.INGEST else "restore"
    return transitions.create(
        by=cast.service,
        at=first.at,
        action=story.action,
        institution=cast.institutions[bag.domain],
        name=bag.name,
        etag=bag.etag,
        size=bag.size,
        bucket=f"aptrust.{purpose}.{bag.domain}",
        **first.values,
    )
