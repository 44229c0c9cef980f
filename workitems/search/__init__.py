"""How text is searched: case-folded, in one column, with a trigram index on PostgreSQL.

It knows columns and SQL. It must not know what an item is.
"""

from .index import build_index, is_indexed
from .text import (
    PREFIX_LENGTH,
    SEARCHED_COLUMNS,
    SearchTextField,
    build_search_text,
    contains_words,
    field_contains,
    has_trigrams,
    in_copies,
    one_of_texts,
    prefix,
    same_second,
    same_text,
    visible,
)

__all__ = [
    "PREFIX_LENGTH",
    "SEARCHED_COLUMNS",
    "SearchTextField",
    "build_index",
    "build_search_text",
    "contains_words",
    "field_contains",
    "has_trigrams",
    "in_copies",
    "is_indexed",
    "one_of_texts",
    "prefix",
    "same_second",
    "same_text",
    "visible",
]
