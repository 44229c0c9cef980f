"""Median times of interleaved calls, so that whatever else the machine is doing affects all of them."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_CALLS, MIN_CALLS = 31, 3
SLOW = 5.0  # seconds; slower calls are made one time less


@dataclass
class TimedCall:
    """A call and its time budget in seconds. `database` returns the seconds the last call waited for the database, or None."""

    call: Callable[[], object]
    budget: float = 1.5
    database: Callable[[], float | None] | None = None
    wall_times: list[float] = field(default_factory=list)
    database_times: list[float] = field(default_factory=list)

    def once(self) -> None:
        began = time.perf_counter()
        self.call()
        self.wall_times.append(time.perf_counter() - began)
        in_database = self.database() if self.database else None
        if in_database is not None:
            self.database_times.append(in_database)

    @property
    def is_done(self) -> bool:
        enough = MIN_CALLS - 1 if self.wall_times and self.wall_times[-1] > SLOW else MIN_CALLS
        return len(self.wall_times) >= MAX_CALLS or (
            len(self.wall_times) >= enough and sum(self.wall_times) >= self.budget
        )

    @property
    def ms(self) -> float:
        return round(1000 * statistics.median(self.wall_times), 3)

    @property
    def database_ms(self) -> float | None:
        return round(1000 * statistics.median(self.database_times), 3) if self.database_times else None


def run_interleaved(calls: dict[str, TimedCall]) -> None:
    """Makes each call until its budget is used up, and a few times at least. The first call of each is a warm-up."""
    for one in calls.values():
        one.once()
        one.wall_times.clear()
        one.database_times.clear()
    while left := [one for one in calls.values() if not one.is_done]:
        for one in left:
            one.once()
