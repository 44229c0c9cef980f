"""The searched text of an item: name, etag, object and file identifier, case-folded, in one column.

Also conditions on long text columns, written so that their indexes are used.
"""

import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import Any, cast

from django.db import models
from django.db.models import F, Lookup, Q, Value
from django.db.models.functions import Concat, Left
from django.db.models.lookups import Exact, In

# The searched columns, in the order of their lines in `search_text`.
SEARCHED_COLUMNS = ("name", "etag", "object_identifier", "generic_file_identifier")
# A name can take up 4,000 bytes, more than a PostgreSQL index entry can hold, so indexes cover the first letters only.
PREFIX_LENGTH = 200
_TRIGRAM = re.compile("[a-z0-9]{3}")


# Soft hyphens, zero-width spaces and joiners, marks of direction, and byte order marks: copied along unseen.
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
)
_SPACES = re.compile(r"\s+")


def visible(text: str) -> str:
    """Returns the text without characters that can't be seen."""
    return text.translate(_INVISIBLE)


def fold(text: str) -> str:
    """Returns the text in the form that is searched: visible, case-folded, in every alphabet, with single spaces, on one line."""
    return _SPACES.sub(" ", visible(text).casefold())


def build_search_text(item: Any) -> str:
    """Returns the searched fields of an item, folded, one per line."""
    return "\n".join(fold(getattr(item, name)) for name in SEARCHED_COLUMNS)


class SearchTextField(models.TextField):
    """Computed from the other columns on every insert; `transitions` sets it again when one of them changes.

    The database can't compute it, because SQLite folds ASCII only.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        text = build_search_text(model_instance)
        setattr(model_instance, self.attname, text)
        return text


@models.TextField.register_lookup
class Like(Lookup):
    """A plain SQL LIKE with a full pattern; Django's own lookups escape their argument."""

    lookup_name = "like"

    def as_sql(self, compiler, connection):
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} LIKE {right} ESCAPE '\\'", [*left_params, *right_params]


def contains_words(words: Iterable[Iterable[str]]) -> Q:
    """Returns the condition that all words occur in the searched fields; each is given in its possible spellings."""
    return reduce(and_, (_contains_one_of({fold(spelling): None for spelling in word}) for word in words))


def _contains_one_of(spellings: Iterable[str]) -> Q:
    return reduce(or_, (Q(search_text__like=f"%{_escape(spelling)}%") for spelling in spellings))


def in_copies(condition: Q) -> Q:
    """Returns the same condition on the table of copied texts, which has the index."""
    children = [
        in_copies(child) if isinstance(child, Q) else ("text__like", cast(tuple[str, str], child)[1])
        for child in condition.children
    ]
    return Q(*children, _connector=condition.connector, _negated=condition.negated)


def field_contains(column: str, text: str) -> Q:
    """Returns the condition that this searched field contains the text, ignoring case.

    `search_text` has exactly one line per field, so the number of lines before and after the match tells the field.
    """
    before = SEARCHED_COLUMNS.index(column)
    after = len(SEARCHED_COLUMNS) - 1 - before
    return Q(search_text__like="%\n" * before + f"%{_escape(fold(text))}%" + "\n%" * after)


def has_trigrams(text: str) -> bool:
    """Returns whether a trigram index narrows a search for this text. Not every database indexes letters beyond ASCII."""
    return bool(_TRIGRAM.search(fold(text)))


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class Prefix(Left):
    """`prefix` with the length written out in the SQL: SQLite doesn't match a parameter with its index."""

    def __init__(self, expression: Any, length: int = PREFIX_LENGTH, **extra: Any):
        super().__init__(expression, length, **extra)

    def as_sqlite(self, compiler, connection, **extra):
        sql, params = compiler.compile(self.source_expressions[0])
        return f"SUBSTR({sql}, 1, {PREFIX_LENGTH})", params


def prefix(column: str) -> Left:
    """Returns the expression that the index of a long text column is built on."""
    return Left(column, PREFIX_LENGTH)


def same_second(column: str, moment: datetime) -> Q:
    """Returns the condition that a time is within the same second: some clients drop the fraction."""
    whole = moment.replace(microsecond=0)
    return Q(**{f"{column}__gte": whole, f"{column}__lt": whole + timedelta(seconds=1)})


def same_text(column: str, value: Any) -> Q:
    """Returns the condition that a long text column equals a value or expression, written so that its index is used."""
    expression = value if hasattr(value, "resolve_expression") else Value(value)
    # The empty string is appended because SQLite would otherwise put the constant into the prefix, too, and not use the
    # index.
    whole = Concat(F(column), Value(""), output_field=models.TextField())
    return Q(Exact(Prefix(column), Prefix(expression)), Exact(whole, expression))


def one_of_texts(column: str, values: Collection[str]) -> Q:
    """Returns the condition that a long text column has one of these values, written so that its index is used."""
    prefixes = dict.fromkeys(value[:PREFIX_LENGTH] for value in values)
    return Q(In(Prefix(column), list(prefixes)), **{f"{column}__in": list(values)})
