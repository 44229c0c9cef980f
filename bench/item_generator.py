"""Generates items as rows of text in the format of PostgreSQL's COPY, the same for every database.

Chunks are independent, so several processes can generate them with the same result. Times are stored as seconds before the
end, which is the day on which the data is generated; the hash of the data does not depend on that day.
"""

import hashlib
from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random

from .distribution import CLOSED, MEMBERS, NEWEST, OPEN, OPEN_AMONG_NEWEST, SHARES, Kind, reviewed_share

SEED = 7
CHUNK = 50_000
NULL, TRUE, FALSE = r"\N", "t", "f"
SPAN = 8 * 365 * 86_400  # seconds from the oldest item to the end
BURST = 250  # items: deletions come in bursts
DUPLICATES = 0.008  # of the ingests: the same bag was uploaded again
# In the order in which `chunk` returns them.
COLUMNS = (
    *(
        "id",
        "name",
        "etag",
        "bucket",
        "user",
        "institution_id",
        "note",
        "action",
        "stage",
        "status",
        "outcome",
        "retry",
    ),
    *("reviewed", "object_identifier", "generic_file_identifier", "size", "node", "pid", "needs_admin_review"),
    *("inst_approver", "aptrust_approver", "version", "search_text"),
    *("intellectual_object_id", "generic_file_id", "deletion_request_id", "storage_option"),
    *("created_at", "updated_at", "bag_date", "date", "queued_at", "stage_started_at"),
    *("stage_entered_at", "finished_at"),
)
_COLLECTIONS = ("uva-lib", "etd", "1840.16", "maps", "oral-history", "herbarium", "GTM", "Sammlung_für_Karten")
_NOTES = {
    "Success": "Finished cleanup. Ingest complete.",
    "Failed": "Bag is not valid: the required tag Access in aptrust-info.txt has no value.",
    "Cancelled": "Cancelled: the depositor has uploaded a newer version of this bag.",
    "Pending": "Bag is in receiving bucket.",
    "Started": "Copying files to staging.",
    "Suspended": "Held for an admin: the object is larger than agreed.",
}
_MANY_ERRORS = r"\n".join(
    f"The digest of data/image_{line:05}.tif does not match the one in manifest-md5.txt." for line in range(120)
)


def _sizes() -> list[str]:
    draw = Random(SEED)
    return [str(int(draw.lognormvariate(17, 3)) + 10_240) for _ in range(4096)]


def _cumulated(kinds: list[Kind]) -> list[float]:
    sums = list(accumulate(kind.per_million for kind in kinds))
    return [value / sums[-1] for value in sums]


_SIZES = _sizes()
_OWNERS = list(accumulate(SHARES))
_CLOSED, _OPEN = _cumulated(CLOSED), _cumulated(OPEN)
_DELETED = [kind for kind in CLOSED if kind.action == "Delete"]
_DELETIONS = _cumulated(_DELETED)
# Deletions only come in bursts. This share of bursts gives as many of them as `CLOSED` says.
_BURSTS = sum(kind.per_million for kind in _DELETED) / sum(kind.per_million for kind in CLOSED)


class Clock:
    """Formats an age (seconds before the end) as a time in UTC; None is NULL."""

    def __init__(self, end: datetime):
        self.end = int(end.timestamp())
        self.days = {
            day: (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%d ")
            for day in range((self.end - SPAN) // 86_400 - 60, self.end // 86_400 + 2)
        }
        self.times = [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}+00" for s in range(86_400)]

    def text(self, age: int | None) -> str:
        if age is None:
            return NULL
        day, second = divmod(self.end - age, 86_400)
        return self.days[day] + self.times[second]


def chunks(total: int) -> range:
    return range(-(-total // CHUNK))


def chunk(
    number: int, total: int, clock: Clock, entries: int
) -> Iterator[tuple[tuple[str, ...], tuple[int | None, ...]]]:
    """Yields (values, ages) for each item of a chunk, oldest first: the columns before the times, and the times as ages."""
    draw = Random(SEED * 1_000_003 + number)
    last: list[tuple[str, str, str]] = [_bag(draw, owner, number * CHUNK) for owner in range(len(MEMBERS))]
    version, deleting, owner_of_burst = str(entries), False, 0
    for pk in range(number * CHUNK + 1, min((number + 1) * CHUNK, total) + 1):
        if pk % BURST == 1:
            deleting, owner_of_burst = draw.random() < _BURSTS, bisect(_OWNERS, draw.random() * _OWNERS[-1])
        yield _item(draw, pk, total, last, version, owner_of_burst if deleting else None)


def _bag(draw: Random, owner: int, pk: int) -> tuple[str, str, str]:
    """(name, etag, size) of a new bag. A few have a name in capitals or with non-ASCII characters."""
    style = owner % 6 if draw.random() < 0.97 else 6 + (pk & 1)
    etag = f"{draw.getrandbits(128):032x}"
    size = _SIZES[draw.getrandbits(12)]
    if len(size) > 9:  # a multipart upload
        etag += f"-{int(size) // 500_000_000 + 1}"
    return f"{MEMBERS[owner]}.{_COLLECTIONS[style]}_{pk:08}.tar", etag, size


def _kind(draw: Random, pk: int, total: int, burst: int | None) -> Kind:
    if total - pk < min(NEWEST, total // 20) and draw.random() < OPEN_AMONG_NEWEST:
        return OPEN[bisect(_OPEN, draw.random())]
    if burst is not None:
        return _DELETED[bisect(_DELETIONS, draw.random())]
    while True:
        kind = CLOSED[bisect(_CLOSED, draw.random())]
        if kind.action != "Delete":
            return kind


def _item(draw: Random, pk: int, total: int, last: list, version: str, burst: int | None) -> tuple:
    owner = bisect(_OWNERS, draw.random() * _OWNERS[-1]) if burst is None else burst
    kind = _kind(draw, pk, total, burst)
    action, status, domain = kind.action, kind.status, MEMBERS[owner]
    name, etag, size = _upload(draw, pk, owner, last) if action == "Ingest" else last[owner]
    is_closed = status in ("Success", "Cancelled") or (status == "Failed" and not kind.retry)
    is_known = action != "Ingest" or status == "Success"
    object_identifier = f"{domain}/{name[:-4]}" if is_known else ""
    note = _NOTES[status] if status != "Failed" or draw.random() > 0.1 else _MANY_ERRORS
    started = status == "Started"
    values = (
        *(str(pk), name, etag, f"aptrust.receiving.{domain}"),
        *("" if action == "Ingest" else f"someone@{domain}", str(owner + 1), note, action, kind.stage, status, status),
        TRUE if kind.retry else FALSE,
        TRUE if is_closed and draw.random() < reviewed_share(pk / total) else FALSE,
        *(object_identifier, "", size, "worker-7" if started else "", "4711" if started else NULL),
        TRUE if status == "Suspended" or (started and not kind.retry) else FALSE,
        *("", "", version, f"{name}\\n{etag}\\n{object_identifier}\\n".casefold()),
        *(
            (NULL, NULL, NULL, "")
            if action == "Ingest"
            else (str(pk), NULL, str(pk) if action == "Delete" else NULL, "Standard")
        ),
    )
    age = SPAN * (total - pk) // total + draw.getrandbits(6)
    took = min(age, 600 + draw.getrandbits(15) * (1 if is_closed else 0))
    ages = (
        age,
        age - took,
        age + 86_400 + draw.getrandbits(16),
        age,
        age - took // 4,
        age - took // 2,
        age - took // 2,
        age - took if is_closed else None,
    )
    return values, ages


def _upload(draw: Random, pk: int, owner: int, last: list) -> tuple[str, str, str]:
    """An upload of a new bag, or sometimes of the previous one again; half of those are unchanged."""
    bag = _bag(draw, owner, pk)
    if draw.random() < DUPLICATES:
        bag = last[owner] if bag[1] < "8" else (last[owner][0], bag[1], bag[2])
    last[owner] = bag
    return bag


def copy_chunk(number: int, total: int, end: datetime, entries: int) -> tuple[bytes, str]:
    """A chunk in COPY format, and its hash."""
    clock, lines, digest = Clock(end), [], hashlib.sha256()
    for values, ages in chunk(number, total, clock, entries):
        head = "\t".join(values)
        digest.update(f"{head}\t{ages}\n".encode())
        lines.append("\t".join((head, *map(clock.text, ages))))
    return ("\n".join(lines) + "\n").encode(), digest.hexdigest()
