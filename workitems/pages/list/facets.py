"""The facets in the left column of a list, with the count of each value.

A count is the number of items that one sees after clicking the value's name. It takes into account the scope, the
search, the dates, and every other facet, but not its own facet. Every number on the page, including the total, is added
up from the result of `listing.find`. For a list narrowed only by the left column, that comes from the summary table.
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

KIND_FACETS = ("action", "stage", "status", "reviewed")  # in the order of counts.Kind
LABELS: dict[str, str | Promise] = {
    "action": _("Action"),
    "stage": _("Stage"),
    "status": _("Status"),
    "reviewed": _("Reviewed"),
    "institution": _("Institution"),
}


def format_total(total: int, *, is_complete: bool) -> str:
    """The number of items in a list as text; a lower bound if not `is_complete`."""
    number = intcomma(total)
    if is_complete:
        return number
    if not total:
        return gettext("none so far")
    return (gettext("more than %(number)s") if total >= COUNT_LIMIT else gettext("at least %(number)s")) % {
        "number": number
    }


@dataclass(slots=True)
class FacetValue:
    """A value of a facet. The queries are query strings: with only this value, and with this value added or removed."""

    value: str
    label: str
    explanation: str
    count: int
    is_selected: bool
    only_query: str
    toggled_query: str


@dataclass(frozen=True)
class FacetGroup:
    """A facet in the left column. `cleared_query`: the query string without it."""

    name: str
    label: str | Promise
    values: list[FacetValue]
    has_selection: bool
    cleared_query: str


class Facets:
    """The counts of a list. `total`: how many items it has. `totals_without[facet]`: how many it would have without
    that facet.

    `is_complete`: the total is exact. `is_exact`: the counts of the values are exact. Otherwise, there are more. `result`:
    gives access to the rows; None for an invalid list.
    """

    def __init__(self, listing: ItemList):
        self.listing = listing
        self.result = find(listing) if listing.is_valid() else None
        self.counts: dict[str, Counter[Any]] = {facet: Counter() for facet in FACETS}
        if self.result:
            self._add_counts(self.result.counts)
        self.total = self.result.total if self.result else 0
        self.is_complete = self.result is None or self.result.is_complete
        self.is_exact = self.result is None or self.result.is_exact
        self.totals_without = {facet: sum(counts.values()) for facet, counts in self.counts.items()}

    @property
    def formatted_total(self) -> str:
        """The total as text; a lower bound if not all items were counted."""
        return format_total(self.total, is_complete=self.is_complete)

    def _add_counts(self, counts: FacetCounts) -> None:
        selected = self.listing.selected_facets
        facets = [(facet, position, selected[facet]) for position, facet in enumerate(KIND_FACETS)]
        for kind, number in counts.kinds.items():
            excluding = [facet for facet, position, chosen in facets if chosen and kind[position] not in chosen]
            # A kind excluded by only one facet counts there: a click in that facet would include it.
            for facet, position, _chosen in facets:
                if not excluding or excluding == [facet]:
                    self.counts[facet][kind[position]] += number
        self.counts["institution"].update(counts.institutions)

    def groups(self) -> list[FacetGroup]:
        """The facets that this reader can see."""
        facets = [facet for facet in FACETS if facet != "institution"]
        if self.listing.user.can(Permission.SEE_EVERY_INSTITUTION):
            facets.append("institution")
        return [self._group(facet) for facet in facets]

    def _group(self, facet: str) -> FacetGroup:
        name = FACETS[facet]
        chosen = self.listing.params.get(name, [])
        choices = (
            _institution_choices(self.listing) if facet == "institution" else _vocabulary_choices(facet, get_language())
        )
        values = [
            FacetValue(
                value=value,
                label=label,
                explanation=explanation,
                count=self.counts[facet][key],
                is_selected=value in chosen,
                only_query=(only := self.listing.query(**{name: value})),
                toggled_query=self.listing.with_toggled(name, value) if chosen else only,
            )
            for value, label, explanation, key, is_always_listed in choices
            if is_always_listed or value in chosen or self.counts[facet][key]
        ]
        return FacetGroup(facet, LABELS[facet], values, bool(chosen), self.listing.query(**{name: None}))


class FacetChoice(NamedTuple):
    """A choice of a facet. `value`: in the URL; `key`: in the counts; `is_always_listed`: even if its count is 0."""

    value: str
    label: str
    explanation: str
    key: Any
    is_always_listed: bool


_TERMS: dict[str, Any] = {"action": ACTIONS, "stage": STAGES, "status": STATUSES}


@cache
def _vocabulary_choices(facet: str, _language: str | None) -> list[FacetChoice]:
    """The choices from the vocabulary in the current language, cached so that they aren't translated for every page."""
    if facet == "reviewed":
        flags = [("false", _("Not reviewed"), False), ("true", _("Reviewed"), True)]
        return [FacetChoice(value, str(label), "", key, True) for value, label, key in flags]
    explanations = EXPLANATIONS[facet]
    words = {str(word): term.always_listed for word, term in _TERMS[facet].items()}
    return [FacetChoice(word, word, str(explanations.get(word, "")), word, always) for word, always in words.items()]


def _institution_choices(listing: ItemList) -> list[FacetChoice]:
    known = sorted(listing.institutions.values(), key=lambda one: one.identifier)
    return [FacetChoice(one.identifier, one.identifier, "", one.pk, False) for one in known]


@dataclass(frozen=True)
class DropHint:
    """A filter of an empty list, and how many items the list would have without it: more if not `is_complete`."""

    name: str
    label: str
    count: int
    is_complete: bool
    query_without: str


def suggest_drops(listing: ItemList) -> list[DropHint]:
    """The filters of an empty list whose removal would show items, most items first."""
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
                DropHint(name, f"{label}: {values}", found.total, found.is_complete, listing.query(**{name: None}))
            )
    return sorted(hints, key=lambda hint: -hint.count)
