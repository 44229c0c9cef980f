"""Migration 0028: searched texts without invisible characters, and with single spaces."""

import re

from django.db import transaction

PIECE = 10_000  # items that are looked at, or changed, at once
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
)
_SPACES = re.compile(r"\s+")


def fold_texts(apps, connection):
    """A piece in a transaction. Whoever has changed an item in the meantime is not written over: it is read again."""
    items = apps.get_model("workitems", "WorkItem").objects.using(connection.alias)
    last = 0
    while rows := list(items.filter(pk__gt=last).order_by("pk").values_list("pk", "search_text")[:PIECE]):
        wrong = [pk for pk, text in rows if _folded(text) != text]
        while wrong:
            wrong = _write(items, connection, wrong)
        last = rows[-1][0]


def _write(items, connection, ids):
    """Those of the items that somebody else changed between the look and the write."""
    left = []
    with transaction.atomic(using=connection.alias):
        for pk, text in items.filter(pk__in=ids).values_list("pk", "search_text"):
            if not items.filter(pk=pk, search_text=text).update(search_text=_folded(text)):
                left.append(pk)
    return left


def _folded(text):
    return "\n".join(_SPACES.sub(" ", line.translate(_INVISIBLE)) for line in text.split("\n"))
