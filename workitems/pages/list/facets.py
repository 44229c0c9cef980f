"""The left column: how many items each value of a group would show.

A count says how many items one sees after clicking the value's name. It obeys the scope, the search, the dates and every
other group, and not its own group. Every number on the page, the total among them, is added up from what `finding` has found:
of a list that only the left column narrows, from the summary.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from pharos.accounts.roles import Permission

from ...counts import FacetCounts
from ...listing import COUNT_LIMIT, FACETS, ItemList, find
from ...vocabulary import ACTIONS, EXPLANATIONS, STAGES, STATUSES

KIND_FACETS = ("action", "stage", "status", "reviewed")  # where they stand in a counts.Kind
LABELS: dict[str, str | Promise] = {
    "action": _("Action"),
    "stage": _("Stage"),
    "status": _("Status"),
    "reviewed": _("Reviewed"),
    "institution": _("Institution"),
}


def format_total(total: int, *, is_whole: bool) -> str:
    """How many items are in a list, as far as anybody has looked."""
    number = intcomma(total)
    if is_whole:
        return number
    if not total:
        return gettext("none so far")
    return (gettext("more than %(number)s") if total >= COUNT_LIMIT else gettext("at least %(number)s")) % {
        "number": number
    }


@dataclass(slots=True)
class FacetValue:
    """One line of a group. `only` and `toggled` are query strings: only this value, and this one added or removed."""

    value: str
    label: str
    explanation: str
    count: int
    is_selected: bool
    only: str
    toggled: str


@dataclass(frozen=True)
class FacetGroup:
    name: str
    label: str | Promise
    values: list[FacetValue]
    has_selection: bool
    cleared: str  # the query string without this group


class Facets:
    """The counts of a list. `total`: how many items are in it; `without[facet]`: how many if that group were dropped.

    `is_whole`: the total is exact; `is_exact`: the counts of the values are. Where not, there are more. `found`: the way to the
    rows; None for an invalid list.
    """

    def __init__(self, listing: ItemList):
        self.listing = listing
        self.found = find(listing) if listing.is_valid() else None
        self.counts: dict[str, Counter[Any]] = {facet: Counter() for facet in FACETS}
        if self.found:
            self._add_counts(self.found.counts)
        self.total = self.found.total if self.found else 0
        self.is_whole = self.found is None or self.found.is_whole
        self.is_exact = self.found is None or self.found.is_exact
        self.without = {facet: sum(counts.values()) for facet, counts in self.counts.items()}

    @property
    def formatted_total(self) -> str:
        """How many items are in the list, as far as anybody has looked."""
        return format_total(self.total, is_whole=self.is_whole)

    def _add_counts(self, tally: FacetCounts) -> None:
        selected = self.listing.selected_facets
        facets = [(facet, position, selected[facet]) for position, facet in enumerate(KIND_FACETS)]
        for kind, number in tally.kinds.items():
            outside = [facet for facet, position, chosen in facets if chosen and kind[position] not in chosen]
            # A kind that only its own group leaves out is what a click in that group would bring in.
            for facet, position, _chosen in facets:
                if not outside or outside == [facet]:
                    self.counts[facet][kind[position]] += number
        self.counts["institution"].update(tally.institutions)

    def groups(self) -> list[FacetGroup]:
        """The left column, as this person sees it."""
        facets = [facet for facet in FACETS if facet != "institution"]
        if self.listing.user.can(Permission.SEE_EVERY_INSTITUTION):
            facets.append("institution")
        return [self._group(facet) for facet in facets]

    def _group(self, facet: str) -> FacetGroup:
        name = FACETS[facet]
        chosen = self.listing.params.get(name, [])
        lines = (
            _institution_choices(self.listing) if facet == "institution" else _vocabulary_choices(facet, get_language())
        )
        values = [
            FacetValue(
                value=value,
                label=label,
                explanation=explanation,
                count=self.counts[facet][key],
                is_selected=value in chosen,
                only=(only := self.listing.query(**{name: value})),
                toggled=self.listing.with_toggled(name, value) if chosen else only,
            )
            for value, label, explanation, key, always in lines
            if always or value in chosen or self.counts[facet][key]
        ]
        return FacetGroup(facet, LABELS[facet], values, bool(chosen), self.listing.query(**{name: None}))


class FacetChoice(NamedTuple):
    """`value`: in the URL; `key`: in the cells; `always`: listed when there is none of it, too."""

    value: str
    label: str
    explanation: str
    key: Any
    always: bool


_TERMS: dict[str, Any] = {"action": ACTIONS, "stage": STAGES, "status": STATUSES}


@cache
def _vocabulary_choices(facet: str, _language: str | None) -> list[FacetChoice]:
    """The vocabulary's, in the present language: translated once, and not on every page."""
    if facet == "reviewed":
        flags = [("false", _("Not reviewed"), False), ("true", _("Reviewed"), True)]
        return [FacetChoice(value, str(label), "", key, True) for value, label, key in flags]
    said = EXPLANATIONS[facet]
    words = {str(word): term.always_listed for word, term in _TERMS[facet].items()}
    return [FacetChoice(word, word, str(said.get(word, "")), word, always) for word, always in words.items()]


def _institution_choices(listing: ItemList) -> list[FacetChoice]:
    known = sorted(listing.institutions.values(), key=lambda one: one.identifier)
    return [FacetChoice(one.identifier, one.identifier, "", one.pk, False) for one in known]


@dataclass(frozen=True)
class DropHint:
    """For an empty list: a filter, and what the list would give without it (`is_whole`: not more)."""

    name: str
    label: str
    count: int
    is_whole: bool
    without: str


def suggest_drops(listing: ItemList) -> list[DropHint]:
    """Which filters to drop to see something, the most fruitful first."""
    hints = []
    for name in dict.fromkeys(chip.name for chip in listing.chips()):
        found = find(
            ItemList(
                {key: values for key, values in listing.params.items() if key != name},
                listing.user,
                using=listing.using,
            )
        )
        if found.total:
            values = ", ".join(chip.value for chip in listing.chips() if chip.name == name)
            label = next(chip.label for chip in listing.chips() if chip.name == name)
            hints.append(
                DropHint(name, f"{label}: {values}", found.total, found.is_whole, listing.query(**{name: None}))
            )
    return sorted(hints, key=lambda hint: -hint.count)
