"""Generates the history of each kind of item, with a given number of entries."""

from collections.abc import Iterator
from typing import NamedTuple

from workitems.lifecycle import PATHS
from workitems.vocabulary import Action, Stage

from .distribution import CLOSED, OPEN, Kind

WORKER, STAFF = "system@aptrust.org", "staff@virginia.edu"
_LAST_MOVE = {
    "Success": "succeed",
    "Failed": "fail",
    "Cancelled": "cancel",
    "Suspended": "suspend",
    "Pending": "progress",
    "Started": "progress",
}


class Step(NamedTuple):
    """One history entry of every item that ends with this action, stage, status, retry, and reviewed.

    `part`: when it happens, from the item's creation (0) to its last change (1).
    """

    action: str
    stage: str
    status: str
    retry: bool
    reviewed: bool
    number: int
    who: str
    move: str
    stage_before: str
    status_before: str
    stage_after: str
    status_after: str
    part: float


def steps(entries: int) -> Iterator[Step]:
    """Every entry of every kind of item. `entries` per item: at least 3, or 1 for an item imported in its final state."""
    for kind in (*CLOSED, *OPEN):
        yield from _of_kind(kind, entries, reviewed=False)
        if kind in CLOSED:
            yield from _of_kind(kind, entries, reviewed=True)


def _of_kind(kind: Kind, entries: int, *, reviewed: bool) -> Iterator[Step]:
    before = ("", "")
    for number, (move, who, stage, status) in enumerate(_moves(kind, entries, reviewed=reviewed), 1):
        part = (number - 1) / (entries - 1) if entries > 1 else 1.0
        end = (kind.action, kind.stage, kind.status, kind.retry, reviewed)
        yield Step(*end, number, who, move, before[0], before[1], stage, status, part)
        before = (stage, status)


def _moves(kind: Kind, entries: int, *, reviewed: bool) -> Iterator[tuple[str, str, str, str]]:
    """Yields (move, who, stage after, status after): created, moved along the path, ended, and possibly reviewed."""
    if entries == 1:
        yield "import", WORKER, kind.stage, kind.status
        return
    path: list[str] = [
        stage for stage in PATHS[Action(kind.action)] if stage != Stage.UNPACK
    ]  # no longer used for new items
    last = path.index(kind.stage) if kind.stage in path else 0
    yield "create", WORKER, path[0], "Pending"
    between = entries - 2 - reviewed
    for number in range(between):
        stage = path[last * number // max(1, between - 1)]
        yield "progress", WORKER, stage, "Pending" if number % 3 == 2 else "Started"
    yield _LAST_MOVE[kind.status], WORKER, kind.stage, kind.status
    if reviewed:
        yield "review", STAFF, kind.stage, kind.status
