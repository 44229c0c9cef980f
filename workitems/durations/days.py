"""How many items came to an end on each of the last days."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple

from django.db.models import Sum

from ..models import DayCount
from .steps import Outcome


class Day(NamedTuple):
    """A day (UTC) and how many items were done, failed for good, and were cancelled on it."""

    day: date
    done: int
    failed: int
    cancelled: int


def last_days(number: int, today: date, institutions: Collection[int] | None, *, using: str) -> list[Day]:
    """So many days up to today, the oldest first, of the items of these institutions (None: of all)."""
    first = today - timedelta(days=number - 1)
    counts = DayCount.objects.using(using).filter(day__gte=first, day__lte=today)
    if institutions is not None:
        counts = counts.filter(institution_id__in=institutions)
    found: dict[date, dict[str, int]] = defaultdict(dict)
    for day, outcome, total in counts.order_by().values_list("day", "outcome").annotate(total=Sum("number")):
        found[day][outcome] = total
    days = (first + timedelta(days=n) for n in range(number))
    return [Day(day, *(found[day].get(outcome, 0) for outcome in Outcome)) for day in days]
