"""The query string of a list as one object: the page, its counts, the export, bulk acts and the API all read it.

Names are those of the member API, version 2; a version that spells some otherwise is a Dialect. Every name may be left out or blank. A name that is not known, or a value
that cannot be right, makes the list invalid: then it has errors, and no rows.
"""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property, reduce
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Permission

from ..counts import ANYTHING, Mask, both
from ..failures import causes_with
from ..lifecycle import PROCESS
from ..models import WorkItem, WorkItemQuerySet
from ..vocabulary import MOVING
from .filterset import IndexStrategy, ListFilterSet
from .ordering import Sort, after_cursor, read
from .parameter_names import Dialect
from .parameters import BooleanField, BooleansField, shortened

ALIASES = {
    "action": "item_action",
    "name_contains": "name_like",
    "etag_contains": "etag_like",
    "updated_since": "updated_after",
}
# Old scripts send it; it never had an effect on items.
WITHOUT_EFFECT = frozenset({"access"})
# How the list is shown, not what is in it.
SHOWN_AS = ("sort", "page", "per_page", "after", "before", "format")
PLACES = ("page", "after", "before")
FACETS = {
    "action": "item_action",
    "stage": "stage",
    "status": "status",
    "reviewed": "reviewed",
    "institution": "institution",
}
OF_PROCESS = tuple(f"{name}{ending}" for name in sorted(PROCESS) for ending in ("", "_empty", "_not_empty"))
# Names that the API does not have, that its last version alone has, as it spells them its own way, and that the pages do not have.
OF_PAGES = ("before", "format")
OF_V3 = ("registry_action", "not_queued", "date_from", "date_to")
OF_API = ("bag_date_from", "bag_date_to", *OF_V3)
NAMES = {name: name for name in ListFilterSet.declared_filters} | ALIASES
PAGES = Dialect(
    {given: name for given, name in NAMES.items() if name not in OF_API},
    per_page=None,
    ignored=WITHOUT_EFFECT,
)


def known_names(user: User, dialect: Dialect = PAGES) -> list[str]:
    """What this person may write. Who may not see which process holds an item cannot ask for it either."""
    return [
        given for given, name in dialect.names.items() if user.can(Permission.SEE_PROCESS) or name not in OF_PROCESS
    ]


def _no_such_name(given: str, known: Iterable[str]) -> str:
    if close := get_close_matches(given, known, n=1, cutoff=0.75):
        return _("There is no filter of this name. Did you mean %(name)s?") % {"name": close[0]}
    return _("There is no filter of this name.")


def _both(some: Collection[int] | None, others: Collection[int] | None) -> list[int] | None:
    """What is in both, in order; None is everything."""
    given = [set(numbers) for numbers in (some, others) if numbers is not None]
    return sorted(set.intersection(*given)) if given else None


def _in_query(name: str, values: Iterable[Any]) -> str:
    return "&".join([f"{name}={quote_plus(str(value))}" for value in values])


class Chip(NamedTuple):
    """An active filter, and the query string without it."""

    name: str
    label: str
    value: str
    without: str


class ItemList:
    """A list of work items, as a query string asks for it and this person may see it.

    `data` is a QueryDict (or {name: [values]}) as `dialect` spells it. Nothing is read from the database until it is needed;
    all of it, the counts and the rows, from the one called `using`.
    `errors` is {name as it was given: sentence}.
    """

    def __init__(self, data: Mapping[str, Any], user: User, dialect: Dialect = PAGES, *, using: str = DEFAULT_DB_ALIAS):
        self.user = user
        self.using = using
        self.dialect = dialect
        self.errors: dict[str, str] = {}
        self._given: dict[str, str] = {}  # {filter's name: the name as it was given}
        self.params = self._canonical(data)

    def _canonical(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        """{canonical name: values}, without blank ones; names that are not known become errors."""
        params: dict[str, list[str]] = {}
        known = set(known_names(self.user, self.dialect))
        for given in data:
            values = data.getlist(given) if hasattr(data, "getlist") else data[given]
            filled = list(dict.fromkeys(self._read(given, value) for value in values if value.strip()))
            if given not in known:
                if given not in self.dialect.ignored:
                    self.errors[given] = _no_such_name(given, known)
            elif filled:
                name = self.dialect.names[given]
                if self._given.setdefault(name, given) != given:
                    sentence = _("“%(one)s” and “%(other)s” ask the same; give one of them.")
                    self.errors[given] = sentence % {"one": self._given[name], "other": given}
                params[name] = filled
        return params

    def _read(self, given: str, value: str) -> str:
        """A value in the filter's own words; one that the dialect does not have becomes an error."""
        words = self.dialect.words.get(given)
        if words is None:
            return value
        if value not in words:
            sentence = _("“%(value)s” is not one of: %(words)s.")
            self.errors[given] = sentence % {"value": shortened(value), "words": ", ".join(words)}
        return words.get(value, "")

    @cached_property
    def institutions(self) -> dict[int, Institution]:
        """Every institution that this person may know of, by id."""
        if self.user.can(Permission.SEE_EVERY_INSTITUTION):
            return {
                institution.pk: institution
                for institution in Institution.objects.using(self.using).visible_to(self.user)
            }
        return {self.user.institution_id: self.user.institution}  # it came with the person

    def beside(self, query: str) -> "ItemList":
        """Another list of the same reader's, which need not look the institutions up again."""
        other = ItemList(QueryDict(query), self.user, self.dialect, using=self.using)
        other.institutions = self.institutions
        return other

    def all_beside(self, queries: Iterable[str]) -> "list[ItemList]":
        """Other lists of the same reader's; the causes that they ask for are looked up all at once."""
        others = [self.beside(query) for query in queries]
        known = self._causes_of({number for other in others for number in other.params.get("cause", ())})
        for other in others:
            other.causes = {number: known[number] for number in other.params.get("cause", ()) if number in known}
        return others

    @cached_property
    def causes(self) -> dict[str, str]:
        """{number: text} of the causes that are asked for, and that an item which this person may see has failed for."""
        return self._causes_of(self.params.get("cause", ()))

    def _causes_of(self, numbers: Collection[str]) -> dict[str, str]:
        if not numbers:
            return {}
        return {str(pk): text for pk, text in causes_with(numbers, self.user.scope, using=self.using)}

    @cached_property
    def _filter(self) -> ListFilterSet:
        filters = ListFilterSet(MultiValueDict(self.params), queryset=WorkItem.objects.none(), names=self.params)
        fields = filters.form.fields
        for name in fields.keys() & {"institution", "institution_id"}:
            fields[name].known = {one.identifier: one.pk for one in self.institutions.values()}
        if "sort" in fields:
            fields["sort"].words = list(self.dialect.sorts)
            fields["sort"].in_words = self.dialect.sorts_in_words
        for name, values in self.params.items():
            if len(values) > 1 and (name in SHOWN_AS or not hasattr(fields[name], "clean_one")):
                self.errors[self._given[name]] = _("This can be given only once.")
        for name, messages in filters.form.errors.items():
            self.errors.setdefault(self._given[name], " ".join(str(message) for message in messages))
        if "cause" in self.params and not self.errors and self.causes.keys() != {*self.params["cause"]}:
            self.errors[self._given["cause"]] = _("There is no cause of failures with this number.")
        for name in ("after", "before"):
            if not self.errors and name in self.params:
                self._check_place(name, filters.form.cleaned_data)
        if not self.errors:
            self._spell_alike(filters.form.cleaned_data)
        return filters

    def _spell_alike(self, values: Mapping[str, Any]) -> None:
        """One spelling per value, so that links, chips and the left column recognise what is chosen."""
        if "institution" in self.params:
            self.params["institution"] = [
                self.institutions[pk].identifier for pk in dict.fromkeys(values["institution"])
            ]
        if "reviewed" in self.params:
            self.params["reviewed"] = [str(value).lower() for value in dict.fromkeys(values["reviewed"])]
        # As many rows as the reader has set need not be said: what is bookmarked then follows the setting.
        if self.dialect.per_page is None and values.get("per_page") == self.user.rows_per_page:
            del self.params["per_page"]

    def _check_place(self, name: str, values: Mapping[str, Any]) -> None:
        try:
            sort = self.dialect.sorts[values.get("sort", [self.dialect.sort])[0]]
            read(sort.columns, values[name])
        except ValidationError as error:
            self.errors[name] = error.messages[0]

    def is_valid(self) -> bool:
        """Ask first: an invalid list has no rows, and `errors` says why, by name."""
        _checked = self._filter
        return not self.errors

    @property
    def value_of(self) -> dict[str, Any]:
        """The values as the fields have read them: of the names that were given, and are right."""
        return self._filter.form.cleaned_data

    # What `finding` asks, to choose its way

    @property
    def sees_all(self) -> bool:
        return self.user.can(Permission.SEE_EVERY_INSTITUTION)

    @cached_property
    def ways(self) -> dict[IndexStrategy, list[str]]:
        """{how they are found: the names given}, without those that only say how the list is shown."""
        found: dict[IndexStrategy, list[str]] = {}
        for name, value in self.value_of.items():
            if name not in SHOWN_AS and value is not None:
                found.setdefault(self._filter.filters[name].strategy_for(value), []).append(name)
        return found

    @property
    def left(self) -> list[str]:
        """The names of the left column that are given."""
        return [name for name in FACETS.values() if name in self.value_of]

    @cached_property
    def scope(self) -> list[int] | None:
        """The institutions that the list is about, whatever is chosen of them in the left column; None: all."""
        numbers = self.value_of.get("institution_id")
        return _both(self.user.scope, numbers)

    @cached_property
    def chosen(self) -> list[int] | None:
        """The institutions of the scope that are chosen in the left column; None: nothing is chosen there."""
        domains = self.value_of.get("institution")
        return _both(self.scope, domains) if domains else None

    @cached_property
    def base_masks(self) -> tuple[Mask, ...]:
        """What the list asks of an item's kind, beside the left column."""
        return self._masks_of(name for name in self.ways.get(IndexStrategy.COUNTED, ()) if name not in FACETS.values())

    @cached_property
    def left_masks(self) -> tuple[Mask, ...]:
        return self._masks_of(self.left)

    @cached_property
    def masks(self) -> tuple[Mask, ...]:
        return both(self.base_masks, self.left_masks)

    def _masks_of(self, names: Iterable[str]) -> tuple[Mask, ...]:
        of_kinds = (name for name in names if name not in ("institution", "institution_id"))
        return reduce(both, (self._filter.filters[name].masks(self.value_of[name]) for name in of_kinds), ANYTHING)

    def condition(self, name: str) -> Q:
        """What a name that was given stands for."""
        return self._filter.filters[name].condition(self.value_of[name])

    def column_of(self, name: str) -> str:
        return self._filter.filters[name].column

    @property
    def stretch_columns(self) -> set[str]:
        """The columns that the list has a stretch of."""
        return {self.column_of(name) for name in self.ways.get(IndexStrategy.RANGE, ())}

    def comparisons(self, name: str) -> list[Any]:
        """What a name stands for, as (lookup, value)."""
        return list(self.condition(name).children)

    @property
    def bounds(self) -> list[tuple[str, Any]]:
        """The ends of the stretches, as (lookup, value)."""
        found = (self.comparisons(name) for name in self.ways.get(IndexStrategy.RANGE, ()))
        return [(lookup.rpartition("__")[2], value) for [(lookup, value)] in found]

    def items(self, without: Iterable[str] = ()) -> WorkItemQuerySet:
        """The items of the list in no order, as if the names in `without` had not been given. None if it is invalid."""
        if not self.is_valid():
            return WorkItem.objects.none()
        items = WorkItem.objects.using(self.using).visible_to(self.user)
        for name, value in self.value_of.items():
            if name not in without:
                items = self._filter.filters[name].filter(items, value)
        statuses = () if "status" in without else self.value_of.get("status", ())
        return items.moving() if statuses and {*statuses} <= {*MOVING} else items

    def rows(self) -> WorkItemQuerySet:
        """The items of the list in its order."""
        return self.items().order_by(*self.sort.ordering)

    def rows_after(self) -> WorkItemQuerySet:
        """The rows from the place on that the query names with `after`; all of them where it names none."""
        if "after" not in self.value_of:
            return self.rows()
        return self.rows().filter(after_cursor(self.sort.columns, read(self.sort.columns, self.value_of["after"])))

    @property
    def selected(self) -> dict[str, set[Any]]:
        """What is chosen in the left column: {facet: values}."""
        return {facet: set(self.value_of.get(name, [])) for facet, name in FACETS.items()}

    @property
    def sort_name(self) -> str:
        return self.value_of.get("sort", [self.dialect.sort])[0]

    @property
    def sort(self) -> Sort:
        return self.dialect.sorts[self.sort_name]

    @property
    def page(self) -> int:
        return self.value_of.get("page", 1)

    @property
    def per_page(self) -> int:
        return self.value_of.get("per_page") or self.dialect.per_page or self.user.rows_per_page

    @property
    def format(self) -> str:
        return self.value_of.get("format", ["html"])[0]

    # Query strings

    def query(self, **changes: Any) -> str:
        """The query string with some names changed: a value, a list of values, or None to drop it.

        A change of anything but the page leads back to the first page.
        """
        dropped = ("format", *PLACES) if changes else ("format",)
        parts = {name: part for name, part in self._written.items() if name not in dropped}
        for name, value in changes.items():
            parts[name] = "" if value is None else _in_query(name, value if isinstance(value, list) else [value])
        return "&".join(filter(None, parts.values()))

    @cached_property
    def _written(self) -> dict[str, str]:
        """Each name with its values as a query string has it: a page has a hundred links that differ in one of them."""
        _spelt_alike = self._filter
        return {name: _in_query(name, values) for name, values in self.params.items()}

    @property
    def filter_query(self) -> str:
        """What is in the list, without how it is shown."""
        return self.query(**dict.fromkeys(SHOWN_AS))

    def with_toggled(self, name: str, value: str) -> str:
        """The query string with one value of a name added, or removed where it is there."""
        values = self.params.get(name, [])
        return self.query(**{name: [one for one in values if one != value] if value in values else [*values, value]})

    def chips(self) -> list[Chip]:
        """Every active filter, value by value."""
        found = []
        for name, values in self.params.items():
            if name in SHOWN_AS:
                continue
            label = str(ListFilterSet.declared_filters[name].label)
            found += [Chip(name, label, self._word(name, value), self.with_toggled(name, value)) for value in values]
        return found

    def _word(self, name: str, value: str) -> str:
        if name == "cause":
            return self.causes.get(value, value)
        if isinstance(self._filter.form.fields[name], BooleanField | BooleansField):
            return _("yes") if BooleanField().clean(value) else _("no")
        return value
