"""A story: the moves of one item over time. Pure; `load` makes them through `transitions`."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from workitems.lifecycle import build_object_identifier, first_stage, is_damaged_copy
from workitems.vocabulary import STAGES, Action, Stage, Status

from . import texts
from .timing import ROUTES, SUCCESS_STAGES, draw_duration

WORKER, ADMIN, STAFF = "worker", "admin", "staff"


@dataclass(frozen=True)
class Bag:
    domain: str
    name: str
    size: int
    etag: str

    @property
    def object_identifier(self) -> str:
        return build_object_identifier(self.domain, self.name)


@dataclass(frozen=True)
class Step:
    """One move: when, which, by whom, and with which values."""

    at: datetime
    move: str
    who: str
    values: dict[str, Any]


@dataclass
class Story:
    """The story of one item. `clock`: when the next step happens; `closed`: whether the item is closed."""

    rng: Random
    action: Action
    bag: Bag
    clock: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    route: tuple[Stage, ...] = ()
    steps: list[Step] = field(default_factory=list)
    stage: Stage = Stage.REQUESTED
    closed: bool = False

    def __post_init__(self) -> None:
        self.route = self.route or ROUTES[self.action]
        self.stage = first_stage(self.action)
        note = texts.RECEIVED if self.action == Action.INGEST else texts.REQUESTED[self.action]
        # Buckets are checked hourly, so the upload is some minutes old. The bag was created before that.
        upload = self.clock - timedelta(seconds=self.rng.uniform(30, 3600))
        if self.action == Action.INGEST:
            made = upload - timedelta(hours=self.rng.uniform(1, 400))
            self.fields = {"date": upload, "bag_date": made, **self.fields}
        self._step("create", WORKER, note=note, queued_at=self.clock, **self.fields)

    @property
    def start(self) -> datetime:
        return self.steps[0].at

    def _step(self, move: str, who: str = WORKER, **values: Any) -> "Story":
        self.steps.append(Step(self.clock, move, who, values))
        self.clock += timedelta(seconds=self.rng.uniform(1, 9))
        return self

    def wait(self, **duration: float) -> "Story":
        self.clock += timedelta(**duration)
        return self

    def start_stage(self, stage: Stage) -> "Story":
        """A worker starts the stage."""
        self.stage = stage
        node = f"worker-{stage.lower().replace(' ', '-')}-{self.rng.randint(1, 4)}"
        pid = self.rng.randint(200, 32_000)
        return self._step("progress", stage=stage, note=STAGES[stage].busy, node=node, pid=pid)

    def work(self, share: float = 1.0) -> "Story":
        """Lets the time pass that the stage takes, or a share of it."""
        self.clock += share * draw_duration(self.rng, self.action, self.stage, self.bag.size)
        return self

    def queue(self, stage: Stage) -> "Story":
        """Makes the item wait for a worker at the stage."""
        self.stage = stage
        return self._step("progress", stage=stage, status=Status.PENDING, note=texts.WAITING)

    def advance(self, *, after: Stage | None = None, before: Stage | None = None) -> "Story":
        """Processes the stages of the route, from the one after `after` to the one before `before`."""
        first = self.route.index(after) + 1 if after else 0
        last = self.route.index(before) if before else len(self.route)
        for stage in self.route[first:last]:
            self.start_stage(stage).work()
        return self

    def fail_temporarily(self, note: str) -> "Story":
        """Fails temporarily; the item will be retried automatically."""
        return self._step("fail", stage=self.stage, note=note, retry=True, node="", pid=None)

    def fail(self, note: str) -> "Story":
        self.closed = True
        return self._step("fail", stage=self.stage, note=note, retry=False, node="", pid=None)

    def give_up(self, note: str) -> "Story":
        """A worker gives up: the item stays Started, with retry off, until an admin decides."""
        return self._step(
            "progress", stage=self.stage, note=note, retry=False, needs_admin_review=True, node="", pid=None
        )

    def suspend(self, note: str) -> "Story":
        return self._step("suspend", note=note, node="", pid=None)

    def cancel(self, note: str, who: str = ADMIN) -> "Story":
        self.closed = True
        values = {"stage": self.stage} if who == WORKER else {}
        return self._step("cancel", who, note=note, **values)

    def requeue(self, stage: Stage, note: str) -> "Story":
        self.closed = False
        self.stage = stage
        return self._step("requeue", ADMIN, stage=stage, note=note)

    def succeed(self) -> "Story":
        self.closed = True
        stage = Stage.RECORD if Stage.UNPACK in self.route else SUCCESS_STAGES[self.action]
        note = texts.success_note(self.action, self.bag.domain, self.bag.name)
        return self._step("succeed", stage=stage, note=note, node="", pid=None)

    @property
    def is_damaged_copy(self) -> bool:
        last = self.steps[-1]
        return last.move == "fail" and is_damaged_copy(self.action, Status.FAILED, retry=last.values["retry"])

    def review(self, when: datetime, note: str | None = None) -> "Story":
        """Staff mark the item as reviewed, or an admin with a note."""
        self.clock = when
        return self._step("review", ADMIN, note=note) if note else self._step("review", STAFF)

    def shift_to_end(self, when: datetime) -> "Story":
        """Shifts the story in time so that its last step is at `when`."""
        shift = when - self.steps[-1].at
        self.clock += shift
        self.steps = [Step(s.at + shift, s.move, s.who, _shift_times(s.values, shift)) for s in self.steps]
        return self


def _shift_times(values: dict[str, Any], shift: timedelta) -> dict[str, Any]:
    return {name: value + shift if isinstance(value, datetime) else value for name, value in values.items()}
