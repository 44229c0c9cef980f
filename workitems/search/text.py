"""What the search box looks through: name, etag, object and file identifier, folded, in one column.

Also how long text columns are compared so that their indexes are used.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Lookup, Q, Value
from django.db.models.functions import Concat, Left
from django.db.models.lookups import Exact

# The searched columns, one line each in `search_text`, in this order.
SEARCHED = ("name", "etag", "object_identifier", "generic_file_identifier")
# A name may have 4,000 bytes, more than an index entry of PostgreSQL can hold: long columns are indexed by their head.
HEAD = 200
_TRIGRAM = re.compile("[a-z0-9]{3}")


def fold(text: str) -> str:
    """The form in which text is searched: without regard to case, in every alphabet, on one line."""
    return text.casefold().replace("\n", " ")


def search_text(item: Any) -> str:
    """The searched fields of an item, folded, one per line."""
    return "\n".join(fold(getattr(item, name)) for name in SEARCHED)


class SearchTextField(models.TextField):
    """Derived from the row on every insert; `door` derives it again on a change of what it is made of.

    The database cannot make it: SQLite folds ASCII only.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        text = search_text(model_instance)
        setattr(model_instance, self.attname, text)
        return text


@models.TextField.register_lookup
class Like(Lookup):
    """A plain SQL LIKE with a whole pattern; Django's own lookups escape what they are given."""

    lookup_name = "like"

    def as_sql(self, compiler, connection):
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} LIKE {right} ESCAPE '\\'", [*left_params, *right_params]


def anywhere(text: str) -> Q:
    """The condition that some searched field contains the text."""
    return Q(search_text__like=f"%{_escape(fold(text))}%")


def within(column: str, text: str) -> Q:
    """The condition that one of the searched fields contains the text, without regard to case.

    `search_text` has exactly one line per field, so the lines before and after the match say which field it is in.
    """
    before = SEARCHED.index(column)
    after = len(SEARCHED) - 1 - before
    return Q(search_text__like="%\n" * before + f"%{_escape(fold(text))}%" + "\n%" * after)


def has_trigrams(text: str) -> bool:
    """Whether an index by trigrams narrows a search for this text. Letters beyond ASCII it knows in some databases only."""
    return bool(_TRIGRAM.search(fold(text)))


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class Head(Left):
    """`head` as a query says it, with the number written out: SQLite does not match a parameter with its index."""

    def __init__(self, expression: Any, length: int = HEAD, **extra: Any):
        super().__init__(expression, length, **extra)

    def as_sqlite(self, compiler, connection, **extra):
        sql, params = compiler.compile(self.source_expressions[0])
        return f"SUBSTR({sql}, 1, {HEAD})", params


def head(column: str) -> Left:
    """What the index of a long text column is made of."""
    return Left(column, HEAD)


def in_second(column: str, moment: datetime) -> Q:
    """The condition that a time lies in the same whole second: not every client keeps the fractions."""
    whole = moment.replace(microsecond=0)
    return Q(**{f"{column}__gte": whole, f"{column}__lt": whole + timedelta(seconds=1)})


def same_text(column: str, value: Any) -> Q:
    """The condition that a long text column equals a value or expression, said such that its index is used."""
    expression = value if hasattr(value, "resolve_expression") else Value(value)
    # Joined with nothing: else SQLite puts the constant into the head as well, and then knows its index no more.
    whole = Concat(F(column), Value(""), output_field=models.TextField())
    return Q(Exact(Head(column), Head(expression)), Exact(whole, expression))
