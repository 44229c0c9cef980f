"""Where a restored copy is and until when, as its note says."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..lifecycle import RESTORATIONS
from ..vocabulary import Status

_ADDRESS = re.compile(r"\b(?:https?|s3)://[^\s<>\"“”|]+", re.IGNORECASE)
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
    """`address`: an http, https, or s3 URL, or empty if the note has none. `until`: when the copy is deleted, if known."""

    address: str
    until: datetime | None

    @property
    def can_be_opened(self) -> bool:
        """Whether a browser can open the address."""
        return self.address.lower().startswith("https://")


def find_copy(action: str, status: str, note: str, finished_at: datetime | None) -> RestoredCopy | None:
    """Returns where the copy of a successful restoration is, or None if the note says neither where nor until when."""
    if status != Status.SUCCESS or action not in RESTORATIONS:
        return None
    found = _ADDRESS.search(note)
    address = found[0].rstrip(".,;:)]}'’") if found else ""
    until = _end(note, finished_at)
    return RestoredCopy(address, until) if address or until else None


def _end(note: str, finished_at: datetime | None) -> datetime | None:
    if found := _END.search(note):
        return _read_moment(found[1])
    if (found := _DAYS.search(note)) and finished_at:
        return finished_at + timedelta(days=int(found[1]))
    return None


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
