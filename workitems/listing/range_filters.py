"""The filters of a list on times and sizes: from, to, after, before."""

import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy

from .conditions import bag_made_at, compares
from .list_filter import IndexStrategy, ListFilter
from .parameters import DayField, MomentField, SizeField, end_of


class RangeFilters(django_filters.FilterSet):
    """The part of ListFilterSet that compares."""

    received_from = ListFilter(
        DayField,
        compares("date__gte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received from"),
        about="Received or requested on or after this date.",
    )
    received_to = ListFilter(
        DayField,
        lambda start: Q(date__lt=end_of(start)),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received to"),
        about="Received or requested on or before this date.",
    )
    finished_from = ListFilter(
        DayField,
        compares("finished_at__gte"),
        IndexStrategy.RANGE,
        column="finished_at",
        label=gettext_lazy("Finished from"),
        about="Last closed on or after this date.",
    )
    finished_to = ListFilter(
        DayField,
        lambda start: Q(finished_at__lt=end_of(start)),
        IndexStrategy.RANGE,
        column="finished_at",
        label=gettext_lazy("Finished to"),
        about="Last closed on or before this date.",
    )
    finished_at_from = ListFilter(
        MomentField,
        compares("finished_at__gte"),
        IndexStrategy.RANGE,
        column="finished_at",
        label=gettext_lazy("Finished from this time"),
        about="Last closed at or after this time.",
    )
    finished_at_to = ListFilter(
        MomentField,
        compares("finished_at__lte"),
        IndexStrategy.RANGE,
        column="finished_at",
        label=gettext_lazy("Finished up to this time"),
        about="Last closed at or before this time.",
    )
    created_after = ListFilter(
        MomentField,
        compares("created_at__gte"),
        IndexStrategy.RANGE,
        column="created_at",
        label=gettext_lazy("Created from"),
        about="Added to this system at or after this time.",
    )
    created_before = ListFilter(
        MomentField,
        compares("created_at__lt"),
        IndexStrategy.RANGE,
        column="created_at",
        label=gettext_lazy("Created before"),
        about="Added to this system before this time.",
    )
    updated_after = ListFilter(
        MomentField,
        compares("updated_at__gte"),
        IndexStrategy.RANGE,
        column="updated_at",
        label=gettext_lazy("Updated from"),
        about="Updated at or after this time. For programs that fetch what has changed since their last request.",
    )
    updated_before = ListFilter(
        MomentField,
        compares("updated_at__lt"),
        IndexStrategy.RANGE,
        column="updated_at",
        label=gettext_lazy("Updated before"),
        about="Last updated before this time.",
    )
    bag_date = ListFilter(
        MomentField, bag_made_at, label=gettext_lazy("Bag created"), about="When the bag was created, to the second."
    )
    size_min = ListFilter(
        SizeField, compares("size__gte"), label=gettext_lazy("Size from"), about="At least this many bytes."
    )
    size_max = ListFilter(
        SizeField, compares("size__lte"), label=gettext_lazy("Size to"), about="At most this many bytes."
    )
    bag_date_from = ListFilter(
        MomentField,
        compares("bag_date__gte"),
        label=gettext_lazy("Bag created from"),
        about="The bag was created at or after this time.",
    )
    bag_date_to = ListFilter(
        MomentField,
        compares("bag_date__lte"),
        label=gettext_lazy("Bag created to"),
        about="The bag was created at or before this time.",
    )
    date_from = ListFilter(
        MomentField,
        compares("date__gte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received from this time"),
        about="Received or requested at or after this time.",
    )
    date_to = ListFilter(
        MomentField,
        compares("date__lte"),
        IndexStrategy.RANGE,
        column="date",
        label=gettext_lazy("Received up to this time"),
        about="Received or requested at or before this time.",
    )
