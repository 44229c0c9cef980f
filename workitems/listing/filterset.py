"""What the names of a list's query string stand for: how a value is read, its condition, and what it costs to find.

A filter is one line of ItemFilter; list, counts, export, bulk acts and API then have it.
"""

from collections.abc import Callable, Iterable
from enum import Enum
from functools import cache, reduce
from operator import or_
from typing import Any

import django_filters
from django import forms
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext_lazy

from ..counts import Mask
from ..durations import is_late
from ..lifecycle import Phase
from ..models import PHASES, WorkItem
from ..search import anywhere, in_second, same_text, within
from ..vocabulary import REGISTRY_ACTIONS, Action, Stage, Status
from .ordering import SORTS
from .parameters import (
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
)

FORMATS = ("html", "csv", "json")
MOST_PER_PAGE = 1000


class IndexStrategy(Enum):
    """How the items that a filter asks for are found: `workitems.listing.strategies` chooses its way by this."""

    COUNTED = "by the summary: it says how many there are and of which kinds"
    RANGE = "by a stretch of an index, the one of the column that it is about"
    NARROW = "by an index of its own: they are few"
    SEARCH = "by the index of the searched texts, if there is one and the text is long enough for it"
    SCANNED = "by looking at every item"


class ListFilter(django_filters.Filter):
    """One name of the query string: how its value is read, and the condition that it stands for.

    `masks`: what it asks of an item's kind, for a filter that the summary can answer. `finding`: where a condition holds for
    true and for false, it tells of true; its opposite is looked for among all. `column`: what a stretch is of.
    """

    def __init__(
        self,
        field_class: type[forms.Field],
        condition: Callable[[Any], Q] | None = None,
        finding: IndexStrategy = IndexStrategy.SCANNED,
        *,
        masks: Callable[[Any], list[Mask]] | None = None,
        column: str = "",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.field_class = field_class
        self.condition = condition
        self.masks = masks
        self.finding = IndexStrategy.COUNTED if masks else finding
        self.column = column

    def finding_of(self, value: Any) -> IndexStrategy:
        return IndexStrategy.SCANNED if value is False and self.finding is IndexStrategy.NARROW else self.finding

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


def _one_of(column: str) -> Callable[[list[Any]], list[Mask]]:
    return lambda values: [{column: frozenset(values)}]


_MASKS: dict[str, list[Mask]] = {
    Phase.OPEN: [
        {"status": frozenset({Status.PENDING, Status.STARTED})},
        {"status": frozenset({Status.FAILED}), "retry": frozenset({True})},
    ],
    Phase.HELD: [{"status": frozenset({Status.SUSPENDED})}],
    Phase.CLOSED: [
        {"status": frozenset({Status.SUCCESS, Status.CANCELLED})},
        {"status": frozenset({Status.FAILED}), "retry": frozenset({False})},
    ],
}


def _masks_of_phases(phases: list[str]) -> list[Mask]:
    return [mask for phase in phases for mask in _MASKS[phase]]


def _any_registry_action(words: list[str]) -> Q:
    return reduce(or_, (_of_registry(*REGISTRY_ACTIONS[word]) for word in words))


def _of_registry(action: str, about_file: bool | None) -> Q:
    if about_file is None:
        return Q(action=action)
    return Q(action=action) & (~Q(generic_file_identifier="") if about_file else Q(generic_file_identifier=""))


def _among(items: Callable[[], QuerySet], others: Callable[[], QuerySet]) -> Callable[[bool], Q]:
    """`items`: for which it is so; `others`: for which it is not, asked row by row and not by the former's absence."""

    @cache
    def condition(wanted: bool) -> Q:
        # To put one of uploads together takes ten times as long as to ask it, so that is done once.
        found = WorkItem.objects.filter(pk__in=items().values("pk")) if wanted else others()
        sql, params = found.order_by().values("pk").query.sql_with_params()
        return Q(RawSQL(sql.partition(" WHERE ")[2], params, models.BooleanField()))  # noqa: S611  it is the ORM's

    return condition


class ListFilterSet(django_filters.FilterSet):
    """A filter is one line here: list, counts, export, bulk acts and API then have it.

    Made for the names that a query string gives: copying the fields of all of them would cost more than the query.
    """

    def __init__(self, *args: Any, names: Iterable[str], **kwargs: Any):
        self.base_filters = {name: self.declared_filters[name] for name in names}
        super().__init__(*args, **kwargs)

    item_action = ListFilter(
        WordsField, _any("action"), masks=_one_of("action"), words=Action, label=gettext_lazy("Action")
    )
    registry_action = ListFilter(WordsField, _any_registry_action, words=REGISTRY_ACTIONS, label=gettext_lazy("Action"))
    stage = ListFilter(WordsField, _any("stage"), masks=_one_of("stage"), words=Stage, label=gettext_lazy("Stage"))
    status = ListFilter(WordsField, _any("status"), masks=_one_of("status"), words=Status, label=gettext_lazy("Status"))
    reviewed = ListFilter(BooleansField, _any("reviewed"), masks=_one_of("reviewed"), label=gettext_lazy("Reviewed"))
    institution = ListFilter(
        InstitutionsField, _any("institution_id"), masks=_one_of("institution_id"), label=gettext_lazy("Institution")
    )
    institution_id = ListFilter(
        InstitutionNumbersField,
        _any("institution_id"),
        masks=_one_of("institution_id"),
        label=gettext_lazy("Institution number"),
    )

    q = ListFilter(TextField, anywhere, IndexStrategy.SEARCH, max_length=1000, label=gettext_lazy("Search"))
    name = ListFilter(TextsField, _any_text("name"), IndexStrategy.NARROW, max_length=1000, label=gettext_lazy("Name"))
    name_like = ListFilter(
        TextField, _within("name"), IndexStrategy.SEARCH, max_length=1000, label=gettext_lazy("Name contains")
    )
    etag = ListFilter(TextsField, _any("etag"), IndexStrategy.NARROW, max_length=255, label=gettext_lazy("Etag"))
    etag_like = ListFilter(
        TextField, _within("etag"), IndexStrategy.SEARCH, max_length=255, label=gettext_lazy("Etag contains")
    )
    object_identifier = ListFilter(
        TextsField,
        _any_text("object_identifier"),
        IndexStrategy.NARROW,
        max_length=1300,
        label=gettext_lazy("Object identifier"),
    )
    object_identifier_like = ListFilter(
        TextField,
        _within("object_identifier"),
        IndexStrategy.SEARCH,
        max_length=1300,
        label=gettext_lazy("Object identifier contains"),
    )
    file_identifier = ListFilter(
        TextsField, _any("generic_file_identifier"), max_length=2500, label=gettext_lazy("File identifier")
    )
    file_identifier_like = ListFilter(
        TextField,
        _within("generic_file_identifier"),
        IndexStrategy.SEARCH,
        max_length=2500,
        label=gettext_lazy("File identifier contains"),
    )
    bucket = ListFilter(TextsField, _any("bucket"), max_length=255, label=gettext_lazy("Bucket"))
    user = ListFilter(TextsField, _any("user"), max_length=255, label=gettext_lazy("Requested by"))

    received_from = ListFilter(
        DayField,
        _compare("date__gte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received from"),
    )
    received_to = ListFilter(
        DayField,
        lambda start: Q(date__lt=end_of(start)),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received to"),
    )
    created_after = ListFilter(
        MomentField,
        _compare("created_at__gte"),
        IndexStrategy.RANGE,
        column="created_at",
        label=gettext_lazy("Created from"),
    )
    created_before = ListFilter(
        MomentField,
        _compare("created_at__lt"),
        IndexStrategy.RANGE,
        column="created_at",
        label=gettext_lazy("Created before"),
    )
    updated_after = ListFilter(
        MomentField,
        _compare("updated_at__gte"),
        IndexStrategy.RANGE,
        column="updated_at",
        label=gettext_lazy("Updated from"),
    )
    updated_before = ListFilter(
        MomentField,
        _compare("updated_at__lt"),
        IndexStrategy.RANGE,
        column="updated_at",
        label=gettext_lazy("Updated before"),
    )
    bag_date = ListFilter(MomentField, _bag_made, label=gettext_lazy("Bag created"))
    size_min = ListFilter(SizeField, _compare("size__gte"), label=gettext_lazy("Size from"))
    size_max = ListFilter(SizeField, _compare("size__lte"), label=gettext_lazy("Size to"))
    bag_date_from = ListFilter(MomentField, _compare("bag_date__gte"), label=gettext_lazy("Bag created from"))
    bag_date_to = ListFilter(MomentField, _compare("bag_date__lte"), label=gettext_lazy("Bag created to"))
    date_from = ListFilter(
        MomentField,
        _compare("date__gte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received from this time"),
    )
    date_to = ListFilter(
        MomentField,
        _compare("date__lte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received up to this time"),
    )

    retry = ListFilter(
        BooleanField,
        _is(retry=True),
        masks=lambda wanted: [{"retry": frozenset({wanted})}],
        label=gettext_lazy("Retry"),
    )
    needs_admin_review = ListFilter(
        BooleanField, _is(needs_admin_review=True), IndexStrategy.NARROW, label=gettext_lazy("Needs admin review")
    )
    queued = ListFilter(BooleanField, _is(queued_at__isnull=False), label=gettext_lazy("Queued"))
    not_queued = ListFilter(BooleanField, _is(queued_at__isnull=True), label=gettext_lazy("Not queued"))
    phase = ListFilter(WordsField, _in_phase, masks=_masks_of_phases, words=Phase, label=gettext_lazy("State"))
    late = ListFilter(
        BooleanField,
        lambda wanted: is_late() if wanted else ~is_late(),
        IndexStrategy.NARROW,
        label=gettext_lazy("Late"),
    )
    cause = ListFilter(
        NumbersField, _any("failure__cause"), IndexStrategy.NARROW, label=gettext_lazy("Cause of the last failure")
    )
    failed_after = ListFilter(
        MomentField, _compare("failure__at__gte"), IndexStrategy.NARROW, label=gettext_lazy("Last failed since")
    )
    superseded = ListFilter(
        BooleanField,
        _among(WorkItem.objects.superseded, WorkItem.objects.not_superseded),
        IndexStrategy.NARROW,
        label=gettext_lazy("Superseded"),
    )
    duplicate = ListFilter(
        BooleanField,
        _among(WorkItem.objects.open_duplicates, WorkItem.objects.not_open_duplicates),
        IndexStrategy.NARROW,
        label=gettext_lazy("Duplicate"),
    )
    other_upload = ListFilter(
        BooleanField,
        _among(WorkItem.objects.with_other_upload, WorkItem.objects.without_other_upload),
        label=gettext_lazy("Has another upload"),
    )

    node = ListFilter(TextsField, _any("node"), IndexStrategy.NARROW, max_length=255, label=gettext_lazy("Node"))
    node_empty = ListFilter(BooleanField, _is(node=""), label=gettext_lazy("No node"))
    node_not_empty = ListFilter(
        BooleanField, lambda wanted: ~Q(node="") if wanted else Q(node=""), label=gettext_lazy("Has node")
    )
    pid = ListFilter(NumbersField, _any("pid"), label=gettext_lazy("Pid"))
    pid_empty = ListFilter(BooleanField, _is(pid__isnull=True), label=gettext_lazy("No pid"))
    pid_not_empty = ListFilter(BooleanField, _is(pid__isnull=False), label=gettext_lazy("Has pid"))

    # How the list is shown, not what is in it.
    sort = ListFilter(WordsField, words=SORTS)
    page = ListFilter(NumberField, min_value=1, max_value=10**9)
    per_page = ListFilter(NumberField, min_value=1, max_value=MOST_PER_PAGE)
    after = ListFilter(TextField, max_length=2600)
    before = ListFilter(TextField, max_length=2600)
    format = ListFilter(WordsField, words=FORMATS)
