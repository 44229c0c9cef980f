"""Dialects: how each kind of caller spells a list's query string, the pages and each version of the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .ordering import SORTS, Sort


@dataclass(frozen=True)
class Dialect:
    """How one kind of caller spells the query string.

    - `names`: {the caller's name: the filter's name}
    - `words`: {the caller's name: {the caller's value: the filter's value}}; names without an entry use the filter's
      values
    - `per_page`: rows per page by default; None means the reader's setting
    - `ignored`: names that are accepted without effect
    - `not_recorded`: names of the systems before this one, for values that no item has here; an error says so
    """

    names: Mapping[str, str]
    per_page: int | None
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sorts: Mapping[str, Sort] = field(default_factory=lambda: SORTS)
    sorts_in_words: str = ""  # for error messages, where listing all of them would be too long
    sort: str = "date"
    ignored: frozenset[str] = frozenset()
    not_recorded: frozenset[str] = frozenset()
