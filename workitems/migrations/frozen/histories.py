"""Migrations 0012 and 0019: what the histories of items say of where each item was, and since when."""

from collections import defaultdict
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A history entry, as far as it is needed here."""

    at: Any
    move: str
    stage_after: str
    status_after: str
    changes: dict[str, list[Any]]


class At(NamedTuple):
    """Where an item was: its stage, since when, and what decides whether it was closed."""

    stage: str
    status: str
    retry: bool
    since: Any

    @property
    def is_closed(self):
        return self.status in ("Success", "Cancelled") or (self.status == "Failed" and not self.retry)


def histories(apps, connection, versions):
    """{item: its entries, oldest first}, of items {id: version}. The archive holds the beginning of some."""
    found = _read(apps.get_model("workitems", "HistoryEntry"), connection, versions)
    if short := [pk for pk, version in versions.items() if len(found.get(pk, ())) < version]:
        for pk, entries in _read(apps.get_model("workitems", "ArchivedEntry"), connection, short).items():
            found[pk] = entries + found.get(pk, [])
    return found


def _read(table, connection, ids):
    found = defaultdict(list)
    entries = table.objects.using(connection.alias).filter(item_id__in=list(ids)).order_by("item_id", "number")
    for pk, *values in entries.values_list("item_id", *Entry._fields):
        found[pk].append(Entry(*values))
    return dict(found)


def walked(entries, retry):
    """(entry, where the item was before it or None, where it was after it) of a whole history. `retry`: the item's value now."""
    # What it was in the beginning is what its first change says that it had been.
    retry = next((entry.changes["retry"][0] for entry in entries if "retry" in entry.changes), retry)
    before = None
    for entry in entries:
        retry = entry.changes.get("retry", [None, retry])[1]
        after = At(entry.stage_after, entry.status_after, retry, _since(entry, before))
        yield entry, before, after
        before = after


def _since(entry, before):
    if entry.move == "import":  # it does not know
        return before.since if before and before.stage == entry.stage_after else None
    if before is None or before.stage != entry.stage_after or entry.move == "requeue":
        return entry.at
    return before.since


def pieces(rows, size):
    """The rows of a query in lists of this size."""
    piece = []
    for row in rows.iterator(chunk_size=size):
        piece.append(row)
        if len(piece) == size:
            yield piece
            piece = []
    yield piece
