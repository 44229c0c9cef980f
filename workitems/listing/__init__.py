"""A list of work items: the query string as an object, its filters and orders, and how its counts and rows are found.

It knows who asks, and not whether a page, the API, an export or a bulk change does. How lists stay fast: `strategies`.
"""

from .filterset import MOST_PER_PAGE, IndexStrategy, ListFilterSet
from .ordering import SORTS, Sort, path, selected, values_at, written
from .parameter_names import Dialect
from .parameters import (
    BooleanField,
    BooleansField,
    DayField,
    InstitutionsField,
    ListField,
    MomentField,
    NumberField,
    NumbersField,
    SizeField,
    TextField,
    TextsField,
    WordsField,
    in_date_input,
)
from .query import (
    ALIASES,
    FACETS,
    NAMES,
    OF_PAGES,
    OF_PROCESS,
    OF_V3,
    PLACES,
    SHOWN_AS,
    WITHOUT_EFFECT,
    ItemList,
    known_names,
)
from .rows import Row, late_of, rows_at, state_of, uploads_of
from .strategies.bounded_scan import MOST, REACH
from .strategies.plan import counted, find
from .strategies.result import Cursor, Found, Page

__all__ = [
    "ALIASES",
    "FACETS",
    "MOST",
    "MOST_PER_PAGE",
    "NAMES",
    "OF_PAGES",
    "OF_PROCESS",
    "OF_V3",
    "PLACES",
    "REACH",
    "SHOWN_AS",
    "SORTS",
    "WITHOUT_EFFECT",
    "BooleanField",
    "BooleansField",
    "Cursor",
    "DayField",
    "Dialect",
    "Found",
    "IndexStrategy",
    "InstitutionsField",
    "ItemList",
    "ListField",
    "ListFilterSet",
    "MomentField",
    "NumberField",
    "NumbersField",
    "Page",
    "Row",
    "SizeField",
    "Sort",
    "TextField",
    "TextsField",
    "WordsField",
    "counted",
    "find",
    "in_date_input",
    "known_names",
    "late_of",
    "path",
    "rows_at",
    "selected",
    "state_of",
    "uploads_of",
    "values_at",
    "written",
]
