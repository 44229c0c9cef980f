"""Saved views: lists with a name, who may see and change them, and which one opens first.

It knows a list's query string, and not how the list is drawn.
"""

from .editing import (
    ViewRefused,
    change_view,
    delete_view,
    may_change,
    reaches_of,
    save_view,
    some_cannot_open,
    start_of,
    start_with,
)
from .showing import beside, can_open, choices, lines

__all__ = [
    "ViewRefused",
    "beside",
    "can_open",
    "change_view",
    "choices",
    "delete_view",
    "lines",
    "may_change",
    "reaches_of",
    "save_view",
    "some_cannot_open",
    "start_of",
    "start_with",
]
