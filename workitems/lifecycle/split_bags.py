"""Bags that are sent in parts, each its own tar file: `name.b01.of05.tar` is the first of five."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from itertools import count, islice

from ..vocabulary import Status
from .paths import Phase, phase_of

PART_WAIT = timedelta(days=2)  # a part that hasn't come for so long after the last one counts as forgotten
_PART = re.compile(r"(?P<bag>.+)\.b(?P<number>[0-9]+)\.of(?P<total>[0-9]+)\.tar", re.DOTALL)
_ENDING = re.compile(r"\.b[0-9]+\.of[0-9]+\Z")


@dataclass(frozen=True)
class BagPart:
    """What a name says: this is part `number` of the `total` parts of `bag`. People make mistakes, so any number is possible."""

    bag: str
    number: int
    total: int

    @property
    def is_possible(self) -> bool:
        """Whether there can be such a part: not the sixth of five."""
        return 1 <= self.number <= self.total


def read_part(name: str) -> BagPart | None:
    """Returns which part of a split bag a file is, or None if its name isn't that of a part."""
    found = _PART.fullmatch(name)
    return BagPart(found["bag"], int(found["number"]), int(found["total"])) if found else None


def without_part(name: str) -> str:
    """Returns the name of the complete bag: without .tar and .bNNN.ofNNN."""
    return _ENDING.sub("", name.removesuffix(".tar"))


class PartStatus(StrEnum):
    DONE = "done"
    FAILED = "failed"
    IN_PROGRESS = "in progress"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class PartUpload:
    """One upload of a part, by the id of its item. `is_recent`: received less than PART_WAIT ago."""

    item: int
    part: BagPart
    status: PartStatus
    is_recent: bool = False


def part_status(status: str, *, retry: bool) -> PartStatus:
    if phase_of(status, retry=retry) is not Phase.CLOSED:
        return PartStatus.IN_PROGRESS
    return {Status.SUCCESS: PartStatus.DONE, Status.CANCELLED: PartStatus.CANCELLED}.get(
        Status(status), PartStatus.FAILED
    )


@dataclass(frozen=True)
class SplitBag:
    """The parts of one bag that agree on their total.

    `uploads`: every upload of them, first received first. `other_totals`: what other parts of the bag say.
    """

    total: int
    uploads: tuple[PartUpload, ...]
    other_totals: tuple[int, ...] = ()

    @cached_property
    def parts(self) -> list[PartUpload]:
        """The upload of each part that counts, by number: the latest one, unless it was cancelled and another wasn't."""
        found: dict[int, PartUpload] = {}
        for upload in self.uploads:
            known = found.get(upload.part.number, upload)
            if upload.status is not PartStatus.CANCELLED or known.status is PartStatus.CANCELLED:
                found[upload.part.number] = upload
        return [found[number] for number in sorted(found)]

    @cached_property
    def counts(self) -> Counter[PartStatus]:
        """How many parts are done, failed, and so on, without those that there can't be."""
        return Counter(upload.status for upload in self.parts if upload.part.is_possible)

    @property
    def missing_count(self) -> int:
        """How many parts never came."""
        return self.total - self.counts.total()

    def missing(self, most: int) -> list[int]:
        """The numbers of the first parts that never came, at most so many. A total can be a slip of the pen: 99,999."""
        present = {upload.part.number for upload in self.parts}
        absent = (number for number in count(1) if number not in present)
        return list(islice(absent, min(most, self.missing_count)))

    @cached_property
    def carrier(self) -> int | None:
        """The item that says that parts are missing: the last received that is done.

        None while nothing is missing or done, and until no part has come for PART_WAIT. `models.split_bags` has this in SQL.
        """
        if not self.missing_count or any(upload.is_recent for upload in self.uploads):
            return None
        done = (one.item for one in self.uploads[::-1] if one.status is PartStatus.DONE and one.part.is_possible)
        return next(done, None)


def group_parts(uploads: Iterable[PartUpload]) -> list[SplitBag]:
    """Returns the split bags of these uploads of one bag, first received first: one for each total."""
    by_total: dict[int, list[PartUpload]] = {}
    for upload in uploads:
        by_total.setdefault(upload.part.total, []).append(upload)
    return [
        SplitBag(total, tuple(found), tuple(sorted(by_total.keys() - {total}))) for total, found in by_total.items()
    ]
