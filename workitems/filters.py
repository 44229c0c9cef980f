"""The query string of a list as one object: the page, its counts, the export, bulk acts and the API all read it.

Names are those of the member API, version 2; a version that spells some otherwise is a Dialect. Every name may be left out or blank. A name that is not known, or a value
that cannot be right, makes the list invalid: then it has errors, and no rows.
"""

from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property, reduce
from operator import or_
from typing import Any, NamedTuple
from urllib.parse import urlencode

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Permission

from .dialects import Dialect
from .fields import (
    UNSET,
    BooleanField,
    BooleansField,
    DayField,
    InstitutionNumbersField,
    InstitutionsField,
    MomentField,
    NumberField,
    NumbersField,
    SizeField,
    TextField,
    TextsField,
    WordsField,
    end_of,
    shortened,
    start_of,
)
from .lifecycle import Phase
from .models import PHASES, WorkItem, WorkItemQuerySet
from .orders import SORTS, Sort, beyond, read
from .search import anywhere, in_second, same_text, within
from .vocabulary import REGISTRY_ACTIONS, Action, Stage, Status

ALIASES = {
    "action": "item_action",
    "name_contains": "name_like",
    "etag_contains": "etag_like",
    "updated_since": "updated_after",
}
# Old scripts send it; it never had an effect on items.
WITHOUT_EFFECT = frozenset({"access"})
FORMATS = ("html", "csv", "json")
PER_PAGE = 25
MOST_PER_PAGE = 1000


class Where(django_filters.Filter):
    """One name of the query string: how its value is read, and the condition that it stands for."""

    def __init__(self, field_class: type[forms.Field], condition: Callable[[Any], Q] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.field_class = field_class
        self.condition = condition

    def filter(self, qs: QuerySet, value: Any) -> QuerySet:
        if self.condition is None or value is None or value == "" or value == []:
            return qs
        return qs.filter(self.condition(value))


def _any(column: str) -> Callable[[list[str]], Q]:
    return lambda values: Q(**{f"{column}__in": values})


def _any_text(column: str) -> Callable[[list[str]], Q]:
    return lambda values: reduce(or_, (same_text(column, value) for value in values))


def _within(column: str) -> Callable[[str], Q]:
    return lambda text: within(column, text)


def _is(**conditions: Any) -> Callable[[bool], Q]:
    return lambda wanted: Q(**conditions) if wanted else ~Q(**conditions)


def _compare(lookup: str) -> Callable[[Any], Q]:
    return lambda value: Q(**{lookup: value})


def _bag_made(moment: Any) -> Q:
    return Q(bag_date__isnull=True) if moment == UNSET else in_second("bag_date", moment)


def _in_phase(phases: list[str]) -> Q:
    return reduce(or_, (PHASES[Phase(phase)] for phase in phases))


def _any_registry_action(words: list[str]) -> Q:
    return reduce(or_, (_of_registry(*REGISTRY_ACTIONS[word]) for word in words))


def _of_registry(action: str, about_file: bool | None) -> Q:
    if about_file is None:
        return Q(action=action)
    return Q(action=action) & (~Q(generic_file_identifier="") if about_file else Q(generic_file_identifier=""))


def _among(items: Callable[[], QuerySet]) -> Callable[[bool], Q]:
    def condition(wanted: bool) -> Q:
        ids = Q(pk__in=items().values("pk"))
        return ids if wanted else ~ids

    return condition


class ItemFilter(django_filters.FilterSet):
    """A filter is one line here: list, counts, export, bulk acts and API then have it.

    Made for the names that a query string gives: copying the fields of all of them would cost more than the query.
    """

    def __init__(self, *args: Any, names: Iterable[str], **kwargs: Any):
        self.base_filters = {name: self.declared_filters[name] for name in names}
        super().__init__(*args, **kwargs)

    item_action = Where(WordsField, _any("action"), words=Action, label=gettext_lazy("Action"))
    registry_action = Where(WordsField, _any_registry_action, words=REGISTRY_ACTIONS, label=gettext_lazy("Action"))
    stage = Where(WordsField, _any("stage"), words=Stage, label=gettext_lazy("Stage"))
    status = Where(WordsField, _any("status"), words=Status, label=gettext_lazy("Status"))
    reviewed = Where(BooleansField, _any("reviewed"), label=gettext_lazy("Reviewed"))
    institution = Where(InstitutionsField, _any("institution_id"), label=gettext_lazy("Institution"))
    institution_id = Where(InstitutionNumbersField, _any("institution_id"), label=gettext_lazy("Institution number"))

    q = Where(TextField, anywhere, max_length=1000, label=gettext_lazy("Search"))
    name = Where(TextsField, _any_text("name"), max_length=1000, label=gettext_lazy("Name"))
    name_like = Where(TextField, _within("name"), max_length=1000, label=gettext_lazy("Name contains"))
    etag = Where(TextsField, _any("etag"), max_length=255, label=gettext_lazy("Etag"))
    etag_like = Where(TextField, _within("etag"), max_length=255, label=gettext_lazy("Etag contains"))
    object_identifier = Where(
        TextsField, _any_text("object_identifier"), max_length=1300, label=gettext_lazy("Object identifier")
    )
    object_identifier_like = Where(
        TextField, _within("object_identifier"), max_length=1300, label=gettext_lazy("Object identifier contains")
    )
    file_identifier = Where(
        TextsField, _any("generic_file_identifier"), max_length=2500, label=gettext_lazy("File identifier")
    )
    file_identifier_like = Where(
        TextField, _within("generic_file_identifier"), max_length=2500, label=gettext_lazy("File identifier contains")
    )
    bucket = Where(TextsField, _any("bucket"), max_length=255, label=gettext_lazy("Bucket"))
    user = Where(TextsField, _any("user"), max_length=255, label=gettext_lazy("Requested by"))

    received_from = Where(DayField, lambda day: Q(date__gte=start_of(day)), label=gettext_lazy("Received from"))
    received_to = Where(DayField, lambda day: Q(date__lt=end_of(day)), label=gettext_lazy("Received to"))
    created_after = Where(MomentField, _compare("created_at__gte"), label=gettext_lazy("Created from"))
    created_before = Where(MomentField, _compare("created_at__lt"), label=gettext_lazy("Created before"))
    updated_after = Where(MomentField, _compare("updated_at__gte"), label=gettext_lazy("Changed from"))
    updated_before = Where(MomentField, _compare("updated_at__lt"), label=gettext_lazy("Changed before"))
    bag_date = Where(MomentField, _bag_made, label=gettext_lazy("Bag made"))
    size_min = Where(SizeField, _compare("size__gte"), label=gettext_lazy("Size from"))
    size_max = Where(SizeField, _compare("size__lte"), label=gettext_lazy("Size to"))
    bag_date_from = Where(MomentField, _compare("bag_date__gte"), label=gettext_lazy("Bag made from"))
    bag_date_to = Where(MomentField, _compare("bag_date__lte"), label=gettext_lazy("Bag made to"))
    date_from = Where(MomentField, _compare("date__gte"), label=gettext_lazy("Received from this time"))
    date_to = Where(MomentField, _compare("date__lte"), label=gettext_lazy("Received up to this time"))

    retry = Where(BooleanField, _is(retry=True), label=gettext_lazy("Retry"))
    needs_admin_review = Where(BooleanField, _is(needs_admin_review=True), label=gettext_lazy("Needs admin review"))
    queued = Where(BooleanField, _is(queued_at__isnull=False), label=gettext_lazy("Queued"))
    not_queued = Where(BooleanField, _is(queued_at__isnull=True), label=gettext_lazy("Not queued"))
    phase = Where(WordsField, _in_phase, words=Phase, label=gettext_lazy("State"))
    superseded = Where(BooleanField, _among(WorkItem.objects.superseded), label=gettext_lazy("Superseded"))
    duplicate = Where(BooleanField, _among(WorkItem.objects.open_duplicates), label=gettext_lazy("Duplicate"))
    other_upload = Where(
        BooleanField, _among(WorkItem.objects.with_other_upload), label=gettext_lazy("Has another upload")
    )

    node = Where(TextsField, _any("node"), max_length=255, label=gettext_lazy("Node"))
    node_empty = Where(BooleanField, _is(node=""), label=gettext_lazy("No node"))
    node_not_empty = Where(
        BooleanField, lambda wanted: ~Q(node="") if wanted else Q(node=""), label=gettext_lazy("Has node")
    )
    pid = Where(NumbersField, _any("pid"), label=gettext_lazy("Pid"))
    pid_empty = Where(BooleanField, _is(pid__isnull=True), label=gettext_lazy("No pid"))
    pid_not_empty = Where(BooleanField, _is(pid__isnull=False), label=gettext_lazy("Has pid"))

    # How the list is shown, not what is in it.
    sort = Where(WordsField, words=SORTS)
    page = Where(NumberField, min_value=1, max_value=10**9)
    per_page = Where(NumberField, min_value=1, max_value=MOST_PER_PAGE)
    after = Where(TextField, max_length=2600)
    format = Where(WordsField, words=FORMATS)


SHOWN_AS = ("sort", "page", "per_page", "after", "format")
FACETS = {
    "action": "item_action",
    "stage": "stage",
    "status": "status",
    "reviewed": "reviewed",
    "institution": "institution",
}
OF_PROCESS = ("node", "node_empty", "node_not_empty", "pid", "pid_empty", "pid_not_empty")
# Names that only the API has: its callers walk a list by `after`, and the last version spells these its own way.
OF_V3 = ("registry_action", "not_queued", "date_from", "date_to")
OF_API = ("after", "bag_date_from", "bag_date_to", *OF_V3)
NAMES = {name: name for name in ItemFilter.declared_filters} | ALIASES
PAGES = Dialect(
    {given: name for given, name in NAMES.items() if name not in OF_API},
    per_page=PER_PAGE,
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


class Chip(NamedTuple):
    """An active filter, and the query string without it."""

    name: str
    label: str
    value: str
    without: str


class ItemList:
    """A list of work items, as a query string asks for it and this person may see it.

    `data` is a QueryDict (or {name: [values]}) as `dialect` spells it. Nothing is read from the database until it is needed.
    `errors` is {name as it was given: sentence}.
    """

    def __init__(self, data: Mapping[str, Any], user: User, dialect: Dialect = PAGES):
        self.user = user
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
            return {institution.pk: institution for institution in Institution.objects.visible_to(self.user)}
        return {self.user.institution_id: self.user.institution}  # it came with the person

    @cached_property
    def _filter(self) -> ItemFilter:
        filters = ItemFilter(MultiValueDict(self.params), queryset=WorkItem.objects.none(), names=self.params)
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
        if not self.errors and "after" in self.params:
            self._check_place(filters.form.cleaned_data)
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

    def _check_place(self, values: Mapping[str, Any]) -> None:
        try:
            sort = self.dialect.sorts[values.get("sort", [self.dialect.sort])[0]]
            read(sort.columns, values["after"])
        except ValidationError as error:
            self.errors["after"] = error.messages[0]

    def is_valid(self) -> bool:
        """Ask first: an invalid list has no rows, and `errors` says why, by name."""
        _checked = self._filter
        return not self.errors

    @property
    def value_of(self) -> dict[str, Any]:
        """The values as the fields have read them: of the names that were given, and are right."""
        return self._filter.form.cleaned_data

    def items(self, without: Iterable[str] = ()) -> WorkItemQuerySet:
        """The items of the list in no order, as if the names in `without` had not been given. None if it is invalid."""
        if not self.is_valid():
            return WorkItem.objects.none()
        items = WorkItem.objects.visible_to(self.user)
        for name, value in self.value_of.items():
            if name not in without:
                items = self._filter.filters[name].filter(items, value)
        return items

    def rows(self) -> WorkItemQuerySet:
        """The items of the list in its order."""
        return self.items().order_by(*self.sort.ordering)

    def rows_after(self) -> WorkItemQuerySet:
        """The rows from the place on that the query names with `after`; all of them where it names none."""
        if "after" not in self.value_of:
            return self.rows()
        return self.rows().filter(beyond(self.sort.columns, read(self.sort.columns, self.value_of["after"])))

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
        return self.value_of.get("per_page", self.dialect.per_page)

    @property
    def format(self) -> str:
        return self.value_of.get("format", ["html"])[0]

    # Query strings

    def query(self, **changes: Any) -> str:
        """The query string with some names changed: a value, a list of values, or None to drop it.

        A change of anything but the page leads back to the first page.
        """
        params = {name: values for name, values in self.params.items() if name != "format"}
        if changes:
            params.pop("page", None)
        for name, value in changes.items():
            params[name] = (
                [] if value is None else [str(one) for one in value] if isinstance(value, list) else [str(value)]
            )
        return urlencode({name: values for name, values in params.items() if values}, doseq=True)

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
            label = str(ItemFilter.declared_filters[name].label)
            found += [Chip(name, label, self._word(name, value), self.with_toggled(name, value)) for value in values]
        return found

    def _word(self, name: str, value: str) -> str:
        if isinstance(self._filter.form.fields[name], BooleanField | BooleansField):
            return _("yes") if value.strip().lower() in ("true", "1", "yes") else _("no")
        return value
