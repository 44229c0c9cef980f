"""How text is searched: case-folded, in one column, with a trigram index on PostgreSQL.

It knows columns and SQL. It must not know what an item is.
"""

from .index import build_index, is_indexed
from .text import (
    PREFIX_LENGTH,
    SEARCHED_COLUMNS,
    SearchTextField,
    any_field_contains,
    build_search_text,
    field_contains,
    has_trigrams,
    prefix,
    same_second,
    same_text,
)

__all__ = [
    "PREFIX_LENGTH",
    "SEARCHED_COLUMNS",
    "SearchTextField",
    "any_field_contains",
    "build_index",
    "build_search_text",
    "field_contains",
    "has_trigrams",
    "is_indexed",
    "prefix",
    "same_second",
    "same_text",
]
