"""What each node holds."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, Max, Min

from ..durations import is_silent
from ..models import WorkItemQuerySet
from ..vocabulary import Status


@dataclass(frozen=True)
class Node:
    """A machine with the items that its workers have started.

    `held_for`: how long it has had the oldest of them at its stage; `silent_for`: how long ago it last changed any of them;
    `silent`: how many of them have had no sign of life for too long.
    """

    name: str
    items: int
    processes: int
    silent: int
    held_for: timedelta | None
    silent_for: timedelta

    @property
    def query(self) -> str:
        """The query string of the list of its items."""
        return urlencode({"node": self.name, "status": Status.STARTED})

    @property
    def silent_query(self) -> str:
        return urlencode({"node": self.name, "silent": "true"})


def fetch_nodes(items: WorkItemQuerySet, now: datetime) -> list[Node]:
    """Returns the nodes that hold any of these items, the one that has been silent for longest first."""
    return sorted(_read(items, now), key=lambda node: (-node.silent_for, node.name))


def _read(items: WorkItemQuerySet, now: datetime) -> Iterator[Node]:
    held = items.on_nodes().order_by().values_list("node")
    found = held.annotate(
        items=Count("pk"),
        processes=Count("pid", distinct=True),
        silent=Count("pk", filter=is_silent()),
        since=Min("stage_entered_at"),
        last=Max("updated_at"),
    )
    for name, number, processes, silent, since, last in found:
        yield Node(name, number, processes, silent, now - since if since else None, now - last)
