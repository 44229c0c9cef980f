"""Counts the items of a list that have changed since its page was rendered. Open pages poll this.

The page carries a `Baseline`: a time shortly before it was rendered, and the versions of the items that had changed
after that time. Counting takes two steps and examines at most MAX_EXAMINED items:

- Read the most recently changed items in the reader's scope, back to that time, from the index in that order. Usually
  there are none except those in the baseline, and counting ends here.
- Find out which of the others are in the list or among the rows on the page. So an item that has left the list still
  counts while the page shows it.

The count reveals nothing about other institutions. It misses an item that is imported with an old time of its own, and
one that looks different only because *another* item has changed (a newer upload of its bag) or because time has passed
(it is late).

Measured on PostgreSQL 15 with 1,000,000 items: `count_changes` takes 0.5 ms if nothing has changed, 0.9 ms for 6 items,
and 8 ms for MAX_EXAMINED items, plus 17 ms for a list of superseded or duplicate items. `take_baseline` takes 0.5 ms.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ...database import parse_bigint
from ...listing import ItemList
from ...models import WorkItem

MAX_EXAMINED = 1_000  # items examined per request
MAX_REPORTED = 100  # above this, only a lower bound is reported
# A change has the time at which it began, by the clock of the machine that made it, and can become visible this much
# later. If more than MAX_SEEN items have changed within that time, the baseline starts at the latest MAX_SEEN of them.
COMMIT_DELAY = timedelta(minutes=1)
MAX_SEEN = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Baseline:
    """`time`: changes after it count. `seen`: {item: version} of the items whose change the page already shows."""

    time: datetime
    seen: dict[int, int] = field(default_factory=dict)


def take_baseline(listing: ItemList, now: datetime) -> Baseline:
    """The baseline for a page of this list. Take it before reading the rows. One statement."""
    recent = _changed_after(listing, now - COMMIT_DELAY, MAX_SEEN + 1)
    seen = {pk: version for pk, version, _time in recent[:MAX_SEEN]}
    return Baseline(recent[MAX_SEEN][2] if len(recent) > MAX_SEEN else now - COMMIT_DELAY, seen)


def serialize(baseline: Baseline) -> str:
    """The baseline as text for a query string."""
    microseconds = (baseline.time - _EPOCH) // timedelta(microseconds=1)
    return ".".join([str(microseconds), *(f"{pk}-{version}" for pk, version in baseline.seen.items())])


def parse(text: str) -> Baseline:
    """The baseline in a text made by `serialize`. Raises ValueError for any other text."""
    time, *seen = text.split(".")
    if len(seen) > MAX_SEEN:
        raise ValueError(text)
    pairs = [one.split("-") for one in seen]
    if not all(len(pair) == 2 for pair in pairs):
        raise ValueError(text)
    try:
        return Baseline(
            _EPOCH + timedelta(microseconds=_number(time)),
            {_number(pk): _number(version) for pk, version in pairs},
        )
    except OverflowError:
        raise ValueError(text) from None


def _number(text: str) -> int:
    found = parse_bigint(text)
    if found is None:
        raise ValueError(text)
    return found


@dataclass(frozen=True)
class ChangeCount:
    """How many items have changed; if not `is_complete`, there are more."""

    number: int
    is_complete: bool = True

    @property
    def sentence(self) -> str:
        if self.is_complete:
            text = ngettext("%(number)d item changed", "%(number)d items changed", self.number)
        elif self.number:
            text = ngettext("At least %(number)d item changed", "At least %(number)d items changed", self.number)
        else:
            return _("Many items changed, possibly some of these")
        return text % {"number": self.number}


def count_changes(listing: ItemList, baseline: Baseline, shown: Collection[int]) -> ChangeCount:
    """Counts the changes in a valid list whose page shows these items. At most two statements."""
    recent = _changed_after(listing, baseline.time, MAX_EXAMINED + 1)
    changed = {pk for pk, version, _time in recent[:MAX_EXAMINED] if baseline.seen.get(pk) != version}
    counted = changed.intersection(shown)
    if others := changed - counted:
        counted |= set(listing.items().with_ids(others).values_list("pk", flat=True))
    is_complete = len(counted) <= MAX_REPORTED and len(recent) <= MAX_EXAMINED
    return ChangeCount(min(len(counted), MAX_REPORTED), is_complete)


def _changed_after(listing: ItemList, time: datetime, most: int) -> list[tuple[int, int, datetime]]:
    """(item, version, time of its last change) in the list's scope after this time, latest first, at most `most`."""
    items = WorkItem.objects.using(listing.using).visible_to(listing.user)
    if listing.chosen_institutions is not None:
        items = items.of_institutions(listing.chosen_institutions)
    return list(items.changed_after(time).values_list("pk", "version", "updated_at")[:most])
