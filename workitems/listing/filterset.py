"""The filters of a list: how each value in the query string is parsed, its SQL condition, and the index that supports it.

A filter is one declaration in ListFilterSet. The list, its counts, exports, bulk changes, saved views, and version 2 of the
API with its documentation then have it.
"""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy

from ..durations import is_late, is_silent
from ..lifecycle import Party, Phase
from ..models import WorkItem, in_bag_groups
from ..vocabulary import REGISTRY_ACTIONS, Action, Stage, Status
from .conditions import (
    acted_on_by,
    among,
    any_of,
    any_registry_action,
    any_text_of,
    changed_by,
    compares,
    contains,
    in_phase,
    is_open_duplicate,
    is_superseded,
    kinds_in_phases,
    kinds_with,
    matches,
    misses_parts,
)
from .list_filter import IndexStrategy, ListFilter
from .named_items import found_by
from .ordering import SORTS
from .parameters import (
    BooleanField,
    BooleansField,
    EtagField,
    EtagsField,
    IdentifiersField,
    InstitutionNumbersField,
    InstitutionsField,
    MomentField,
    NumberField,
    NumbersField,
    SearchField,
    TextField,
    TextsField,
    WordsField,
)
from .range_filters import RangeFilters

FORMATS = ("html", "csv", "json")
MOST_PER_PAGE = 1000


class ListFilterSet(RangeFilters):
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
        SearchField,
        found_by,
        IndexStrategy.SEARCH,
        label=gettext_lazy("Search"),
        about="Words that all occur in the name, etag, object identifier, or file identifier, in any order; a phrase in "
        "quotes stays together. Or up to 1,000 complete names, etags, or object identifiers, separated by line breaks, "
        "semicolons, or commas: items with any of them.",
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
        EtagsField,
        any_of("etag"),
        IndexStrategy.NARROW,
        max_length=255,
        label=gettext_lazy("Etag"),
        about="The complete etag of the uploaded file.",
    )
    etag_like = ListFilter(
        EtagField,
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
    bag_group = ListFilter(
        TextsField,
        in_bag_groups,
        IndexStrategy.NARROW,
        max_length=1300,
        label=gettext_lazy("Parts of bag"),
        about="The ingests of all parts of a split bag: its name without the part, or its object identifier.",
    )
    missing_part = ListFilter(
        BooleanField,
        misses_parts,
        IndexStrategy.NARROW,
        label=gettext_lazy("Missing part"),
        about="True: the last part received of each split bag that has been waiting for another part for two days. False: all "
        "other items.",
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

    storage_option = ListFilter(
        TextsField,
        any_of("storage_option"),
        max_length=255,
        label=gettext_lazy("Storage option"),
        about="Where the object is stored, in the registry's words.",
    )
    intellectual_object_id = ListFilter(
        NumbersField,
        any_of("intellectual_object_id"),
        label=gettext_lazy("Object number"),
        about="The registry's number of the object that it restores or deletes.",
    )
    generic_file_id = ListFilter(
        NumbersField,
        any_of("generic_file_id"),
        label=gettext_lazy("File number"),
        about="The registry's number of the file, for items about a single file.",
    )
    deletion_request_id = ListFilter(
        NumbersField,
        any_of("deletion_request_id"),
        label=gettext_lazy("Deletion request"),
        about="The registry's number of the request that a deletion belongs to.",
    )
    about_file = ListFilter(
        BooleanField,
        matches(generic_file_id__isnull=False),
        label=gettext_lazy("Has file number"),
        about="Whether it has the registry's number of a file.",
    )
    not_about_file = ListFilter(
        BooleanField,
        matches(generic_file_id__isnull=True),
        label=gettext_lazy("No file number"),
        about="Whether it has no number of a file from the registry.",
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
    claimed = ListFilter(
        BooleanField,
        lambda wanted: ~Q(node="") if wanted else Q(node=""),
        label=gettext_lazy("Claimed"),
        about="Whether a worker is working on it.",
    )
    not_claimed = ListFilter(
        BooleanField,
        matches(node=""),
        label=gettext_lazy("Not claimed"),
        about="Whether no worker is working on it.",
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
    silent = ListFilter(
        BooleanField,
        lambda wanted: is_silent() if wanted else ~is_silent(),
        IndexStrategy.NARROW,
        label=gettext_lazy("No sign of life"),
        about="True: started items that no worker has touched for a day (or as the installation is set). False: all others.",
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
    act = ListFilter(
        IdentifiersField,
        changed_by,
        IndexStrategy.NARROW,
        label=gettext_lazy("Bulk change"),
        about="The identifier of a bulk change that has changed it, as in the address of the bulk change's page.",
    )
    acts = ListFilter(
        WordsField,
        acted_on_by,
        words=(Party.INSTITUTION, Party.CONSORTIUM),
        label=gettext_lazy("Who has to act"),
        about="Who has to act on it, as its page says.",
    )
    superseded = ListFilter(
        BooleanField,
        is_superseded,
        IndexStrategy.NARROW,
        label=gettext_lazy("Superseded"),
        about="True: open uploads that another upload of the same bag has replaced. False: all others.",
    )
    duplicate = ListFilter(
        BooleanField,
        is_open_duplicate,
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
