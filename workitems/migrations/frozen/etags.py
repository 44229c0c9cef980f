"""Migration 0021: etags in quotes, weak ones, and such in capitals, as they are written now: bare and in lower case."""

import re

from django.db import transaction

PIECE = 10_000  # items that are looked at, or changed, at once
_ETAG = re.compile(r'(?:W/)?(?P<quote>"?)(?P<digits>[0-9a-f]{32}(?:-[0-9]{1,6})?)(?P=quote)', re.ASCII | re.IGNORECASE)
_LINE = 1  # of the searched text: its lines are name, etag, object identifier, file identifier


def normalize_etags(apps, connection):
    """A piece in a transaction. Whoever has changed an item in the meantime is not written over: it is read again."""
    model = apps.get_model("workitems", "WorkItem")
    items = model.objects.using(connection.alias)
    last = 0
    while rows := list(items.filter(pk__gt=last).order_by("pk").values_list("pk", "etag")[:PIECE]):
        wrong = [pk for pk, etag in rows if _bare(etag) != etag]
        while wrong:
            wrong = _write(items, connection, wrong)
        last = rows[-1][0]


def _write(items, connection, ids):
    """Those of the items that somebody else changed between the look and the write."""
    left = []
    with transaction.atomic(using=connection.alias):
        for pk, version, etag, text in items.filter(pk__in=ids).values_list("pk", "version", "etag", "search_text"):
            lines = text.split("\n")
            lines[_LINE] = _bare(etag)
            new = {"etag": _bare(etag), "search_text": "\n".join(lines)}
            if not items.filter(pk=pk, version=version).update(**new):
                left.append(pk)
    return left


def _bare(etag):
    found = _ETAG.fullmatch(etag.strip())
    return found["digits"].lower() if found else etag
