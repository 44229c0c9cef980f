"""Which upload of a bag counts: annotations for superseded and duplicate uploads.

The rule comes from the last section of the member API's Item page, version 8. A bag is identified by institution and name. When
it is uploaded again with a different etag, only the upload received last is processed; with the same etag, the bag is
ingested once. An upload that has reached Store is an exception: workers finish it, and a newer one follows as an update. None
of this is stored, so it stays correct in whatever order items arrive.

Rows are typed Any, because the type checker loses the class of an annotated queryset.

In these conditions OuterRef("…") is the row being tested, and OuterRef(OuterRef("…")) the row it is tested for.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BigIntegerField, Case, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.expressions import Combinable

from ..database import WORK_ITEMS, fetch_prepared
from ..lifecycle import REPLACEABLE_STAGES
from ..search import PREFIX_LENGTH, same_text
from ..vocabulary import Action, Status
from .phases import CLOSED, NOT_CLOSED

FAILED_PERMANENTLY = CLOSED & Q(status=Status.FAILED)
CANCELLED = Q(status=Status.CANCELLED)
# An upload that failed permanently or was cancelled replaces nothing.
COUNTS = NOT_CLOSED | Q(status=Status.SUCCESS)
REPLACEABLE = NOT_CLOSED & Q(stage__in=REPLACEABLE_STAGES)
UNSTOPPABLE = NOT_CLOSED & ~Q(stage__in=REPLACEABLE_STAGES)


def _siblings(items: QuerySet) -> QuerySet:
    """Returns ingests of the same bag, among all items: an upload counts even for readers who can't see it."""
    return items.filter(
        same_text("name", OuterRef("name")), action=Action.INGEST, institution_id=OuterRef("institution_id")
    ).order_by()


def _received_relative_to(side: str, date: Combinable, number: Combinable) -> Q:
    """Returns the condition "received before" ("lt") or "received after" ("gt"). At the same instant the id decides."""
    return Q(**{f"date__{side}": date}) | Q(**{"date": date, f"id__{side}": number})


_BEFORE = _received_relative_to("lt", OuterRef("date"), OuterRef("id"))
_AFTER = _received_relative_to("gt", OuterRef("date"), OuterRef("id"))
_BEFORE_OUTER_ROW = _received_relative_to("lt", OuterRef(OuterRef("date")), OuterRef(OuterRef("id")))


def _originals(items: QuerySet) -> QuerySet:
    """Returns earlier uploads with the same etag that are being or have been ingested, oldest first.

    Leaves out uploads that are superseded themselves, that were followed by an ingest of another etag (successful or
    still open), or whose object has been deleted since. In these cases the same file must be ingested again.
    """
    changed = _siblings(items).filter(COUNTS, _AFTER, ~Q(etag=OuterRef("etag")))
    changed_between = changed.filter(_BEFORE_OUTER_ROW)
    deleted = items.filter(
        same_text("object_identifier", OuterRef("object_identifier")),
        ~Q(object_identifier=""),
        action=Action.DELETE,
        status=Status.SUCCESS,
        institution_id=OuterRef("institution_id"),
        generic_file_identifier="",
        date__gte=OuterRef("date"),
        date__lte=OuterRef(OuterRef("date")),
    ).order_by()
    ingested = (Q(status=Status.SUCCESS) | UNSTOPPABLE) & ~Exists(changed_between) & ~Exists(deleted)
    being_ingested = REPLACEABLE & ~Exists(changed)
    return (
        _siblings(items).filter(_BEFORE, etag=OuterRef("etag")).filter(ingested | being_ingested).order_by("date", "id")
    )


def _processed_uploads(items: QuerySet) -> QuerySet:
    """Returns uploads of the bag that are processed in their own right, newest first."""
    return (
        annotate_duplicates(_siblings(items).filter(COUNTS), items)
        .filter(duplicate_of_id=None)
        .order_by("-date", "-id")
    )


def _first_id(rows: QuerySet) -> Subquery:
    return Subquery(rows.values("id")[:1])


def annotate_duplicates(rows: Any, items: QuerySet) -> Any:
    """Adds `duplicate_of_id` to the rows: the upload of the same file that is ingested instead, or null."""
    asked = Q(action=Action.INGEST) & ~Q(status=Status.CANCELLED)
    original = Case(When(asked, then=_first_id(_originals(items))), output_field=BigIntegerField())
    return rows.annotate(duplicate_of_id=original)


def annotate_superseded(rows: Any, items: QuerySet) -> Any:
    """Adds `superseded_by_id` to the rows: the later upload that is processed instead of an open one, or null."""
    other_etag = _siblings(items).filter(COUNTS, _AFTER, ~Q(etag=OuterRef("etag")))
    asked = Q(REPLACEABLE, action=Action.INGEST) & Exists(other_etag)
    # The first later upload of another etag is never a duplicate, so the newest that is processed is a later one, too.
    replacement = Case(When(asked, then=_first_id(_processed_uploads(items))), output_field=BigIntegerField())
    return rows.annotate(superseded_by_id=replacement)


def annotate_awaited(rows: Any, items: QuerySet) -> Any:
    """Adds `waits_for_id` to the rows: the latest earlier upload that is finished before an open one starts, or null."""
    earlier = _siblings(items).filter(UNSTOPPABLE, _BEFORE, ~Q(etag=OuterRef("etag"))).order_by("-date", "-id")
    asked = Q(REPLACEABLE, action=Action.INGEST)
    return rows.annotate(waits_for_id=Case(When(asked, then=_first_id(earlier)), output_field=BigIntegerField()))


def annotate_other_uploads(rows: Any, items: QuerySet) -> Any:
    """Adds `other_upload_id` to the rows: for failed or cancelled ingests, another upload of the bag to look at.

    For a permanent failure this is the latest of the later uploads; for a cancelled item, the latest upload that is open
    or has succeeded. Otherwise it is null.
    """
    failed = Q(FAILED_PERMANENTLY, action=Action.INGEST)
    later = _siblings(items).filter(_AFTER).exclude(status=Status.CANCELLED).order_by("-date", "-id")
    cancelled = Q(CANCELLED, action=Action.INGEST)
    processed = _siblings(items).filter(COUNTS).order_by("-date", "-id")
    other = Case(
        When(failed, then=_first_id(later)),
        When(cancelled, then=_first_id(processed)),
        output_field=BigIntegerField(),
    )
    return rows.annotate(other_upload_id=other)


def count_ingests(bags: Iterable[tuple[int, str]], using: str = DEFAULT_DB_ALIAS) -> Counter[tuple[int, str]]:
    """Returns {(institution, name): number of ingests} for these bags. A bag with one ingest has no other upload."""
    heads = sorted({(owner, name[:PREFIX_LENGTH]) for owner, name in bags})
    if not heads:
        return Counter()
    if connections[using].vendor == "postgresql":
        given, head = "SELECT * FROM unnest(%s::bigint[], %s::text[])", "LEFT(i.name, {})"
        index = ""
        params: list[Any] = [list(column) for column in zip(*heads, strict=True)]
    else:
        given, head = f"VALUES {', '.join(['(%s, %s)'] * len(heads))}", "SUBSTR(i.name, 1, {})"
        index = "INDEXED BY item_same_bag"  # without statistics SQLite would choose another index
        params = [value for pair in heads for value in pair]
    found = fetch_prepared(
        using,
        f"WITH bags(owner, head) AS ({given}) SELECT i.institution_id, i.name FROM bags CROSS JOIN {WORK_ITEMS} i {index}"
        f" WHERE i.action = %s AND i.institution_id = bags.owner AND {head.format(PREFIX_LENGTH)} = bags.head",
        [*params, Action.INGEST],
    )
    return Counter(found)
