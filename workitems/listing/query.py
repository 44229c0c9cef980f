"""The query string of a list as an object, used by pages, counts, exports, bulk changes, and the API.

The names are those of the member API, version 2; a Dialect maps the names that other versions use. Every name can be left
out or blank. An unknown name or an invalid value makes the list invalid: then it has errors and no rows.
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

from ..counts import ANY_KIND, KindCondition, intersect_conditions
from ..models import WorkItem, WorkItemQuerySet
from ..search import contains_words
from ..vocabulary import MOVING
from .filterset import ListFilterSet
from .list_filter import IndexStrategy
from .names import FACETS, PAGES, PAGING_NAMES, PRESENTATION_NAMES, PROCESS_NAMES
from .ordering import Sort, after_cursor, parse_cursor
from .parameter_names import Dialect
from .parameters import BooleanField, BooleansField, WordsField, match_word, shortened
from .references import MISSING, find_references
from .search_query import SearchQuery


def known_names(user: User, dialect: Dialect = PAGES) -> list[str]:
    """Returns the names that this person can use. Filters on the process fields are only for those who can see them."""
    return [
        given for given, name in dialect.names.items() if user.can(Permission.SEE_PROCESS) or name not in PROCESS_NAMES
    ]


def _unknown_name_error(given: str, known: Iterable[str]) -> str:
    for name in get_close_matches(given, known, n=1, cutoff=0.75):
        return _("There is no filter with this name. Did you mean %(name)s?") % {"name": name}
    return _("There is no filter with this name.")


def _intersect(some: Collection[int] | None, others: Collection[int] | None) -> list[int] | None:
    """Returns what is in both, sorted; None means everything."""
    given = [set(numbers) for numbers in (some, others) if numbers is not None]
    return sorted(set.intersection(*given)) if given else None


def _are_same(name: str, some: Iterable[str], others: Iterable[str]) -> bool:
    """Returns whether a filter has the same values twice, perhaps spelled differently, so that either counts."""
    field = ListFilterSet.declared_filters[name].field
    one_at_a_time = hasattr(field, "clean_one")
    try:
        found, wanted = (
            {field.clean_one(value) if one_at_a_time else field.clean(value) for value in values}
            for values in (some, others)
        )
    except ValidationError:
        return {*some} == {*others}
    return found == wanted


def _encode(name: str, values: Iterable[Any]) -> str:
    return "&".join([f"{name}={quote_plus(str(value))}" for value in values])


class Chip(NamedTuple):
    """An active filter, and the query string without it."""

    name: str
    label: str
    value: str
    without: str


class ItemList:
    """The work items that a query string selects among those that this person can see.

    `data` is a QueryDict (or {name: [values]}) with the names of `dialect`. Everything is read lazily from the database
    named `using`. `errors` is {name as given: sentence}.
    """

    def __init__(self, data: Mapping[str, Any], user: User, dialect: Dialect = PAGES, *, using: str = DEFAULT_DB_ALIAS):
        self.user = user
        self.using = using
        self.dialect = dialect
        self.errors: dict[str, str] = {}
        self._given: dict[str, str] = {}  # {filter's name: name as given}
        self.params = self._canonical(data)

    def _canonical(self, data: Mapping[str, Any]) -> dict[str, list[str]]:
        """Returns {canonical name: values} without blank values. Unknown names become errors."""
        params: dict[str, list[str]] = {}
        known = set(known_names(self.user, self.dialect))
        for given in data:
            values = data.getlist(given) if hasattr(data, "getlist") else data[given]
            filled = list(dict.fromkeys(self._read(given, value) for value in values if value.strip()))
            if given not in known:
                if given in self.dialect.not_recorded:
                    self.errors[given] = _("Items here don't record this, so there is no list filtered by it.")
                elif given not in self.dialect.ignored:
                    self.errors[given] = _unknown_name_error(given, known)
            elif filled:
                name = self.dialect.names[given]
                if self._given.setdefault(name, given) != given and not _are_same(name, params[name], filled):
                    sentence = _("“%(one)s” and “%(other)s” are the same filter. Use only one of them.")
                    self.errors[given] = sentence % {"one": self._given[name], "other": given}
                params[name] = filled
        return params

    def _read(self, given: str, value: str) -> str:
        """Translates a value to the filter's value. A value unknown to the dialect becomes an error."""
        words = self.dialect.words.get(given)
        if words is None:
            return self._canonical_word(self.dialect.names.get(given, ""), value)
        if (found := match_word(value, words)) is None:
            sentence = _("“%(value)s” is not one of: %(words)s.")
            self.errors[given] = sentence % {"value": shortened(value), "words": ", ".join(words)}
            return ""
        return words[found]

    def _canonical_word(self, name: str, value: str) -> str:
        """Returns a word in the spelling of its list, so that it is recognized everywhere; any other value unchanged."""
        field = ListFilterSet.declared_filters[name].field if name in ListFilterSet.declared_filters else None
        if not isinstance(field, WordsField):
            return value
        words = self.dialect.sorts if name == "sort" else field.words
        return match_word(value, words) or value

    @cached_property
    def institutions(self) -> dict[int, Institution]:
        """Every institution that this person can see, by id."""
        if self.user.can(Permission.SEE_EVERY_INSTITUTION):
            return {
                institution.pk: institution
                for institution in Institution.objects.using(self.using).visible_to(self.user)
            }
        return {self.user.institution_id: self.user.institution}  # already loaded with the user

    def for_query(self, query: str) -> "ItemList":
        """Returns another list for the same reader, which reuses the institutions."""
        other = ItemList(QueryDict(query), self.user, self.dialect, using=self.using)
        other.institutions = self.institutions
        return other

    def for_queries(self, queries: Iterable[str]) -> "list[ItemList]":
        """Returns other lists for the same reader, whose references are loaded in one query for each name."""
        others = [self.for_query(query) for query in queries]
        known = {
            name: find_references(
                name, {value for other in others for value in other.params.get(name, ())}, self.user, using=self.using
            )
            for name in MISSING
        }
        for other in others:
            other.references = {
                name: {value: words[value] for value in other.params.get(name, ()) if value in words}
                for name, words in known.items()
            }
        return others

    @cached_property
    def references(self) -> dict[str, dict[str, str]]:
        """{name: {value: in words}} of the values in the query string that refer to something visible to this person."""
        return {name: find_references(name, self.params.get(name, ()), self.user, using=self.using) for name in MISSING}

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
            if len(values) > 1 and (name in PRESENTATION_NAMES or not hasattr(fields[name], "clean_one")):
                self.errors[self._given[name]] = _("Use this only once.")
        for name, messages in filters.form.errors.items():
            self.errors.setdefault(self._given[name], " ".join(str(message) for message in messages))
        for name, sentence in MISSING.items():
            if name in self.params and not self.errors and self.references[name].keys() != {*self.params[name]}:
                self.errors[self._given[name]] = str(sentence)
        for name in ("after", "before"):
            if not self.errors and name in self.params:
                self._check_cursor(name, filters.form.cleaned_data)
        if not self.errors:
            self._normalize(filters.form.cleaned_data)
        return filters

    def _normalize(self, values: Mapping[str, Any]) -> None:
        """Normalizes the spelling of values, so that links, chips, and facets recognize what is selected."""
        if "institution" in self.params:
            self.params["institution"] = [
                self.institutions[pk].identifier for pk in dict.fromkeys(values["institution"])
            ]
        if "reviewed" in self.params:
            self.params["reviewed"] = [str(value).lower() for value in dict.fromkeys(values["reviewed"])]
        # The number of rows is dropped if it equals the reader's setting, so that bookmarks follow the setting.
        if self.dialect.per_page is None and values.get("per_page") == self.user.rows_per_page:
            del self.params["per_page"]

    def _check_cursor(self, name: str, values: Mapping[str, Any]) -> None:
        [sort] = values.get("sort", [self.dialect.sort])
        try:
            parse_cursor(self.dialect.sorts[sort].columns, values[name])
        except ValidationError as error:
            self.errors[name] = " ".join(error.messages)

    def is_valid(self) -> bool:
        """Returns whether the list is valid. Call this first: an invalid list has no rows, and `errors` says why."""
        _checked = self._filter
        return not self.errors

    @property
    def cleaned_data(self) -> dict[str, Any]:
        """The parsed values of the names that were given and are valid."""
        return self._filter.form.cleaned_data

    # What `strategies` needs

    @property
    def sees_all(self) -> bool:
        return self.user.can(Permission.SEE_EVERY_INSTITUTION)

    @cached_property
    def strategies(self) -> dict[IndexStrategy, list[str]]:
        """{index strategy: names given}, without the names in PRESENTATION_NAMES."""
        found: dict[IndexStrategy, list[str]] = {}
        for name, value in self.cleaned_data.items():
            if name not in PRESENTATION_NAMES and value is not None:
                found.setdefault(self._filter.filters[name].strategy_for(value), []).append(name)
        return found

    @property
    def facet_names(self) -> list[str]:
        """The names of the facets that were given."""
        return [name for name in FACETS.values() if name in self.cleaned_data]

    @cached_property
    def scope(self) -> list[int] | None:
        """The institutions that the list covers, regardless of the facet; None means all."""
        numbers = self.cleaned_data.get("institution_id")
        return _intersect(self.user.scope, numbers)

    @cached_property
    def chosen_institutions(self) -> list[int] | None:
        """The institutions selected in the facet, within the scope; None if none is selected."""
        domains = self.cleaned_data.get("institution")
        return _intersect(self.scope, domains) if domains else None

    @cached_property
    def base_conditions(self) -> tuple[KindCondition, ...]:
        """The kinds of items that the list's filters match, ignoring the facets."""
        return self._conditions_of(
            name for name in self.strategies.get(IndexStrategy.COUNTED, ()) if name not in FACETS.values()
        )

    @cached_property
    def facet_conditions(self) -> tuple[KindCondition, ...]:
        return self._conditions_of(self.facet_names)

    @cached_property
    def kind_conditions(self) -> tuple[KindCondition, ...]:
        return intersect_conditions(self.base_conditions, self.facet_conditions)

    def _conditions_of(self, names: Iterable[str]) -> tuple[KindCondition, ...]:
        of_kinds = (name for name in names if name not in ("institution", "institution_id"))
        return reduce(
            intersect_conditions,
            (self._filter.filters[name].kind_conditions(self.cleaned_data[name]) for name in of_kinds),
            ANY_KIND,
        )

    def condition(self, name: str) -> Q:
        """Returns the condition of a name that was given."""
        return self._filter.filters[name].condition(self.cleaned_data[name])

    def text_condition(self, name: str) -> Q:
        """Returns what the condition of a search filter says about the searched text."""
        value = self.cleaned_data[name]
        return contains_words(value.words) if isinstance(value, SearchQuery) else self.condition(name)

    @property
    def search(self) -> SearchQuery:
        """What the search box has; nothing if it is blank or invalid."""
        return self.cleaned_data.get("q") or SearchQuery()

    @property
    def search_text(self) -> str:
        """The text of the search box, as it was given."""
        return self.params.get("q", [""])[0]

    def column_of(self, name: str) -> str:
        return self._filter.filters[name].column

    @property
    def range_columns(self) -> set[str]:
        """The columns on which the list has a range."""
        return {self.column_of(name) for name in self.strategies.get(IndexStrategy.RANGE, ())}

    def comparisons(self, name: str) -> list[Any]:
        """Returns the condition of a name as (lookup, value) pairs."""
        return list(self.condition(name).children)

    @property
    def range_bounds(self) -> list[tuple[str, Any]]:
        """The bounds of the ranges as (lookup, value)."""
        found = (self.comparisons(name) for name in self.strategies.get(IndexStrategy.RANGE, ()))
        return [(lookup.rpartition("__")[2], value) for [(lookup, value)] in found]

    def items(self, without: Iterable[str] = ()) -> WorkItemQuerySet:
        """Returns the items of the list unordered, ignoring the names in `without`; none if the list is invalid."""
        if not self.is_valid():
            return WorkItem.objects.none()
        items = WorkItem.objects.using(self.using).visible_to(self.user)
        for name, value in self.cleaned_data.items():
            if name not in without:
                items = self._filter.filters[name].filter(items, value)
        statuses = () if "status" in without else self.cleaned_data.get("status", ())
        return items.moving() if statuses and {*statuses} <= {*MOVING} else items

    def rows(self) -> WorkItemQuerySet:
        """Returns the items of the list in its order."""
        return self.items().order_by(*self.sort.ordering)

    def rows_after_cursor(self) -> WorkItemQuerySet:
        """Returns the rows after the cursor in `after`, or all rows if there is none."""
        if "after" not in self.cleaned_data:
            return self.rows()
        return self.rows().filter(
            after_cursor(self.sort.columns, parse_cursor(self.sort.columns, self.cleaned_data["after"]))
        )

    @property
    def selected_facets(self) -> dict[str, set[Any]]:
        """{facet: selected values}."""
        return {facet: set(self.cleaned_data.get(name, [])) for facet, name in FACETS.items()}

    @property
    def sort_name(self) -> str:
        [name] = self.cleaned_data.get("sort", [self.dialect.sort])
        return name

    @property
    def sort(self) -> Sort:
        return self.dialect.sorts[self.sort_name]

    @property
    def page(self) -> int:
        return self.cleaned_data.get("page", 1)

    @property
    def per_page(self) -> int:
        return self.cleaned_data.get("per_page") or self.dialect.per_page or self.user.rows_per_page

    @property
    def format(self) -> str:
        [name] = self.cleaned_data.get("format", ["html"])
        return name

    # Query strings

    def query(self, **changes: Any) -> str:
        """Returns the query string with some names set to a value or a list of values, or dropped if it is None.

        If anything other than the page changes, the query string leads to the first page.
        """
        dropped = ("format", *PAGING_NAMES) if changes else ("format",)
        parts = {name: part for name, part in self._encoded.items() if name not in dropped}
        for name, value in changes.items():
            parts[name] = "" if value is None else _encode(name, value if isinstance(value, list) else [value])
        return "&".join(filter(None, parts.values()))

    @cached_property
    def _encoded(self) -> dict[str, str]:
        """{name: its part of the query string}. Cached because a page has a hundred links that differ in one part."""
        _normalized = self._filter
        return {name: _encode(name, values) for name, values in self.params.items()}

    @property
    def filter_query(self) -> str:
        """The query string without the names in PRESENTATION_NAMES."""
        return self.query(**dict.fromkeys(PRESENTATION_NAMES))

    def with_toggled(self, name: str, value: str) -> str:
        """Returns the query string with one value of a name added, or removed if it is already there."""
        values = self.params.get(name, [])
        return self.query(**{name: [one for one in values if one != value] if value in values else [*values, value]})

    def chips(self) -> list[Chip]:
        """Returns a chip for each value of every active filter."""
        found = []
        for name, values in self.params.items():
            if name in PRESENTATION_NAMES:
                continue
            label = str(ListFilterSet.declared_filters[name].label)
            found += [Chip(name, label, self._word(name, value), self.with_toggled(name, value)) for value in values]
        return found

    def _word(self, name: str, value: str) -> str:
        if name in MISSING:
            return self.references[name].get(value, value)
        if isinstance(self._filter.form.fields[name], BooleanField | BooleansField):
            return self._yes_or_no(value)
        return value

    @staticmethod
    def _yes_or_no(value: str) -> str:
        """A flag as a word; unchanged if it is neither true nor false, which is an error."""
        try:
            return _("yes") if BooleanField().clean(value) else _("no")
        except ValidationError:
            return value
