"""A rule of "What now?": when it applies, and what it says."""

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ..lifecycle import Party
from .situation import Situation

Text = str | Promise
NOTHING_FROM_YOU = _("You don't need to do anything. The note explains why.")


@dataclass(frozen=True)
class Advice:
    """What the state means, who needs to act, and what to do next.

    `why`: a short code of the rule, stable for scripts. `link`: the id of the item that `next` refers to.
    """

    meaning: Text
    who: Party
    next: Text
    why: str
    link: int | None = None


@dataclass(frozen=True)
class Rule:
    code: str
    applies: Callable[[Situation], bool]
    meaning: Text
    who: Party
    next: Text
    next_for_admin: Text | None = None
    link: Callable[[Situation], int | None] = lambda state: None
