"""What became of the parts of a split bag, in words. Pure."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext_lazy

from pharos.accounts.roles import Permission, has_permission

from ..lifecycle import BagPart, PartStatus, Party, SplitBag
from .rule import Advice

_WORDS = {
    PartStatus.DONE: pgettext_lazy("parts of a bag", "done"),
    PartStatus.FAILED: pgettext_lazy("parts of a bag", "failed"),
    PartStatus.IN_PROGRESS: pgettext_lazy("parts of a bag", "in progress"),
    PartStatus.CANCELLED: pgettext_lazy("parts of a bag", "cancelled"),
}
MOST_NAMED = 10  # missing parts that a sentence names


def describe_part(part: BagPart, bag: SplitBag) -> str:
    """Returns which part it is, and what became of all of them, for a mark: 4 of 5: 3 done, 1 missing."""
    place = _("%(number)s of %(total)s") % {"number": part.number, "total": part.total}
    counted = _count_statuses(bag)
    if missing := bag.missing_count:
        counted.append(_("%(number)s missing") % {"number": f"{missing:,}"})
    return f"{place}: {', '.join(counted)}" if counted else place


def describe_parts(bag: SplitBag) -> str:
    """Returns what became of all parts: 3 done, 1 failed, 1 never came."""
    counted = _count_statuses(bag)
    if missing := bag.missing_count:
        counted.append(_("%(number)s never came") % {"number": f"{missing:,}"})
    return ", ".join(counted)


def name_missing_parts(bag: SplitBag) -> str:
    """Returns the numbers of the parts that never came: 4, 7 … and 99,990 more."""
    named = bag.missing(MOST_NAMED)
    listed = ", ".join(map(str, named))
    if not (others := bag.missing_count - len(named)):
        return listed
    return _("%(listed)s … and %(number)s more") % {"listed": listed, "number": f"{others:,}"}


def part_word(status: PartStatus) -> str:
    """Returns what became of one part, in a word or two."""
    return str(_WORDS[status])


def _count_statuses(bag: SplitBag) -> list[str]:
    counted = ((bag.counts[status], status) for status in _WORDS)
    return [f"{number:,} {part_word(status)}" for number, status in counted if number]


def advise_on_missing(bag: SplitBag, role: str) -> Advice:
    """What to do about an item that is done, while other parts of its bag never came."""
    meaning = ngettext(
        "This part is in preservation storage, but the bag isn't complete: of its %(total)s parts, this one never came: "
        "%(missing)s.",
        "This part is in preservation storage, but the bag isn't complete: of its %(total)s parts, these never came: "
        "%(missing)s.",
        bag.missing_count,
    ) % {"total": f"{bag.total:,}", "missing": name_missing_parts(bag)}
    then = _("Upload what is missing, or check the name of the file if it was sent under another one.")
    if has_permission(role, Permission.REVIEW):
        then = f"{then} {_('If nothing more will come, mark this item as reviewed.')}"
    return Advice(meaning, Party.INSTITUTION, then, "part-missing")
