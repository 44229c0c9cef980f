"""SQL conditions for the phases of an item, derived from `lifecycle.PHASE_DEFINITIONS`."""

from functools import reduce
from operator import or_

from django.db.models import Q

from ..lifecycle import PHASE_DEFINITIONS, Phase


def in_phases(*phases: Phase) -> Q:
    """Returns the condition that an item is in one of these phases."""
    parts = [part for phase in phases for part in PHASE_DEFINITIONS[phase]]
    statuses_of_any_retry = [status for statuses, retry in parts if retry is None for status in statuses]
    by_retry = (Q(status=status, retry=retry) for statuses, retry in parts if retry is not None for status in statuses)
    return reduce(or_, by_retry, Q(status__in=statuses_of_any_retry))


OPEN = in_phases(Phase.OPEN)
HELD = in_phases(Phase.HELD)
CLOSED = in_phases(Phase.CLOSED)
NOT_CLOSED = in_phases(Phase.OPEN, Phase.HELD)
