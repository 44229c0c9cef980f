"""The filters of a list: how each value in the query string is read, its SQL condition, and the index that finds its items.

A filter is one declaration in ListFilterSet. The list, its counts, the exports, bulk changes, saved views, and version 2 of
the API with its documentation then have it.
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
from ..lifecycle import MAKE_UP, Phase
from ..models import WorkItem, in_phases
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
    """What finds the items of a filter. `workitems.listing.strategies` plans its queries by this."""

    COUNTED = "the summary table, which knows how many items of each kind there are"
    RANGE = "a range of the index on its column"
    NARROW = "an index of its own, which finds few items"
    SEARCH = "the index of the searched texts, if there is one and the text is long enough for it"
    SCANNED = "nothing: items are examined one by one, a limited number per page"


class ListFilter(django_filters.Filter):
    """One name in the query string of a list.

    `field_class` reads the value, and `condition` turns it into SQL; without one, the name is about how the list is shown.
    `strategy`: the index that helps. For a filter that is true or false this is about true; false is always scanned.
    `about`: its meaning, for the documentation of the API and docs/list-addresses.md.
    `masks`: the kinds of items that it matches, for a filter on those columns only; the summary table then answers it.
    `column`: the column whose index has the range, for IndexStrategy.RANGE.
    """

    def __init__(
        self,
        field_class: type[forms.Field],
        condition: Callable[[Any], Q] | None = None,
        strategy: IndexStrategy = IndexStrategy.SCANNED,
        *,
        about: str,
        masks: Callable[[Any], list[Mask]] | None = None,
        column: str = "",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.about = about
        self.field_class = field_class
        self.condition = condition
        self.masks = masks
        self.strategy = IndexStrategy.COUNTED if masks else strategy
        self.column = column

    def strategy_for(self, value: Any) -> IndexStrategy:
        return IndexStrategy.SCANNED if value is False and self.strategy is IndexStrategy.NARROW else self.strategy

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
    return in_phases(*map(Phase, phases))


def _one_of(column: str) -> Callable[[list[Any]], list[Mask]]:
    return lambda values: [{column: frozenset(values)}]


def _masks_of_phases(phases: list[str]) -> list[Mask]:
    return [
        {"status": frozenset(statuses)} | ({} if retry is None else {"retry": frozenset({retry})})
        for phase in phases
        for statuses, retry in MAKE_UP[Phase(phase)]
    ]


def _any_registry_action(words: list[str]) -> Q:
    return reduce(or_, (_of_registry(*REGISTRY_ACTIONS[word]) for word in words))


def _of_registry(action: str, about_file: bool | None) -> Q:
    if about_file is None:
        return Q(action=action)
    return Q(action=action) & (~Q(generic_file_identifier="") if about_file else Q(generic_file_identifier=""))


def _among(items: Callable[[], QuerySet], others: Callable[[], QuerySet]) -> Callable[[bool], Q]:
    """The condition that an item is among `items` or, for false, among `others`: "not among `items`" would be slower."""

    @cache
    def condition(wanted: bool) -> Q:
        # Building a query about uploads takes ten times as long as running it, so it is built once.
        found = WorkItem.objects.filter(pk__in=items().values("pk")) if wanted else others()
        sql, params = found.order_by().values("pk").query.sql_with_params()
        return Q(RawSQL(sql.partition(" WHERE ")[2], params, models.BooleanField()))  # noqa: S611  the ORM wrote it

    return condition


class ListFilterSet(django_filters.FilterSet):
    """Every filter. An instance has only those that are named in the query string: copying all fields would cost more than the
    query.
    """

    def __init__(self, *args: Any, names: Iterable[str], **kwargs: Any):
        self.base_filters = {name: self.declared_filters[name] for name in names}
        super().__init__(*args, **kwargs)

    item_action = ListFilter(
        WordsField,
        _any("action"),
        masks=_one_of("action"),
        words=Action,
        label=gettext_lazy("Action"),
        about="What is done.",
    )
    registry_action = ListFilter(
        WordsField, _any_registry_action, words=REGISTRY_ACTIONS, label=gettext_lazy("Action"), about="What is done."
    )
    stage = ListFilter(
        WordsField,
        _any("stage"),
        masks=_one_of("stage"),
        words=Stage,
        label=gettext_lazy("Stage"),
        about="How far it has come.",
    )
    status = ListFilter(
        WordsField,
        _any("status"),
        masks=_one_of("status"),
        words=Status,
        label=gettext_lazy("Status"),
        about="How it is doing at its stage.",
    )
    reviewed = ListFilter(
        BooleansField,
        _any("reviewed"),
        masks=_one_of("reviewed"),
        label=gettext_lazy("Reviewed"),
        about="Whether somebody at the institution has reviewed the result.",
    )
    institution = ListFilter(
        InstitutionsField,
        _any("institution_id"),
        masks=_one_of("institution_id"),
        label=gettext_lazy("Institution"),
        about="The domain or number of the institution that owns it.",
    )
    institution_id = ListFilter(
        InstitutionNumbersField,
        _any("institution_id"),
        masks=_one_of("institution_id"),
        label=gettext_lazy("Institution number"),
        about="The number of the institution that owns it.",
    )

    q = ListFilter(
        TextField,
        anywhere,
        IndexStrategy.SEARCH,
        max_length=1000,
        label=gettext_lazy("Search"),
        about="Part of the name, etag, object identifier, or file identifier.",
    )
    name = ListFilter(
        TextsField,
        _any_text("name"),
        IndexStrategy.NARROW,
        max_length=1000,
        label=gettext_lazy("Name"),
        about="The complete name of the file that was uploaded, or of what is restored or deleted.",
    )
    name_like = ListFilter(
        TextField,
        _within("name"),
        IndexStrategy.SEARCH,
        max_length=1000,
        label=gettext_lazy("Name contains"),
        about="Part of the name.",
    )
    etag = ListFilter(
        TextsField,
        _any("etag"),
        IndexStrategy.NARROW,
        max_length=255,
        label=gettext_lazy("Etag"),
        about="The complete etag of the uploaded file.",
    )
    etag_like = ListFilter(
        TextField,
        _within("etag"),
        IndexStrategy.SEARCH,
        max_length=255,
        label=gettext_lazy("Etag contains"),
        about="Part of the etag.",
    )
    object_identifier = ListFilter(
        TextsField,
        _any_text("object_identifier"),
        IndexStrategy.NARROW,
        max_length=1300,
        label=gettext_lazy("Object identifier"),
        about="The complete identifier of the object that it ingests, restores, or deletes.",
    )
    object_identifier_like = ListFilter(
        TextField,
        _within("object_identifier"),
        IndexStrategy.SEARCH,
        max_length=1300,
        label=gettext_lazy("Object identifier contains"),
        about="Part of the object identifier.",
    )
    file_identifier = ListFilter(
        TextsField,
        _any("generic_file_identifier"),
        max_length=2500,
        label=gettext_lazy("File identifier"),
        about="The complete identifier of the file, for items about a single file.",
    )
    file_identifier_like = ListFilter(
        TextField,
        _within("generic_file_identifier"),
        IndexStrategy.SEARCH,
        max_length=2500,
        label=gettext_lazy("File identifier contains"),
        about="Part of the file identifier.",
    )
    bucket = ListFilter(
        TextsField,
        _any("bucket"),
        max_length=255,
        label=gettext_lazy("Bucket"),
        about="The complete name of the receiving bucket.",
    )
    user = ListFilter(
        TextsField,
        _any("user"),
        max_length=255,
        label=gettext_lazy("Requested by"),
        about="Who requested it: the complete email address.",
    )

    received_from = ListFilter(
        DayField,
        _compare("date__gte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received from"),
        about="Received or requested on this day or later.",
    )
    received_to = ListFilter(
        DayField,
        lambda start: Q(date__lt=end_of(start)),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received to"),
        about="Received or requested on this day or earlier.",
    )
    created_after = ListFilter(
        MomentField,
        _compare("created_at__gte"),
        IndexStrategy.RANGE,
        column="created_at",
        label=gettext_lazy("Created from"),
        about="Added to this system at this time or later.",
    )
    created_before = ListFilter(
        MomentField,
        _compare("created_at__lt"),
        IndexStrategy.RANGE,
        column="created_at",
        label=gettext_lazy("Created before"),
        about="Added to this system before this time.",
    )
    updated_after = ListFilter(
        MomentField,
        _compare("updated_at__gte"),
        IndexStrategy.RANGE,
        column="updated_at",
        label=gettext_lazy("Changed from"),
        about="Changed at this time or later. For programs that fetch what is new since their last call.",
    )
    updated_before = ListFilter(
        MomentField,
        _compare("updated_at__lt"),
        IndexStrategy.RANGE,
        column="updated_at",
        label=gettext_lazy("Changed before"),
        about="Last changed before this time.",
    )
    bag_date = ListFilter(
        MomentField, _bag_made, label=gettext_lazy("Bag made"), about="When the bag was made, to the second."
    )
    size_min = ListFilter(
        SizeField, _compare("size__gte"), label=gettext_lazy("Size from"), about="At least this many bytes."
    )
    size_max = ListFilter(
        SizeField, _compare("size__lte"), label=gettext_lazy("Size to"), about="At most this many bytes."
    )
    bag_date_from = ListFilter(
        MomentField,
        _compare("bag_date__gte"),
        label=gettext_lazy("Bag made from"),
        about="The bag was made at this time or later.",
    )
    bag_date_to = ListFilter(
        MomentField,
        _compare("bag_date__lte"),
        label=gettext_lazy("Bag made to"),
        about="The bag was made at this time or earlier.",
    )
    date_from = ListFilter(
        MomentField,
        _compare("date__gte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received from this time"),
        about="Received or requested at this time or later.",
    )
    date_to = ListFilter(
        MomentField,
        _compare("date__lte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received up to this time"),
        about="Received or requested at this time or earlier.",
    )

    retry = ListFilter(
        BooleanField,
        _is(retry=True),
        masks=lambda wanted: [{"retry": frozenset({wanted})}],
        label=gettext_lazy("Retry"),
        about="Whether the system tries again automatically after a failure.",
    )
    needs_admin_review = ListFilter(
        BooleanField,
        _is(needs_admin_review=True),
        IndexStrategy.NARROW,
        label=gettext_lazy("Needs admin review"),
        about="Whether an admin of the consortium has to look at it.",
    )
    queued = ListFilter(
        BooleanField,
        _is(queued_at__isnull=False),
        label=gettext_lazy("Queued"),
        about="Whether it has been put in the workers' queue: true where `queued_at` is set.",
    )
    not_queued = ListFilter(
        BooleanField,
        _is(queued_at__isnull=True),
        label=gettext_lazy("Not queued"),
        about="Whether it has yet to be put in the workers' queue: true where `queued_at` is null.",
    )
    phase = ListFilter(
        WordsField,
        _in_phase,
        masks=_masks_of_phases,
        words=Phase,
        label=gettext_lazy("State"),
        about="Whether it is open (it can still move), held (Suspended), or closed.",
    )
    late = ListFilter(
        BooleanField,
        lambda wanted: is_late() if wanted else ~is_late(),
        IndexStrategy.NARROW,
        label=gettext_lazy("Late"),
        about="True: items that have been at their stage for longer than 95 % of similar items. False: all others.",
    )
    cause = ListFilter(
        NumbersField,
        _any("failure__cause"),
        IndexStrategy.NARROW,
        label=gettext_lazy("Cause of the last failure"),
        about="The number of the cause of its last failure, as in the links of the overview.",
    )
    failed_after = ListFilter(
        MomentField,
        _compare("failure__at__gte"),
        IndexStrategy.NARROW,
        label=gettext_lazy("Failed last, from"),
        about="Its last failure was at this time or later.",
    )
    superseded = ListFilter(
        BooleanField,
        _among(WorkItem.objects.superseded, WorkItem.objects.not_superseded),
        IndexStrategy.NARROW,
        label=gettext_lazy("Superseded"),
        about="True: open uploads that another upload of the same bag replaces. False: all others.",
    )
    duplicate = ListFilter(
        BooleanField,
        _among(WorkItem.objects.open_duplicates, WorkItem.objects.not_open_duplicates),
        IndexStrategy.NARROW,
        label=gettext_lazy("Duplicate"),
        about="True: open uploads of a file that is ingested from another upload. False: all others.",
    )
    other_upload = ListFilter(
        BooleanField,
        _among(WorkItem.objects.with_other_upload, WorkItem.objects.without_other_upload),
        label=gettext_lazy("Has another upload"),
        about="True: ingests that failed permanently or were cancelled, where another upload of the bag counts instead. False: all others.",
    )

    node = ListFilter(
        TextsField,
        _any("node"),
        IndexStrategy.NARROW,
        max_length=255,
        label=gettext_lazy("Node"),
        about="The complete name of the machine that works on it.",
    )
    node_empty = ListFilter(
        BooleanField,
        _is(node=""),
        label=gettext_lazy("No node"),
        about="True: no machine works on it. False: one does.",
    )
    node_not_empty = ListFilter(
        BooleanField,
        lambda wanted: ~Q(node="") if wanted else Q(node=""),
        label=gettext_lazy("Has node"),
        about="True: a machine works on it. False: none does.",
    )
    pid = ListFilter(
        NumbersField, _any("pid"), label=gettext_lazy("Pid"), about="The number of the process that works on it."
    )
    pid_empty = ListFilter(
        BooleanField,
        _is(pid__isnull=True),
        label=gettext_lazy("No pid"),
        about="True: no process works on it. False: one does.",
    )
    pid_not_empty = ListFilter(
        BooleanField,
        _is(pid__isnull=False),
        label=gettext_lazy("Has pid"),
        about="True: a process works on it. False: none does.",
    )

    # How the list is shown, not which items are in it.
    sort = ListFilter(
        WordsField, words=SORTS, about="The order of the rows. Rows that are equal in it are ordered by number."
    )
    page = ListFilter(NumberField, min_value=1, max_value=10**9, about="The number of the page, counted from 1.")
    per_page = ListFilter(NumberField, min_value=1, max_value=MOST_PER_PAGE, about="The number of rows per page.")
    after = ListFilter(
        TextField,
        max_length=2600,
        about="Where the page begins, as `next` carries it: nothing is skipped or seen twice while items change. Take it from there together with `page`; it is not meant to be written by hand.",
    )
    before = ListFilter(
        TextField, max_length=2600, about="Where the page ends, as the link to the previous page carries it."
    )
    format = ListFilter(WordsField, words=FORMATS, about="Whether the answer is a page or a file.")
