"""The filters of a list: how each value in the query string is parsed, its SQL condition, and the index that supports it.

A filter is one declaration in ListFilterSet. The list, its counts, exports, bulk changes, saved views, and version 2 of the
API with its documentation then have it.
"""

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy

from ..durations import is_late
from ..lifecycle import Phase
from ..models import WorkItem
from ..search import any_field_contains
from ..vocabulary import REGISTRY_ACTIONS, Action, Stage, Status
from .conditions import (
    among,
    any_of,
    any_registry_action,
    any_text_of,
    bag_made_at,
    compares,
    contains,
    in_phase,
    kinds_in_phases,
    kinds_with,
    matches,
)
from .list_filter import IndexStrategy, ListFilter
from .ordering import SORTS
from .parameters import (
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


class ListFilterSet(django_filters.FilterSet):
    """Every filter. An instance only has those in the query string: copying all fields would take longer than the query."""

    def __init__(self, *args: Any, names: Iterable[str], **kwargs: Any):
        self.base_filters = {name: self.declared_filters[name] for name in names}
        super().__init__(*args, **kwargs)

    item_action = ListFilter(
        WordsField,
        any_of("action"),
        kind_conditions=kinds_with("action"),
        words=Action,
        label=gettext_lazy("Action"),
        about="What is being done.",
    )
    registry_action = ListFilter(
        WordsField,
        any_registry_action,
        words=REGISTRY_ACTIONS,
        label=gettext_lazy("Action"),
        about="What is being done.",
    )
    stage = ListFilter(
        WordsField,
        any_of("stage"),
        kind_conditions=kinds_with("stage"),
        words=Stage,
        label=gettext_lazy("Stage"),
        about="How far it has progressed.",
    )
    status = ListFilter(
        WordsField,
        any_of("status"),
        kind_conditions=kinds_with("status"),
        words=Status,
        label=gettext_lazy("Status"),
        about="How the current stage is going.",
    )
    reviewed = ListFilter(
        BooleansField,
        any_of("reviewed"),
        kind_conditions=kinds_with("reviewed"),
        label=gettext_lazy("Reviewed"),
        about="Whether someone at the institution has reviewed the result.",
    )
    institution = ListFilter(
        InstitutionsField,
        any_of("institution_id"),
        kind_conditions=kinds_with("institution_id"),
        label=gettext_lazy("Institution"),
        about="The domain or number of the institution that owns it.",
    )
    institution_id = ListFilter(
        InstitutionNumbersField,
        any_of("institution_id"),
        kind_conditions=kinds_with("institution_id"),
        label=gettext_lazy("Institution number"),
        about="The number of the institution that owns it.",
    )

    q = ListFilter(
        TextField,
        any_field_contains,
        IndexStrategy.SEARCH,
        max_length=1000,
        label=gettext_lazy("Search"),
        about="Part of the name, etag, object identifier, or file identifier.",
    )
    name = ListFilter(
        TextsField,
        any_text_of("name"),
        IndexStrategy.NARROW,
        max_length=1000,
        label=gettext_lazy("Name"),
        about="The complete name of the uploaded file, or of what is restored or deleted.",
    )
    name_like = ListFilter(
        TextField,
        contains("name"),
        IndexStrategy.SEARCH,
        max_length=1000,
        label=gettext_lazy("Name contains"),
        about="Part of the name.",
    )
    etag = ListFilter(
        TextsField,
        any_of("etag"),
        IndexStrategy.NARROW,
        max_length=255,
        label=gettext_lazy("Etag"),
        about="The complete etag of the uploaded file.",
    )
    etag_like = ListFilter(
        TextField,
        contains("etag"),
        IndexStrategy.SEARCH,
        max_length=255,
        label=gettext_lazy("Etag contains"),
        about="Part of the etag.",
    )
    object_identifier = ListFilter(
        TextsField,
        any_text_of("object_identifier"),
        IndexStrategy.NARROW,
        max_length=1300,
        label=gettext_lazy("Object identifier"),
        about="The complete identifier of the object that it ingests, restores, or deletes.",
    )
    object_identifier_like = ListFilter(
        TextField,
        contains("object_identifier"),
        IndexStrategy.SEARCH,
        max_length=1300,
        label=gettext_lazy("Object identifier contains"),
        about="Part of the object identifier.",
    )
    file_identifier = ListFilter(
        TextsField,
        any_of("generic_file_identifier"),
        max_length=2500,
        label=gettext_lazy("File identifier"),
        about="The complete identifier of the file, for items about a single file.",
    )
    file_identifier_like = ListFilter(
        TextField,
        contains("generic_file_identifier"),
        IndexStrategy.SEARCH,
        max_length=2500,
        label=gettext_lazy("File identifier contains"),
        about="Part of the file identifier.",
    )
    bucket = ListFilter(
        TextsField,
        any_of("bucket"),
        max_length=255,
        label=gettext_lazy("Bucket"),
        about="The complete name of the receiving bucket.",
    )
    user = ListFilter(
        TextsField,
        any_of("user"),
        max_length=255,
        label=gettext_lazy("Requested by"),
        about="Who requested it: the complete email address.",
    )

    received_from = ListFilter(
        DayField,
        compares("date__gte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received from"),
        about="Received or requested on or after this date.",
    )
    received_to = ListFilter(
        DayField,
        lambda start: Q(date__lt=end_of(start)),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received to"),
        about="Received or requested on or before this date.",
    )
    created_after = ListFilter(
        MomentField,
        compares("created_at__gte"),
        IndexStrategy.RANGE,
        column="created_at",
        label=gettext_lazy("Created from"),
        about="Added to this system at or after this time.",
    )
    created_before = ListFilter(
        MomentField,
        compares("created_at__lt"),
        IndexStrategy.RANGE,
        column="created_at",
        label=gettext_lazy("Created before"),
        about="Added to this system before this time.",
    )
    updated_after = ListFilter(
        MomentField,
        compares("updated_at__gte"),
        IndexStrategy.RANGE,
        column="updated_at",
        label=gettext_lazy("Updated from"),
        about="Updated at or after this time. For programs that fetch what has changed since their last request.",
    )
    updated_before = ListFilter(
        MomentField,
        compares("updated_at__lt"),
        IndexStrategy.RANGE,
        column="updated_at",
        label=gettext_lazy("Updated before"),
        about="Last updated before this time.",
    )
    bag_date = ListFilter(
        MomentField, bag_made_at, label=gettext_lazy("Bag created"), about="When the bag was created, to the second."
    )
    size_min = ListFilter(
        SizeField, compares("size__gte"), label=gettext_lazy("Size from"), about="At least this many bytes."
    )
    size_max = ListFilter(
        SizeField, compares("size__lte"), label=gettext_lazy("Size to"), about="At most this many bytes."
    )
    bag_date_from = ListFilter(
        MomentField,
        compares("bag_date__gte"),
        label=gettext_lazy("Bag created from"),
        about="The bag was created at or after this time.",
    )
    bag_date_to = ListFilter(
        MomentField,
        compares("bag_date__lte"),
        label=gettext_lazy("Bag created to"),
        about="The bag was created at or before this time.",
    )
    date_from = ListFilter(
        MomentField,
        compares("date__gte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received from this time"),
        about="Received or requested at or after this time.",
    )
    date_to = ListFilter(
        MomentField,
        compares("date__lte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received up to this time"),
        about="Received or requested at or before this time.",
    )

    retry = ListFilter(
        BooleanField,
        matches(retry=True),
        kind_conditions=lambda wanted: [{"retry": frozenset({wanted})}],
        label=gettext_lazy("Retry"),
        about="Whether the system retries automatically after a failure.",
    )
    needs_admin_review = ListFilter(
        BooleanField,
        matches(needs_admin_review=True),
        IndexStrategy.NARROW,
        label=gettext_lazy("Needs admin review"),
        about="Whether a consortium admin needs to look at it.",
    )
    queued = ListFilter(
        BooleanField,
        matches(queued_at__isnull=False),
        label=gettext_lazy("Queued"),
        about="Whether it has been added to the workers' queue: true if `queued_at` is set.",
    )
    not_queued = ListFilter(
        BooleanField,
        matches(queued_at__isnull=True),
        label=gettext_lazy("Not queued"),
        about="Whether it is still waiting to be queued: true if `queued_at` is null.",
    )
    phase = ListFilter(
        WordsField,
        in_phase,
        kind_conditions=kinds_in_phases,
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
        any_of("failure__cause"),
        IndexStrategy.NARROW,
        label=gettext_lazy("Cause of the last failure"),
        about="The number of the cause of its last failure, as in the overview's links.",
    )
    failed_after = ListFilter(
        MomentField,
        compares("failure__at__gte"),
        IndexStrategy.NARROW,
        label=gettext_lazy("Last failed since"),
        about="Last failed at or after this time.",
    )
    superseded = ListFilter(
        BooleanField,
        among(WorkItem.objects.superseded, WorkItem.objects.not_superseded),
        IndexStrategy.NARROW,
        label=gettext_lazy("Superseded"),
        about="True: open uploads that another upload of the same bag has replaced. False: all others.",
    )
    duplicate = ListFilter(
        BooleanField,
        among(WorkItem.objects.open_duplicates, WorkItem.objects.not_open_duplicates),
        IndexStrategy.NARROW,
        label=gettext_lazy("Duplicate"),
        about="True: open uploads of a file that is being or has been ingested from another upload. False: all others.",
    )
    other_upload = ListFilter(
        BooleanField,
        among(WorkItem.objects.with_other_upload, WorkItem.objects.without_other_upload),
        label=gettext_lazy("Has another upload"),
        about="True: ingests that failed permanently or were cancelled, if another upload of the bag counts "
        "instead. False: all others.",
    )

    node = ListFilter(
        TextsField,
        any_of("node"),
        IndexStrategy.NARROW,
        max_length=255,
        label=gettext_lazy("Node"),
        about="The complete name of the machine that is working on it.",
    )
    node_empty = ListFilter(
        BooleanField,
        matches(node=""),
        label=gettext_lazy("No node"),
        about="True: no machine is working on it. False: one is.",
    )
    node_not_empty = ListFilter(
        BooleanField,
        lambda wanted: ~Q(node="") if wanted else Q(node=""),
        label=gettext_lazy("Has node"),
        about="True: a machine is working on it. False: none is.",
    )
    pid = ListFilter(
        NumbersField, any_of("pid"), label=gettext_lazy("Pid"), about="The number of the process that is working on it."
    )
    pid_empty = ListFilter(
        BooleanField,
        matches(pid__isnull=True),
        label=gettext_lazy("No pid"),
        about="True: no process is working on it. False: one is.",
    )
    pid_not_empty = ListFilter(
        BooleanField,
        matches(pid__isnull=False),
        label=gettext_lazy("Has pid"),
        about="True: a process is working on it. False: none is.",
    )

    # How the list is shown, not which items are in it.
    sort = ListFilter(WordsField, words=SORTS, about="The sort order. Ties are sorted by number.")
    page = ListFilter(NumberField, min_value=1, max_value=10**9, about="The number of the page, counted from 1.")
    per_page = ListFilter(NumberField, min_value=1, max_value=MOST_PER_PAGE, about="The number of rows per page.")
    after = ListFilter(
        TextField,
        max_length=2600,
        about="Where the page starts, as given in `next`, so that no item is skipped or repeated while items change. Copy it from there together with `page`; don't construct it yourself.",
    )
    before = ListFilter(
        TextField, max_length=2600, about="Where the page ends, as given in the link to the previous page."
    )
    format = ListFilter(WordsField, words=FORMATS, about="Whether the response is a page or a file.")
