"""What the search box looks through: name, etag, object and file identifier, folded, in one column."""

from typing import Any

from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Left
from django.db.models.lookups import Exact

SEARCHED = ("name", "etag", "object_identifier", "generic_file_identifier")


def fold(text: str) -> str:
    """The form in which text is searched: without regard to case, in every alphabet."""
    return text.casefold()


# A name may have 4,000 bytes, more than an index entry of PostgreSQL can hold: long columns are indexed by their head.
HEAD = 200


def head(column: str) -> Left:
    """What the index of a long text column is made of."""
    return Left(column, HEAD)


def same_text(column: str, value: Any) -> Q:
    """The condition that a long text column equals a value or expression, said such that its index is used."""
    expression = value if hasattr(value, "resolve_expression") else Value(value)
    return Q(Exact(head(column), Left(expression, HEAD)), **{column: value})


def search_text(item: Any) -> str:
    """The searched fields of an item, folded, one per line."""
    return fold("\n".join(getattr(item, name) for name in SEARCHED))


class SearchTextField(models.TextField):
    """Derived from the row on every insert; `door` derives it again on a change of what it is made of.

    The database cannot make it: SQLite folds ASCII only.
    """

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        text = search_text(model_instance)
        setattr(model_instance, self.attname, text)
        return text
