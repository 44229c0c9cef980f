"""What the overview shows one person: what needs them, what runs, how it went, how long it takes, and why it fails.

Every number comes from what is kept beside the items, or from an index of the few that move: none of it gets dearer as the
table of items grows.
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
HEADER_ROWS = 2  # rows that the head of a table takes
MAX_NEED_COUNT = 500  # that are counted of what the summary does not know


Group = TypeVar("Group")


@dataclass(frozen=True)
class NeedCount:
    """Something that needs this person. Not `is_whole`: there are more than `number`."""

    need: Need
    number: int
    is_whole: bool


class LinkedCount(NamedTuple):
    """A number of items, and the query string of the list of them."""

    number: int
    query: str


@dataclass(frozen=True)
class StageInProgress:
    """The open and held items of an action at a stage. `oldest`: how long the one has been there that came first."""

    action: str
    stage: str
    cells: list[LinkedCount]
    total: LinkedCount
    oldest: timedelta | None = None
    oldest_query: str = ""
    usual: UsualTime | None = None


# The columns of what runs: the status, and what it is called there.
COLUMNS = (Status.PENDING, Status.STARTED, Status.FAILED, Status.SUSPENDED)


@dataclass(frozen=True)
class StageTimes:
    """How long a stage takes, drawn on the scale of its action."""

    stage: str
    usual: UsualTime
    span: charts.Span


@dataclass(frozen=True)
class ActionTimes:
    """The stages of an action in their order, and the whole first."""

    action: str
    stages: list[StageTimes]
    scale: charts.Scale


def split_in_two(groups: Sequence[Group], rows: Callable[[Group], int]) -> list[list[Group]]:
    """The groups in two columns of about as many rows.

    The browser would share them out as well, but anew with each piece of the page that arrives, so that they would jump.
    """
    half, first = sum(map(rows, groups)) / 2, 0
    seen = 0
    while first < len(groups) and seen + rows(groups[first]) / 2 <= half:
        seen += rows(groups[first])
        first += 1
    return [list(part) for part in (groups[:first], groups[first:]) if part]


class Overview:
    """`now`: the moment it is shown for; its days are those of the present time zone, which is the reader's. `using`: the
    database that all is read from."""

    def __init__(self, user: User, now: datetime, using: str = DEFAULT_DB_ALIAS):
        self.user = user
        self.now = now
        self.using = using
        self.scope = user.scope

    @cached_property
    def _tally(self) -> FacetCounts:
        return read_summary(self.scope, self.scope, None, using=self.using)

    def _list(self, query: str) -> ItemList:
        return ItemList(QueryDict(query), self.user, using=self.using)

    @cached_property
    def needs(self) -> list[NeedCount]:
        """What needs this person, without what there is none of."""
        lines = (self._count_need(need) for need in needs_for(self.user.role))
        return [line for line in lines if line.number or not line.is_whole]

    @property
    def most_urgent(self) -> str:
        """The tone of the first thing that this person has to see to before long; blank where there is none."""
        pressing = (need for need in needs_for(self.user.role) if need.is_pressing)
        return next((need.tone for need in pressing if self._count_need(need).number), "")

    def _count_need(self, need: Need) -> NeedCount:
        listing = self._list(need.query)
        if not listing.is_valid():  # nothing below knows what to do with one
            raise ValueError(f"{need.query}: {listing.errors}")
        if listing.strategies.keys() <= {IndexStrategy.COUNTED}:
            return NeedCount(
                need,
                sum(n for kind, n in self._tally.kinds.items() if matches_any(kind, listing.kind_conditions)),
                True,
            )
        number = listing.items()[: MAX_NEED_COUNT + 1].count()
        return NeedCount(need, min(number, MAX_NEED_COUNT), number <= MAX_NEED_COUNT)

    @cached_property
    def in_progress(self) -> list[StageInProgress]:
        """Open and held items by action and stage, in the order of the pipeline."""
        numbers: Counter[tuple[str, str, str]] = Counter()
        for kind, number in self._tally.kinds.items():
            if phase_of(kind.status, retry=kind.retry) is not Phase.CLOSED:
                numbers[kind.action, kind.stage, kind.status] += number
        there = {(action, stage) for action, stage, _status in numbers}
        oldest = durations.oldest_stage_entries(self.scope, using=self.using) if there else {}
        usual = durations.usual_times_by_stage(self.using)
        return [
            self._with_oldest(self._stage_in_progress(action, stage, numbers), oldest.get((action, stage)), usual)
            for action in Action
            for stage in self._in_order(action, there)
        ]

    @staticmethod
    def _in_order(action: str, there: set[tuple[str, str]]) -> list[str]:
        """The action's stages at which there are items; those that are not on its path, as old data has them, last."""
        path: list[str] = list(PATHS[Action(action)])
        stages = [stage for of, stage in there if of == action]
        return sorted(stages, key=lambda stage: (path.index(stage) if stage in path else len(path), stage))

    @staticmethod
    def _stage_in_progress(action: str, stage: str, numbers: Counter[tuple[str, str, str]]) -> StageInProgress:
        here = {"item_action": action, "stage": stage}
        cells = []
        for status in COLUMNS:
            phase = {"phase": Phase.OPEN} if status == Status.FAILED else {}
            cells.append(LinkedCount(numbers[action, stage, status], urlencode(here | {"status": status} | phase)))
        query = urlencode(here | {"phase": [Phase.OPEN, Phase.HELD]}, doseq=True)
        return StageInProgress(action, stage, cells, LinkedCount(sum(cell.number for cell in cells), query))

    def _with_oldest(
        self, row: StageInProgress, since: datetime | None, usual: dict[tuple[str, str], UsualTime]
    ) -> StageInProgress:
        if since is None:
            return row
        query = {"item_action": row.action, "stage": row.stage, "status": [Status.PENDING, Status.STARTED]}
        by_age = urlencode(query | {"sort": "waiting"}, doseq=True)
        known = usual.get((row.action, row.stage))
        return replace(row, oldest=self.now - since, oldest_query=by_age, usual=known)

    @property
    def in_progress_by_action(self) -> list[tuple[str, list[StageInProgress]]]:
        return [(action, list(rows)) for action, rows in groupby(self.in_progress, key=attrgetter("action"))]

    @property
    def in_progress_columns(self) -> list[list[tuple[str, list[StageInProgress]]]]:
        return split_in_two(self.in_progress_by_action, lambda group: len(group[1]) + HEADER_ROWS)

    @property
    def times_columns(self) -> list[list[ActionTimes]]:
        return split_in_two(self.times, lambda group: len(group.stages) + HEADER_ROWS)

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
        """How long each stage takes, action by action; without actions of which too little is known."""
        return list(self._times())

    def _times(self) -> Iterator[ActionTimes]:
        usual = durations.usual_times_by_stage(self.using)
        for action in Action:
            known = [(stage, usual[action, stage]) for stage in ("", *PATHS[action]) if (action, stage) in usual]
            if not known:
                continue
            seconds = [time.total_seconds() for _stage, one in known for time in (one.low, one.high)]
            scale = charts.fit_scale(seconds)
            yield ActionTimes(action, [StageTimes(stage, one, self._span(scale, one)) for stage, one in known], scale)

    @staticmethod
    def _span(scale: charts.Scale, usual: UsualTime) -> charts.Span:
        return scale.span(*(time.total_seconds() for time in (usual.low, usual.median, usual.high)))

    @cached_property
    def causes(self) -> list[failures.CauseCount]:
        return failures.count_by_cause(self._since, self.scope, most=MAX_CAUSES, using=self.using)

    @property
    def _since(self) -> datetime:
        """From the reader's midnight on, so that the links stay the same for a day."""
        zone = timezone.get_current_timezone()
        return durations.midnight(self.now.astimezone(zone).date() - timedelta(days=CAUSE_DAYS), zone)

    def query_of_cause(self, cause: int, **more: str) -> str:
        """The query string of the list of what failed for this cause."""
        return urlencode({"cause": cause, "failed_after": f"{self._since:%Y-%m-%dT%H:%M:%SZ}", **more})
