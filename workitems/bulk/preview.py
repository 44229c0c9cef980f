"""What a bulk act would do with what was chosen, before anything is done: a dry run, by what each item is."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User

from ..lifecycle import Phase, phase_of
from ..listing import find
from ..vocabulary import Status
from .run import Selection, chosen, listing_of

ACTS = ""  # what a verdict says of an item that the move is made with
ALREADY = "already"
# Why an item is left alone, as `Preview.skipped` says it.
SKIPPED: dict[str, str | Promise] = {
    "open": _("not finished yet"),
    "cancelled": _("already cancelled"),
    "closed": _("already finished"),
    "succeeded": _("already succeeded and can't be requeued"),
    "gone": _("changed since you opened the list"),
}


class Outcome(NamedTuple):
    """What decides about a move with an item."""

    status: str
    retry: bool
    reviewed: bool

    @property
    def is_closed(self) -> bool:
        return phase_of(self.status, retry=self.retry) is Phase.CLOSED


def _of_review(reviewed: bool) -> Callable[[Outcome], str]:
    def verdict(outcome: Outcome) -> str:
        if not outcome.is_closed:
            return "open"
        return ALREADY if outcome.reviewed == reviewed else ACTS

    return verdict


def _of_cancel(outcome: Outcome) -> str:
    if outcome.status == Status.CANCELLED:
        return "cancelled"
    return "closed" if outcome.is_closed else ACTS


def _of_requeue(outcome: Outcome) -> str:
    return "succeeded" if outcome.status == Status.SUCCESS else ACTS


VERDICTS: dict[str, Callable[[Outcome], str]] = {
    "review": _of_review(True),
    "unreview": _of_review(False),
    "cancel": _of_cancel,
    "requeue": _of_requeue,
}


@dataclass(frozen=True)
class Preview:
    """What would happen: of how many that were chosen, with how many the move would be made, and how many are so already.

    `outcomes`: (status, how many) of those that it would be made with; `skipped`: (why, how many) of the others. Not `is_whole`:
    these are some of them, and there are more.
    """

    shown: int
    acts: int
    already: int
    outcomes: list[tuple[str, int]]
    skipped: list[tuple[str | Promise, int]]
    is_whole: bool = True

    @property
    def may_begin(self) -> bool:
        """Whether there is anything to be done; of what is not whole there may be."""
        return bool(self.acts) or not self.is_whole


def dry_run(selection: Selection, user: User, move: str) -> Preview:
    """What the move would do with a selection that is `fixed`. Nothing is changed.

    Of more items than are known by number it is said by the summary, as they are now; what has changed since is seen when its
    turn comes.
    """
    counted, outcomes = Counter[str](), Counter[str]()
    is_small = "ids" in selection.stored
    kinds = _kinds_of(selection, user) if is_small else find(listing_of(selection.stored, user)).outcomes
    for kind, number in kinds.items():
        verdict = VERDICTS[move](Outcome(*kind))
        counted[verdict] += number
        outcomes[kind[0]] += number if verdict == ACTS else 0
    if is_small:
        counted["gone"] = max(0, selection.shown - counted.total())
    skipped = [(sentence, counted[why]) for why, sentence in SKIPPED.items() if counted[why]]
    made = [(status, number) for status, number in outcomes.most_common() if number]
    return Preview(selection.shown, counted[ACTS], counted[ALREADY], made, skipped, selection.is_whole)


def _kinds_of(selection: Selection, user: User) -> dict[tuple[str, bool, bool], int]:
    """{(status, retry, reviewed): number} of what is still as it was shown, in one statement."""
    items = chosen(selection.stored, user).order_by().values_list("status", "retry", "reviewed")
    return {(status, retry, reviewed): number for status, retry, reviewed, number in items.annotate(number=Count("pk"))}
