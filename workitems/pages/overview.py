"""The content of the overview for one reader: what needs attention, what is in progress, results, usual times, and
causes of failures.

The numbers come from the summary tables, or from an index of the few items that are moving, so the page doesn't get
slower as the table of items grows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple, TypeVar
from urllib.parse import urlencode

from django.db import DEFAULT_DB_ALIAS
from django.http import QueryDict
from django.utils import timezone

from pharos.accounts.models import User

from .. import durations, failures
from ..counts import FacetCounts, matches_any, read_summary
from ..durations import UsualTime
from ..explanations import Need, needs_for
from ..lifecycle import PATHS, Phase, phase_of
from ..listing import IndexStrategy, ItemList
from ..vocabulary import Action, Status
from . import charts

DAYS = 90
CAUSE_DAYS = 30  # days
MAX_CAUSES = 10
HEADER_ROWS = 2  # the height of a table's header, in rows
MAX_NEED_COUNT = 500  # where the summary table doesn't have the number, counting stops here


Group = TypeVar("Group")


@dataclass(frozen=True)
class NeedCount:
    """A need of this reader and the number of its items; if not `is_complete`, there are more."""

    need: Need
    number: int
    is_complete: bool


class LinkedCount(NamedTuple):
    """A number of items, and the query string of their list."""

    number: int
    query: str


@dataclass(frozen=True)
class StageInProgress:
    """The open and held items of an action at one stage. `oldest`: how long the oldest of them has been there."""

    action: str
    stage: str
    cells: list[LinkedCount]
    total: LinkedCount
    oldest: timedelta | None = None
    oldest_query: str = ""
    usual: UsualTime | None = None


# The statuses that are columns of "In progress now".
COLUMNS = (Status.PENDING, Status.STARTED, Status.FAILED, Status.SUSPENDED)


@dataclass(frozen=True)
class StageTimes:
    """The usual time of a stage. `span`: its position on the scale of the action."""

    stage: str
    usual: UsualTime
    span: charts.Span


@dataclass(frozen=True)
class ActionTimes:
    """The usual times of an action: of the whole action first, then of its stages in order."""

    action: str
    stages: list[StageTimes]
    scale: charts.Scale


def split_into_columns(groups: Sequence[Group], rows: Callable[[Group], int]) -> list[list[Group]]:
    """Splits the groups into two columns with about the same number of rows.

    CSS columns would do this too, but again with each chunk of the page that arrives, so that the tables would jump.
    """
    half = sum(map(rows, groups)) / 2
    split = height = 0
    while split < len(groups) and height + rows(groups[split]) / 2 <= half:
        height += rows(groups[split])
        split += 1
    return [list(column) for column in (groups[:split], groups[split:]) if column]


class Overview:
    """The content of the overview at the time `now`. Days are those of the current time zone, which is the reader's.

    `using`: the database to read from.
    """

    def __init__(self, user: User, now: datetime, using: str = DEFAULT_DB_ALIAS):
        self.user = user
        self.now = now
        self.using = using
        self.scope = user.scope

    @cached_property
    def _summary(self) -> FacetCounts:
        return read_summary(self.scope, self.scope, None, using=self.using)

    @property
    def is_empty(self) -> bool:
        """Whether this reader can see no item at all."""
        return not any(self._summary.kinds.values())

    def _list(self, query: str) -> ItemList:
        return ItemList(QueryDict(query), self.user, using=self.using)

    @cached_property
    def needs(self) -> list[NeedCount]:
        """The needs of this reader that have any items."""
        counts = (self._count_need(need) for need in needs_for(self.user.role))
        return [count for count in counts if count.number or not count.is_complete]

    @property
    def most_urgent(self) -> str:
        """The tone of the first pressing need that has any items; blank if there is none."""
        pressing = (need for need in needs_for(self.user.role) if need.is_pressing)
        return next((need.tone for need in pressing if self._count_need(need).number), "")

    def _count_need(self, need: Need) -> NeedCount:
        listing = self._list(need.query)
        if not listing.is_valid():  # the code below needs a valid list
            raise ValueError(f"{need.query}: {listing.errors}")
        if listing.strategies.keys() <= {IndexStrategy.COUNTED}:
            return NeedCount(
                need,
                sum(n for kind, n in self._summary.kinds.items() if matches_any(kind, listing.kind_conditions)),
                True,
            )
        number = listing.items()[: MAX_NEED_COUNT + 1].count()
        return NeedCount(need, min(number, MAX_NEED_COUNT), number <= MAX_NEED_COUNT)

    @cached_property
    def in_progress(self) -> list[StageInProgress]:
        """Open and held items by action and stage, in the order of the pipeline."""
        numbers: Counter[tuple[str, str, str]] = Counter()
        for kind, number in self._summary.kinds.items():
            if phase_of(kind.status, retry=kind.retry) is not Phase.CLOSED:
                numbers[kind.action, kind.stage, kind.status] += number
        stages = {(action, stage) for action, stage, _status in numbers}
        oldest = durations.oldest_stage_entries(self.scope, using=self.using) if stages else {}
        usual = durations.usual_times_by_stage(self.using)
        return [
            self._with_oldest(self._stage_in_progress(action, stage, numbers), oldest.get((action, stage)), usual)
            for action in Action
            for stage in self._in_order(action, stages)
        ]

    @staticmethod
    def _in_order(action: str, stages: set[tuple[str, str]]) -> list[str]:
        """The stages of this action, in order; those that aren't on its path, which old data can have, come last."""
        path: list[str] = list(PATHS[Action(action)])
        own = [stage for stage_action, stage in stages if stage_action == action]
        return sorted(own, key=lambda stage: (path.index(stage) if stage in path else len(path), stage))

    @staticmethod
    def _stage_in_progress(action: str, stage: str, numbers: Counter[tuple[str, str, str]]) -> StageInProgress:
        filters = {"item_action": action, "stage": stage}
        cells = []
        for status in COLUMNS:
            phase = {"phase": Phase.OPEN} if status == Status.FAILED else {}
            cells.append(LinkedCount(numbers[action, stage, status], urlencode(filters | {"status": status} | phase)))
        query = urlencode(filters | {"phase": [Phase.OPEN, Phase.HELD]}, doseq=True)
        return StageInProgress(action, stage, cells, LinkedCount(sum(cell.number for cell in cells), query))

    def _with_oldest(
        self, row: StageInProgress, since: datetime | None, usual: dict[tuple[str, str], UsualTime]
    ) -> StageInProgress:
        if since is None:
            return row
        query = {"item_action": row.action, "stage": row.stage, "status": [Status.PENDING, Status.STARTED]}
        oldest_query = urlencode(query | {"sort": "waiting"}, doseq=True)
        usual_time = usual.get((row.action, row.stage))
        return replace(row, oldest=self.now - since, oldest_query=oldest_query, usual=usual_time)

    @property
    def in_progress_by_action(self) -> list[tuple[str, list[StageInProgress]]]:
        return [(action, list(rows)) for action, rows in groupby(self.in_progress, key=attrgetter("action"))]

    @property
    def in_progress_columns(self) -> list[list[tuple[str, list[StageInProgress]]]]:
        return split_into_columns(self.in_progress_by_action, lambda group: len(group[1]) + HEADER_ROWS)

    @property
    def times_columns(self) -> list[list[ActionTimes]]:
        return split_into_columns(self.times, lambda group: len(group.stages) + HEADER_ROWS)

    @property
    def in_progress_total(self) -> int:
        return sum(row.total.number for row in self.in_progress)

    @cached_property
    def days(self) -> list[durations.Day]:
        zone = timezone.get_current_timezone()
        return durations.last_days(DAYS, self.now, zone, self.scope, using=self.using)

    @property
    def done_bars(self) -> charts.Bars:
        return charts.layout_bars([day.done for day in self.days])

    @property
    def failed_bars(self) -> charts.Bars:
        return charts.layout_bars([day.failed for day in self.days], height=40)

    @cached_property
    def times(self) -> list[ActionTimes]:
        """The usual times by action, without actions that too little is known about."""
        return list(self._times())

    def _times(self) -> Iterator[ActionTimes]:
        usual = durations.usual_times_by_stage(self.using)
        for action in Action:
            # A blank stage means the whole action.
            known = {stage: usual[action, stage] for stage in ("", *PATHS[action]) if (action, stage) in usual}
            if not known:
                continue
            scale = charts.fit_scale(
                limit.total_seconds() for time in known.values() for limit in (time.low, time.high)
            )
            stages = [StageTimes(stage, time, self._span(scale, time)) for stage, time in known.items()]
            yield ActionTimes(action, stages, scale)

    @staticmethod
    def _span(scale: charts.Scale, usual: UsualTime) -> charts.Span:
        return scale.span(*(time.total_seconds() for time in (usual.low, usual.median, usual.high)))

    @cached_property
    def causes(self) -> list[failures.CauseCount]:
        return failures.count_by_cause(self._since, self.scope, most=MAX_CAUSES, using=self.using)

    @property
    def _since(self) -> datetime:
        """Midnight in the reader's time zone, so that the links stay the same for a day."""
        zone = timezone.get_current_timezone()
        return durations.midnight(self.now.astimezone(zone).date() - timedelta(days=CAUSE_DAYS), zone)

    def query_of_cause(self, cause: int, **more: str) -> str:
        """The query string of the list of items that failed for this cause. `more`: further filters."""
        return urlencode({"cause": cause, "failed_after": f"{self._since:%Y-%m-%dT%H:%M:%SZ}", **more})
