"""The class of a list's filters, and the ways in which an index can support one."""

from collections.abc import Callable
from enum import Enum
from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet

from ..counts import KindCondition
from .search_query import SearchQuery


class IndexStrategy(Enum):
    """How the items of a filter are found. `workitems.listing.strategies` chooses its queries by this."""

    COUNTED = "the summary table, which has the number of items of each kind"
    RANGE = "a range of the index on its column"
    NARROW = "a specific index, which finds few items"
    SEARCH = "the index of searched texts, if it exists and the text is long enough"
    SCANNED = "no index: items are examined one by one, a limited number per page"


class ListFilter(django_filters.Filter):
    """One name in the query string of a list.

    - `field_class` parses the value, and `condition` turns it into SQL. A name without a condition is about how the list is
      shown.
    - `strategy`: the index that supports it. For a yes-or-no filter with NARROW this applies to true; false is scanned.
    - `about`: its meaning, for the documentation of the API.
    - `kind_conditions`: for a filter on the columns of a kind only, turns the value into conditions on a kind, so that the
      summary table can count its items.
    - `column`: the column of the range, for IndexStrategy.RANGE.
    """

    def __init__(
        self,
        field_class: type[forms.Field],
        condition: Callable[[Any], Q] | None = None,
        strategy: IndexStrategy = IndexStrategy.SCANNED,
        *,
        about: str,
        kind_conditions: Callable[[Any], list[KindCondition]] | None = None,
        column: str = "",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.about = about
        self.field_class = field_class
        self.condition = condition
        self.kind_conditions = kind_conditions
        self.strategy = IndexStrategy.COUNTED if kind_conditions else strategy
        self.column = column

    def strategy_for(self, value: Any) -> IndexStrategy:
        if isinstance(value, SearchQuery) and value.is_list:
            return IndexStrategy.NARROW
        return IndexStrategy.SCANNED if value is False and self.strategy is IndexStrategy.NARROW else self.strategy

    def filter(self, qs: QuerySet, value: Any) -> QuerySet:
        if self.condition is None or value in (None, "", []):
            return qs
        return qs.filter(self.condition(value))
