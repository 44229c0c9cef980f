"""How one kind of caller spells the query string of a list: the pages, and each version of the API."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .ordering import SORTS, Sort


@dataclass(frozen=True)
class Dialect:
    """`names`: {what a caller writes: the filter's own name}. `words`: {what a caller writes: {a value there: the filter's value}};
    a name without an entry takes the filter's own values. `ignored`: names that are taken and mean nothing.
    `per_page`: rows of a page where nothing is said; None: as many as the reader has set.
    """

    names: Mapping[str, str]
    per_page: int | None
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sorts: Mapping[str, Sort] = field(default_factory=lambda: SORTS)
    sorts_in_words: str = ""  # for errors, where a list of all of them would be long
    sort: str = "date"
    ignored: frozenset[str] = frozenset()
