"""What has changed of a list since its page was drawn. Every page that is open asks this again and again.

The page carries a `Baseline`: a time shortly before it was drawn, and the versions that the items changed after that time had. Asked
are, in this order, and no more than LOOK of them:

- the items of the reader's scope that were changed last, back to that time, by the index that has them in this order: where
  there are none but those that the page has seen so, which is the rule, that is all;
- which of the others are in the list, or among the rows that are shown: so one that has left the list counts while it is still
  seen.

Nothing in it tells of other institutions. What is not counted: an item that comes in by an import with an old time of its own,
and one that is seen otherwise because *another* item has changed (a newer upload of its bag), or because time has passed (late).

Measured on PostgreSQL 15 with 1,000,000 items, all of `count_changes`: 0.5 ms where nothing has changed, 0.9 ms for 6 items, 8 ms where
it looks at LOOK of them; 17 ms more for a list of what is superseded or a duplicate. `take_baseline` takes 0.5 ms.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ...database import parse_bigint
from ...listing import ItemList
from ...models import WorkItem

MAX_EXAMINED = 1_000  # items that one answer looks at
MAX_REPORTED = 100  # beyond, it says "and more"
# A change carries the time at which it began, on the machine that made it. It may become visible that much later. Where more
# than SEEN items have changed in that time, the page looks back no further than to the last SEEN of them.
COMMIT_DELAY = timedelta(minutes=1)
MAX_SEEN = 50
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Baseline:
    """After which time an item must have changed, and {item: version} of those that had by then."""

    time: datetime
    seen: dict[int, int] = field(default_factory=dict)


def take_baseline(listing: ItemList, now: datetime) -> Baseline:
    """What a page of this list says later. Take it before the rows are read. One statement."""
    lately = _changed_after(listing, now - COMMIT_DELAY, MAX_SEEN + 1)
    seen = {pk: version for pk, version, _time in lately[:MAX_SEEN]}
    return Baseline(lately[MAX_SEEN][2] if len(lately) > MAX_SEEN else now - COMMIT_DELAY, seen)


def serialize(since: Baseline) -> str:
    """As text for a query string; `parse` understands it."""
    microseconds = (since.time - _EPOCH) // timedelta(microseconds=1)
    return ".".join([str(microseconds), *(f"{pk}-{version}" for pk, version in since.seen.items())])


def parse(text: str) -> Baseline:
    """Raises ValueError where the text is none that `serialize` makes."""
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
    """How many items; not `is_whole`: that many and more."""

    number: int
    is_whole: bool = True

    @property
    def sentence(self) -> str:
        if self.is_whole:
            said = ngettext("%(number)d item changed", "%(number)d items changed", self.number)
        elif self.number:
            said = ngettext("At least %(number)d item changed", "At least %(number)d items changed", self.number)
        else:
            return _("Many items changed, possibly some of these")
        return said % {"number": self.number}


def count_changes(listing: ItemList, since: Baseline, shown: Collection[int]) -> ChangeCount:
    """What has changed of a valid list, whose page shows these items. At most two statements."""
    lately = _changed_after(listing, since.time, MAX_EXAMINED + 1)
    later = {pk for pk, version, _time in lately[:MAX_EXAMINED] if since.seen.get(pk) != version}
    concerned = later.intersection(shown)
    if others := later - concerned:
        concerned |= set(listing.items().with_ids(others).values_list("pk", flat=True))
    return ChangeCount(
        min(len(concerned), MAX_REPORTED), len(concerned) <= MAX_REPORTED and len(lately) <= MAX_EXAMINED
    )


def _changed_after(listing: ItemList, time: datetime, most: int) -> list[tuple[int, int, datetime]]:
    """(item, version, time of its last change) of the list's scope, changed after this time, the last first."""
    items = WorkItem.objects.using(listing.using).visible_to(listing.user)
    if listing.chosen_institutions is not None:
        items = items.of_institutions(listing.chosen_institutions)
    return list(items.changed_after(time).values_list("pk", "version", "updated_at")[:most])
