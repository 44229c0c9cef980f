"""A search by the name of a file that was never received: what a person would answer."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.utils import timezone

from pharos.accounts.models import Institution
from pharos.accounts.roles import Permission

from ...counts import read_summary
from ...lifecycle import read_part, without_part
from ...listing import ItemList, Row, fetch_rows, find
from ...vocabulary import Action, Stage, Status

_FILE = re.compile(r".+\.(?:tar|tgz|gz|zip|7z|rar|bz2|xz|bag)", re.DOTALL | re.IGNORECASE)
_PARTLY_NAMED = re.compile(r"\.(?:b\d+|of\d+|b\d+[._-]of[._-]?\d+|part\d+)\Z", re.IGNORECASE)
_LAST_WORD = re.compile(r"[^\W_]+\Z")
MOST_NEAR = 5
_SHORTEST = 3  # letters that names must share to be near


@dataclass(frozen=True)
class NeverArrived:
    """What is known about a file that isn't among the items of a list's reader.

    `institution`: where it should belong; None if that isn't known. `last_received`: when the last upload of the
    reader's institutions was received. `backlog`: how many of their items are waiting at Receive. `near`: (id, name) of similar ones.
    """

    name: str
    institution: Institution | None
    last_received: datetime | None
    backlog: int
    near: list[tuple[int, str]]

    @property
    def is_tar(self) -> bool:
        return self.name.endswith(".tar")

    @property
    def is_badly_split(self) -> bool:
        """Whether it looks like a part of a split bag, but not as parts are named, or a part that there can't be."""
        stem = self.name.rpartition(".")[0]
        part = read_part(f"{stem}.tar")
        return not part.is_possible if part else bool(_PARTLY_NAMED.search(stem))

    @property
    def bucket(self) -> str:
        """The bucket that it should be uploaded to, or an empty string."""
        return self.institution.buckets[0] if self.institution else ""


def explain_absence(listing: ItemList) -> NeverArrived | None:
    """Returns what to say about an empty list; None if its search isn't for the name of a file."""
    name = next(iter(listing.params.get("name") or listing.params.get("q") or [""]), "").strip()
    if not _FILE.fullmatch(name) or _has_arrived(listing, name):
        return None
    return NeverArrived(name, _owner(listing, name), _last_received(listing), _backlog(listing), _near(listing, name))


def _has_arrived(listing: ItemList, name: str) -> bool:
    """Whether it is only missing because of the list's other filters."""
    return len(listing.params) > 1 and find(listing.for_query(urlencode({"name": name}))).total > 0


def _owner(listing: ItemList, name: str) -> Institution | None:
    """The reader's own institution, or for readers who see all the one whose domain the name starts with."""
    if not listing.user.can(Permission.SEE_EVERY_INSTITUTION):
        return listing.user.institution
    named = (one for one in listing.institutions.values() if name.startswith(f"{one.identifier}."))
    return max(named, key=lambda one: len(one.identifier), default=None)


def _last_received(listing: ItemList) -> datetime | None:
    """When the last upload that the reader can see was received."""
    rows = _rows(listing, urlencode({"item_action": Action.INGEST}), listing.per_page)
    now = timezone.now()
    return next((row.item.date for row in rows if row.item.date <= now), None)  # clocks differ, and dates can be ahead


def _backlog(listing: ItemList) -> int:
    waiting = read_summary(listing.user.scope, None, None, using=listing.using).kinds.items()
    return sum(
        number
        for kind, number in waiting
        if (kind.action, kind.stage, kind.status) == (Action.INGEST, Stage.RECEIVE, Status.PENDING)
    )


def _near(listing: ItemList, name: str) -> list[tuple[int, str]]:
    """Names that start alike: with the same bag, or else with all but its last word, or else with its first half."""
    bag = without_part(name.rpartition(".")[0] + ".tar")
    for start in dict.fromkeys((bag, _LAST_WORD.sub("", bag), bag[: max(_SHORTEST, len(bag) // 2)])):
        if len(start) < _SHORTEST:
            continue
        rows = _rows(listing, urlencode({"name_like": start}), listing.per_page)
        same = [row for row in rows if row.item.name.casefold().startswith(start.casefold())]
        if same:
            return [(row.item.pk, row.item.name) for row in same[:MOST_NEAR]]
    return []


def _rows(listing: ItemList, query: str, most: int) -> list[Row]:
    ids = find(listing.for_query(query)).page().ids[:most]
    return fetch_rows(ids, timezone.now(), listing.institutions, listing.using)
