"""How text is searched: folded, in one column, and on PostgreSQL by an index of trigrams beside the items.

It knows columns and SQL, and not what an item is.
"""

from .index import build_index, is_indexed
from .text import (
    HEAD,
    SEARCHED,
    SearchTextField,
    anywhere,
    has_trigrams,
    head,
    in_second,
    same_text,
    search_text,
    within,
)

__all__ = [
    "HEAD",
    "SEARCHED",
    "SearchTextField",
    "anywhere",
    "build_index",
    "has_trigrams",
    "head",
    "in_second",
    "is_indexed",
    "same_text",
    "search_text",
    "within",
]
