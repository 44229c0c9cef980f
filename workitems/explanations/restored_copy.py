"""Where a restored copy is and until when, as its note says."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..lifecycle import RESTORATIONS
from ..vocabulary import Status

_SCHEME = r"\b(?:https?|s3)://"
_CHARACTERS = r"[^\s<>\"“”|]"
_END = re.compile(
    r"\b(?:until|expires?(?: on| at)?|expiry(?:-date)?|available till|deleted (?:on|after))\b[\s:=\"“]*"
    r"((?:[A-Za-z]{3},? )?\d{1,2} [A-Za-z]{3,9} \d{4}(?: \d{2}:\d{2}(?::\d{2})?)?|[A-Za-z]{3,9} \d{1,2},? \d{4}"
    r"|\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?Z?)?)",
    re.IGNORECASE,
)
_FORMS = ("%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y")
_WEEKDAY = re.compile(r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? ", re.IGNORECASE)
_DAYS = re.compile(r"\bfor (\d{1,3}) days\b", re.IGNORECASE)


@dataclass(frozen=True)
class RestoredCopy:
    """`address`: an http, https, or s3 URL, or empty if the note has none. `until`: when the copy is deleted, if known.

    `is_whole_day`: the note only says on which day it is deleted, so `until` is the start of that day in UTC.
    """

    address: str
    until: datetime | None
    is_whole_day: bool = False

    @property
    def can_be_opened(self) -> bool:
        """Whether a browser can open the address."""
        return self.address.lower().startswith("https://")

    def is_over(self, now: datetime) -> bool:
        """Whether the copy has been deleted by now, as far as the note says."""
        return self.until is not None and self.until + timedelta(days=int(self.is_whole_day)) <= now


def find_copy(
    action: str, status: str, note: str, finished_at: datetime | None, names: Iterable[str] = ()
) -> RestoredCopy | None:
    """Returns where the copy of a successful restoration is, or None if the note says neither where nor until when.

    `names`: the item's own names, which can contain spaces inside an address.
    """
    if status != Status.SUCCESS or action not in RESTORATIONS:
        return None
    address = _address(note, names)
    until, is_whole_day = _end(note, finished_at)
    return RestoredCopy(address, until, is_whole_day) if address or until else None


def _address(note: str, names: Iterable[str]) -> str:
    own = [re.escape(name) for name in sorted(names, key=len, reverse=True) if name]
    quoted = re.search(rf"[\"“]({_SCHEME}[^\n<>\"“”|]+)[\"”]", note, re.IGNORECASE)
    if quoted:
        return quoted[1]
    if not (found := re.search(rf"{_SCHEME}(?:{'|'.join([*own, _CHARACTERS])})+", note, re.IGNORECASE)):
        return ""
    address = found[0]
    return address if any(map(address.endswith, names)) else address.rstrip(".,;:)]}'’")


def _end(note: str, finished_at: datetime | None) -> tuple[datetime | None, bool]:
    """Returns when the copy is deleted, and whether only the day is known."""
    if found := _END.search(note):
        return _read_moment(found[1]), ":" not in found[1]
    if (found := _DAYS.search(note)) and finished_at:
        return finished_at + timedelta(days=int(found[1])), False
    return None, False


def _read_moment(text: str) -> datetime | None:
    """Reads a date or time as storage services and people write it; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        plain = _WEEKDAY.sub("", text).replace(",", "")
    for form in _FORMS:
        try:
            return datetime.strptime(plain, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
