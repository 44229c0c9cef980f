"""Items that a worker has started and not touched for so long that it has probably died."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from ..database import WORK_ITEMS as _ITEMS
from ..models import MOVING_SQL
from ..vocabulary import Status
from .typical import age_in_seconds


def _limits() -> dict[str, timedelta]:
    """Returns {stage: how long a worker may be silent there}; the empty stage stands for all others."""
    return {stage: timedelta(hours=hours) for stage, hours in settings.WORKITEM_SILENT_HOURS.items()}


def find_silence(item: Any, now: datetime) -> timedelta | None:
    """Returns how long ago the last sign of life was, if that is too long; otherwise None. `is_silent` is the same in SQL.

    An item that waits for an admin needs no sign of life.
    """
    if item.status != Status.STARTED or item.needs_admin_review:
        return None
    limits, silence = _limits(), now - item.updated_at
    return silence if silence > limits.get(item.stage, limits[""]) else None


def is_silent() -> Q:
    """Returns the condition that there has been no sign of life for too long."""
    limits = _limits()
    cases = "".join(f" WHEN '{stage}' THEN {limit.total_seconds():.0f}" for stage, limit in limits.items() if stage)
    default = f"{limits[''].total_seconds():.0f}"
    limit = f"CASE {_ITEMS}.stage{cases} ELSE {default} END" if cases else default
    sql = (
        f"{_ITEMS}.status IN {MOVING_SQL} AND {_ITEMS}.status = '{Status.STARTED}' AND NOT {_ITEMS}.needs_admin_review"
        f" AND {age_in_seconds('updated_at')} > {limit}"
    )
    return Q(RawSQL(sql, [], BooleanField()))  # noqa: S611  settings are checked, and nothing else is put in
