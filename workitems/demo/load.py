"""Plays the demo's stories into an empty database: all of it or, if interrupted, nothing."""

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

from .cast import Cast, make_cast, service_email
from .plot import Plot
from .story import ADMIN, STAFF, Story

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
        cast = make_cast()
        _play(stories, cast, now, quiet)
        _save_views(cast)
        return Loaded(WorkItem.objects.count(), User.objects.count())


def is_empty() -> bool:
    """Whether nobody has put anything in."""
    return not WorkItem.objects.exists() and not _people().exists()


def _people() -> QuerySet[User]:
    """All but the service account, which `simulate` makes by itself."""
    return User.objects.exclude(email=service_email(), role=Role.WORKER)


# (name, query): saved by the consortium for everybody, and by each member's staff for their institution.
_OF_ALL = [("Restorations", "item_action=Restore&item_action=Glacier+Restore&sort=updated")]
_OF_STAFF = [("Failures to review", "status=Failed&reviewed=false"), ("Larger than 100 GB", "size_min=100+GB")]


def _save_views(cast: Cast) -> None:
    for name, query in _OF_ALL:
        save_view(cast.admin, name=name, query=query, reach=Reach.EVERYBODY)
    for staff in cast.staff.values():
        for name, query in _OF_STAFF:
            save_view(staff, name=name, query=query, reach=Reach.INSTITUTION)


def _check() -> None:
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
def _in_haste() -> Iterator[None]:
    """Without two things that together take a tenth of the time: under DEBUG, Django writes down each query with its values;
    and the collector looks through all stories again and again.
    """
    gc.freeze()
    connection.make_debug_cursor = connection.make_cursor  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        del connection.make_debug_cursor
        gc.unfreeze()


def steps_until(now: datetime, stories: list[Story]) -> list[tuple[datetime, str, str, int, int]]:
    """What has happened by now, in order: (when, move, domain, which story, which of its steps). The rest is left to come."""
    return sorted(
        (step.at, step.move, story.bag.domain, which, nth)
        for which, story in enumerate(stories)
        for nth, step in enumerate(story.steps)
        if step.at <= now
    )


def _play(stories: list[Story], cast: Cast, now: datetime, quiet: bool) -> None:
    """Every step of every story in the order of time, so that ids and what each step finds are as they would have been."""
    steps = steps_until(now, stories)
    items: dict[int, WorkItem] = {}
    shown = tqdm(total=len(steps), desc="Loading the demo", unit=" steps", leave=False, disable=True if quiet else None)
    with shown, _in_haste():
        for (at, move, domain), together in groupby(steps, key=itemgetter(0, 1, 2)):
            group = [(which, nth) for _at, _move, _domain, which, nth in together]
            if move == "review":
                _review([items.pop(which) for which, _nth in group], _by(STAFF, domain, cast), at, which=group[0][0])
            else:
                for which, nth in group:
                    _one(items, which, stories[which], nth, cast)
            shown.update(len(group))


def _one(items: dict[int, WorkItem], which: int, story: Story, nth: int, cast: Cast) -> None:
    step = story.steps[nth]
    if nth == 0:
        items[which] = _create(story, cast)
        return
    via = "page" if step.who == ADMIN else "api"
    verb = getattr(transitions, step.move)
    verb(items[which], by=_by(step.who, story.bag.domain, cast), via=via, at=step.at, **step.values)


def _by(who: str, domain: str, cast: Cast) -> User:
    # An institution without an account of its own has its items reviewed by the consortium.
    return {STAFF: cast.staff.get(domain, cast.admin), ADMIN: cast.admin}.get(who, cast.service)


def _review(items: list[WorkItem], by: User, at: datetime, *, which: int) -> None:
    """One bulk act, like that of a person who marks a page of rows."""
    results = transitions.apply(
        "review", [item.pk for item in items], TransitionRequest(), by=by, via="page", at=at, act=UUID(int=which + 1)
    )
    if refused := next((result.refused for result in results if result.refused), None):
        raise refused


def _create(story: Story, cast: Cast) -> WorkItem:
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
