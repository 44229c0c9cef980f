"""The conditions of filters: functions that turn a value into an SQL condition or into the kinds of items that match."""

from collections.abc import Callable
from functools import cache, reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils import timezone

from ..audit_log import query_entries
from ..counts import KindCondition
from ..durations import is_silent
from ..lifecycle import PHASE_DEFINITIONS, Party, Phase
from ..models import WorkItem, in_phases, is_part_missing, with_missing_part
from ..search import field_contains, same_second, same_text
from ..vocabulary import REGISTRY_ACTIONS
from .parameters import UNSET


def any_of(column: str) -> Callable[[list[str]], Q]:
    return lambda values: Q(**{f"{column}__in": values})


def any_text_of(column: str) -> Callable[[list[str]], Q]:
    return lambda values: reduce(or_, (same_text(column, value) for value in values))


def contains(column: str) -> Callable[[str], Q]:
    return lambda text: field_contains(column, text)


def matches(**conditions: Any) -> Callable[[bool], Q]:
    return lambda wanted: Q(**conditions) if wanted else ~Q(**conditions)


def compares(lookup: str) -> Callable[[Any], Q]:
    return lambda value: Q(**{lookup: value})


def changed_by(acts: list[UUID]) -> Q:
    """Items that any of these bulk changes has changed."""
    return Q(pk__in=query_entries("item_id", act__in=acts))


def bag_made_at(moment: Any) -> Q:
    return Q(bag_date__isnull=True) if moment == UNSET else same_second("bag_date", moment)


def in_phase(phases: list[str]) -> Q:
    return in_phases(*map(Phase, phases))


def kinds_with(column: str) -> Callable[[list[Any]], list[KindCondition]]:
    return lambda values: [{column: frozenset(values)}]


def kinds_in_phases(phases: list[str]) -> list[KindCondition]:
    return [
        {"status": frozenset(statuses)} | ({} if retry is None else {"retry": frozenset({retry})})
        for phase in phases
        for statuses, retry in PHASE_DEFINITIONS[Phase(phase)]
    ]


def any_registry_action(words: list[str]) -> Q:
    return reduce(or_, (_of_registry(*REGISTRY_ACTIONS[word]) for word in words))


def _of_registry(action: str, about_file: bool | None) -> Q:
    if about_file is None:
        return Q(action=action)
    return Q(action=action) & (~Q(generic_file_identifier="") if about_file else Q(generic_file_identifier=""))


def among(items: Callable[[], QuerySet], others: Callable[[], QuerySet]) -> Callable[[bool], Q]:
    """Returns the condition that an item is among `items` or, for false, among `others`.

    The negation of "among `items`" would be slower.
    """

    @cache
    def condition(wanted: bool) -> Q:
        return _where(WorkItem.objects.filter(pk__in=items().values("pk")) if wanted else others())

    return condition


def _where(found: QuerySet) -> Q:
    """Returns the condition of a queryset. Building a query about uploads takes ten times as long as running it, so
    callers build it once.
    """
    sql, params = found.order_by().values("pk").query.sql_with_params()
    return Q(RawSQL(sql.partition(" WHERE ")[2], params, models.BooleanField()))  # noqa: S611  the ORM wrote it


is_superseded = among(WorkItem.objects.superseded, WorkItem.objects.not_superseded)
is_open_duplicate = among(WorkItem.objects.open_duplicates, WorkItem.objects.not_open_duplicates)


@cache
def _acted_on_by(party: str) -> Q:
    if party == Party.INSTITUTION:
        return _where(WorkItem.objects.waiting_for_institution())
    return _where(WorkItem.objects.waiting_for_consortium())


def acted_on_by(parties: list[str]) -> Q:
    found = reduce(or_, map(_acted_on_by, parties))
    if Party.INSTITUTION in parties:
        found |= is_part_missing(timezone.now())
    if Party.CONSORTIUM in parties:
        found |= is_silent() & is_superseded(False) & is_open_duplicate(False)
    return found


def misses_parts(wanted: bool) -> Q:
    now = timezone.now()
    return with_missing_part(now) if wanted else ~is_part_missing(now)
