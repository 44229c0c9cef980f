"""The dry run of a bulk change: what it would do with each kind of selected item."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Count
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ..lifecycle import Phase, is_damaged_copy, phase_of, requeue_stages
from ..listing import find
from ..models import find_served_stages
from ..vocabulary import Action, Status
from .run import Selection, selected_items, selected_list

AFFECTED = ""  # the verdict on an item that the move would change
ALREADY = "already"
UNSERVED = _("the queue serves no stage that they could restart at")
# {verdict: reason why an item is skipped}.
SKIPPED: dict[str, str | Promise] = {
    "open": _("not finished yet"),
    "cancelled": _("already cancelled"),
    "closed": _("already finished"),
    "succeeded": _("already succeeded and can't be requeued"),
    "unserved": UNSERVED,
    "damaged": _("damaged copies, which an APTrust admin reviews one by one"),
    "gone": _("changed since you opened the list"),
}


class Outcome(NamedTuple):
    """The values of an item that decide whether a move changes it."""

    action: str
    stage: str
    status: str
    retry: bool
    reviewed: bool

    @property
    def is_closed(self) -> bool:
        return phase_of(self.status, retry=self.retry) is Phase.CLOSED

    @property
    def is_damaged_copy(self) -> bool:
        return is_damaged_copy(self.action, self.status, retry=self.retry)


def _of_review(outcome: Outcome, user: User) -> str:
    if not outcome.is_closed:
        return "open"
    if outcome.reviewed:
        return ALREADY
    return "damaged" if outcome.is_damaged_copy else AFFECTED


def _of_unreview(outcome: Outcome, user: User) -> str:
    if not outcome.is_closed:
        return "open"
    if not outcome.reviewed:
        return ALREADY
    is_barred = outcome.is_damaged_copy and not user.can(Permission.REVIEW_FOR_CONSORTIUM)
    return "damaged" if is_barred else AFFECTED


def _of_cancel(outcome: Outcome, user: User) -> str:
    if outcome.status == Status.CANCELLED:
        return "cancelled"
    return "closed" if outcome.is_closed else AFFECTED


def _of_requeue(outcome: Outcome, user: User) -> str:
    if outcome.status == Status.SUCCESS:
        return "succeeded"
    served = find_served_stages(outcome.action)
    return AFFECTED if requeue_stages(outcome.action, outcome.stage, served) else "unserved"


VERDICTS: dict[str, Callable[[Outcome, User], str]] = {
    "review": _of_review,
    "unreview": _of_unreview,
    "cancel": _of_cancel,
    "requeue": _of_requeue,
}


@dataclass(frozen=True)
class Preview:
    """What would happen: how many items are selected, how many would change, and for how many the move is already done.

    `outcomes`: (status, number) of the items that would change; `skipped`: (reason, number) of the others. Unless
    `is_complete`, these figures only cover some of the items.
    """

    total: int
    affected: int
    already: int
    outcomes: list[tuple[str, int]]
    skipped: list[tuple[str | Promise, int]]
    is_complete: bool = True

    @property
    def can_start(self) -> bool:
        """Whether there is anything to do, or may be, because not all items were counted."""
        return bool(self.affected) or not self.is_complete


def dry_run(selection: Selection, user: User, move: str) -> Preview:
    """Returns what the move would do with a frozen selection. Changes nothing.

    If the selection is too large to be stored as ids, the figures come from the list as it is now. Items that have changed
    since the list was drawn are then only skipped during the run.
    """
    counted, outcomes = Counter[str](), Counter[str]()
    is_small = "ids" in selection.stored
    kinds = _kinds_of(selection, user) if is_small else find(selected_list(selection.stored, user)).outcomes
    for kind, number in kinds.items():
        outcome = Outcome(*kind)
        verdict = VERDICTS[move](outcome, user)
        counted[verdict] += number
        outcomes[outcome.status] += number if verdict == AFFECTED else 0
    if move == "review" and user.can(Permission.REVIEW_FOR_CONSORTIUM):
        _count_second_reviews(selection, user, counted, outcomes)
    if is_small:
        counted["gone"] = max(0, selection.total - counted.total())
    skipped = [(sentence, counted[why]) for why, sentence in SKIPPED.items() if counted[why]]
    made = [(status, number) for status, number in outcomes.most_common() if number]
    return Preview(selection.total, counted[AFFECTED], counted[ALREADY], made, skipped, selection.is_complete)


def _count_second_reviews(selection: Selection, user: User, counted: Counter[str], outcomes: Counter[str]) -> None:
    """Moves failures that an institution has reviewed, but that this review closes, away from those that are already done.

    Whether they still wait isn't part of an item's kind, so they are counted apart; an index has the few that can be meant.
    """
    waiting = selected_items(selection.stored, user).awaiting_second_review().order_by()
    for action, number in waiting.values_list("action").annotate(number=Count("pk")):
        moved = min(number, counted[ALREADY])  # of a list that is only counted in part, there can be more
        counted[ALREADY] -= moved
        counted["damaged" if action == Action.FIXITY_CHECK else AFFECTED] += moved
        outcomes[Status.FAILED] += 0 if action == Action.FIXITY_CHECK else moved


def _kinds_of(selection: Selection, user: User) -> dict[tuple[str, str, str, bool, bool], int]:
    """Returns {(action, stage, status, retry, reviewed): number} for the items that haven't changed since they were shown."""
    items = selected_items(selection.stored, user).order_by().values_list(*Outcome._fields)
    return {(*kind,): number for *kind, number in items.annotate(number=Count("pk"))}
