"""A list of work items: its query string as an object, its filters and orders, and how its counts and rows are found.

It knows the reader. It must not know whether a page, the API, an export, or a bulk change uses it.
"""

from .filterset import MOST_PER_PAGE, ListFilterSet
from .list_filter import IndexStrategy
from .named_items import missing_names, numbered_item
from .names import (
    ALIASES,
    FACETS,
    IGNORED_NAMES,
    NAMES,
    PAGES_ONLY_NAMES,
    PAGING_NAMES,
    PRESENTATION_NAMES,
    PROCESS_NAMES,
    V3_ONLY_NAMES,
)
from .nodes import Node, fetch_nodes
from .ordering import SORTS, Sort, column_name, cursor_values, format_cursor, select_expression
from .parameter_names import Dialect
from .parameters import (
    BooleanField,
    BooleansField,
    DayField,
    IdentifiersField,
    InstitutionsField,
    ListField,
    MomentField,
    NumberField,
    NumbersField,
    SearchField,
    SizeField,
    TextField,
    TextsField,
    WordsField,
    in_date_input,
    match_word,
    whole_number,
)
from .query import ItemList, known_names
from .rows import Row, fetch_rows, find_uploads, row_lateness, row_silence, situation_of
from .search_query import MOST_CHARACTERS, in_one_line
from .strategies.bounded_scan import COUNT_LIMIT, SCAN_LIMIT
from .strategies.plan import count_from_summary, find
from .strategies.result import Cursor, ListResult, Page

__all__ = [
    "ALIASES",
    "COUNT_LIMIT",
    "FACETS",
    "IGNORED_NAMES",
    "MOST_CHARACTERS",
    "MOST_PER_PAGE",
    "NAMES",
    "PAGES_ONLY_NAMES",
    "PAGING_NAMES",
    "PRESENTATION_NAMES",
    "PROCESS_NAMES",
    "SCAN_LIMIT",
    "SORTS",
    "V3_ONLY_NAMES",
    "BooleanField",
    "BooleansField",
    "Cursor",
    "DayField",
    "Dialect",
    "IdentifiersField",
    "IndexStrategy",
    "InstitutionsField",
    "ItemList",
    "ListField",
    "ListFilterSet",
    "ListResult",
    "MomentField",
    "Node",
    "NumberField",
    "NumbersField",
    "Page",
    "Row",
    "SearchField",
    "SizeField",
    "Sort",
    "TextField",
    "TextsField",
    "WordsField",
    "column_name",
    "count_from_summary",
    "cursor_values",
    "fetch_nodes",
    "fetch_rows",
    "find",
    "find_uploads",
    "format_cursor",
    "in_date_input",
    "in_one_line",
    "known_names",
    "match_word",
    "missing_names",
    "numbered_item",
    "row_lateness",
    "row_silence",
    "select_expression",
    "situation_of",
    "whole_number",
]
