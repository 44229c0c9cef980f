"""Which upload of a bag counts: superseded and duplicate uploads, as columns computed beside an item's row.

The rule is the last section of the member API's Item page, version 8: a bag is its institution and name. Uploaded again
with another etag, only the upload received last is processed; with the same etag, the bag is ingested once. Nothing of
it is stored, so it stays right in whatever order the items arrive.

Rows are typed Any: to the type checker, a queryset with another column is no longer of its class.

In every condition here OuterRef("…") is the row asked about, OuterRef(OuterRef("…")) the row that that one was asked for.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BigIntegerField, Case, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.expressions import Combinable

from ..database import WORK_ITEMS, fetched
from ..search import HEAD, same_text
from ..vocabulary import Action, Status
from .phases import CLOSED, NOT_CLOSED

FAILED_FOR_GOOD = CLOSED & Q(status=Status.FAILED)
CANCELLED = Q(status=Status.CANCELLED)


def _siblings(items: QuerySet) -> QuerySet:
    """Ingests of the same bag. Of all items, whoever looks: an upload counts whether or not it is shown."""
    return items.filter(
        same_text("name", OuterRef("name")), action=Action.INGEST, institution_id=OuterRef("institution_id")
    ).order_by()


def _received(side: str, date: Combinable, number: Combinable) -> Q:
    """Received before ("lt") or after ("gt"); of two at the same instant, the one recorded later is the later one."""
    return Q(**{f"date__{side}": date}) | Q(**{"date": date, f"id__{side}": number})


_BEFORE = _received("lt", OuterRef("date"), OuterRef("id"))
_AFTER = _received("gt", OuterRef("date"), OuterRef("id"))
_BEFORE_THE_LAST = _received("lt", OuterRef(OuterRef("date")), OuterRef(OuterRef("id")))


def _originals(items: QuerySet) -> QuerySet:
    """Earlier uploads with the same etag that are being or have been ingested, the oldest first.

    Not one that is superseded itself, nor one after which the bag was ingested, or waits to be, with other contents, nor
    one whose object was deleted since: then the same file is rightly ingested again.
    """
    changed = _siblings(items).filter(_AFTER, ~Q(etag=OuterRef("etag"))).exclude(status=Status.CANCELLED)
    changed_between = changed.filter(NOT_CLOSED | Q(status=Status.SUCCESS), _BEFORE_THE_LAST)
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
    ingested = Q(status=Status.SUCCESS) & ~Exists(changed_between) & ~Exists(deleted)
    being_ingested = NOT_CLOSED & ~Exists(changed)
    return (
        _siblings(items).filter(_BEFORE, etag=OuterRef("etag")).filter(ingested | being_ingested).order_by("date", "id")
    )


def _replacements(items: QuerySet) -> QuerySet:
    """Later uploads of the bag that are processed in their own right, the last first."""
    later = _siblings(items).filter(_AFTER).exclude(status=Status.CANCELLED)
    return with_duplicates(later, items).filter(duplicate_of_id=None).order_by("-date", "-id")


def with_duplicates(rows: Any, items: QuerySet) -> Any:
    """`rows` with `duplicate_of_id`: the upload that is ingested instead of the row, which is the same file again; or null."""
    asked = Q(action=Action.INGEST) & ~Q(status=Status.CANCELLED)
    original = Subquery(_originals(items).values("id")[:1])
    return rows.annotate(duplicate_of_id=Case(When(asked, then=original), output_field=BigIntegerField()))


def with_superseded(rows: Any, items: QuerySet) -> Any:
    """`rows` with `superseded_by_id`: the later upload that is processed instead of the row, still open; or null."""
    other_etag = _siblings(items).filter(_AFTER, ~Q(etag=OuterRef("etag"))).exclude(status=Status.CANCELLED)
    asked = Q(NOT_CLOSED, action=Action.INGEST) & Exists(other_etag)
    replacement = Subquery(_replacements(items).values("id")[:1])
    return rows.annotate(superseded_by_id=Case(When(asked, then=replacement), output_field=BigIntegerField()))


def with_other(rows: Any, items: QuerySet) -> Any:
    """`rows` with `other_upload_id`, for ingests that ended badly: another upload of the bag to look at; or null.

    For one that failed for good, the last later upload; for a cancelled one, the last that is open or has succeeded.
    """
    failed = Q(FAILED_FOR_GOOD, action=Action.INGEST)
    later = _siblings(items).filter(_AFTER).exclude(status=Status.CANCELLED).order_by("-date", "-id")
    cancelled = Q(CANCELLED, action=Action.INGEST)
    processed = _siblings(items).filter(NOT_CLOSED | Q(status=Status.SUCCESS)).order_by("-date", "-id")
    other = Case(
        When(failed, then=Subquery(later.values("id")[:1])),
        When(cancelled, then=Subquery(processed.values("id")[:1])),
        output_field=BigIntegerField(),
    )
    return rows.annotate(other_upload_id=other)


def ingests_of_bags(bags: Iterable[tuple[int, str]], using: str = DEFAULT_DB_ALIAS) -> Counter[tuple[int, str]]:
    """{(institution, name): number of ingests} of these bags. A bag with one has no other upload, so nobody need ask for it."""
    heads = sorted({(owner, name[:HEAD]) for owner, name in bags})
    if not heads:
        return Counter()
    if connections[using].vendor == "postgresql":
        given, head = "SELECT * FROM unnest(%s::bigint[], %s::text[])", "LEFT(i.name, {})"
        index = ""
        params: list[Any] = [list(column) for column in zip(*heads, strict=True)]
    else:
        given, head = f"VALUES {', '.join(['(%s, %s)'] * len(heads))}", "SUBSTR(i.name, 1, {})"
        index = "INDEXED BY item_same_bag"  # as long as it knows no statistics, it would take another
        params = [value for pair in heads for value in pair]
    found = fetched(
        using,
        f"WITH bags(owner, head) AS ({given}) SELECT i.institution_id, i.name FROM bags CROSS JOIN {WORK_ITEMS} i {index}"
        f" WHERE i.action = %s AND i.institution_id = bags.owner AND {head.format(HEAD)} = bags.head",
        [*params, Action.INGEST],
    )
    return Counter(found)
