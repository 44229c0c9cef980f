"""Medians of calls that take turns, so that whatever else the machine does falls on all of them alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MOST, LEAST = 31, 3
SLOW = 5.0  # seconds; what takes longer is asked once less


@dataclass
class Timed:
    """A call: what it is, and how many seconds may be spent on it. `database` gives the seconds that the database took of it, or None."""

    call: Callable[[], object]
    budget: float = 1.5
    database: Callable[[], float | None] | None = None
    wall: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)

    def once(self) -> None:
        began = time.perf_counter()
        self.call()
        self.wall.append(time.perf_counter() - began)
        inside = self.database() if self.database else None
        if inside is not None:
            self.inside.append(inside)

    @property
    def is_done(self) -> bool:
        enough = LEAST - 1 if self.wall and self.wall[-1] > SLOW else LEAST
        return len(self.wall) >= MOST or (len(self.wall) >= enough and sum(self.wall) >= self.budget)

    @property
    def ms(self) -> float:
        return round(1000 * statistics.median(self.wall), 3)

    @property
    def database_ms(self) -> float | None:
        return round(1000 * statistics.median(self.inside), 3) if self.inside else None


def take_turns(calls: dict[str, Timed]) -> None:
    """Calls each until its budget is spent, and a few times at least. The first time warms up, and does not count."""
    for one in calls.values():
        one.once()
        one.wall.clear()
        one.inside.clear()
    while left := [one for one in calls.values() if not one.is_done]:
        for one in left:
            one.once()
