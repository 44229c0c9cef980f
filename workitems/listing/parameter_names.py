"""Dialects: the names and values that the pages and each version of the API use in a list's query string."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .ordering import SORTS, Sort


@dataclass(frozen=True)
class Dialect:
    """The names and values that one kind of caller uses.

    - `names`: {the caller's name: the filter's name}
    - `words`: {the caller's name: {the caller's value: the filter's value}}, for names whose values differ from the
      filter's
    - `per_page`: rows per page by default; None means the reader's setting
    - `ignored`: names that are accepted without effect
    """

    names: Mapping[str, str]
    per_page: int | None
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sorts: Mapping[str, Sort] = field(default_factory=lambda: SORTS)
    sorts_in_words: str = ""  # describes the orders in error messages, if listing all of them would be too long
    sort: str = "date"
    ignored: frozenset[str] = frozenset()
