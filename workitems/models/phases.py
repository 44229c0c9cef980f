"""The phase of an item in SQL, built from the table in `lifecycle`."""

from functools import reduce
from operator import or_

from django.db.models import Q

from ..lifecycle import MAKE_UP, Phase


def in_phases(*phases: Phase) -> Q:
    """Returns the condition that an item is in one of these phases."""
    parts = [part for phase in phases for part in MAKE_UP[phase]]
    whatever = [status for statuses, retry in parts if retry is None for status in statuses]
    by_retry = (Q(status=status, retry=retry) for statuses, retry in parts if retry is not None for status in statuses)
    return reduce(or_, by_retry, Q(status__in=whatever))


CLOSED = in_phases(Phase.CLOSED)
NOT_CLOSED = in_phases(Phase.OPEN, Phase.HELD)
