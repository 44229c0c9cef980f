"""Medians of calls that take turns, so that whatever else the machine does falls on all of them alike."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MOST, LEAST = 31, 3


@dataclass
class Timed:
    """A call: what it is, and how many seconds may be spent on it. `database` gives the seconds that the database took of it, or None."""

    call: Callable[[], object]
    budget: float = 1.5
    database: Callable[[], float | None] | None = None
    wall: list[float] = field(default_factory=list)
    inside: list[float] = field(default_factory=list)

    def once(self) -> float:
        began = time.perf_counter()
        self.call()
        took = time.perf_counter() - began
        self.wall.append(took)
        inside = self.database() if self.database else None
        if inside is not None:
            self.inside.append(inside)
        return took

    @property
    def is_done(self) -> bool:
        if len(self.wall) >= MOST:
            return True
        return sum(self.wall) >= self.budget and (len(self.wall) >= LEAST or sum(self.wall) >= 4 * self.budget)

    @property
    def ms(self) -> float:
        return round(1000 * statistics.median(self.wall), 3)

    @property
    def database_ms(self) -> float | None:
        return round(1000 * statistics.median(self.inside), 3) if self.inside else None


def take_turns(calls: dict[str, Timed]) -> None:
    """Calls each until its budget is spent. The first time warms up, and counts only where there is no time for a second."""
    for one in calls.values():
        if one.once() < one.budget:
            one.wall.clear()
            one.inside.clear()
    while left := [one for one in calls.values() if not one.is_done]:
        for one in left:
            one.once()
