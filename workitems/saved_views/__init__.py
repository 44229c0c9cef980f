"""Saved views: lists with a name, who can see and change them, and each user's default view.

It knows a list's query string. It must not know how the list is rendered.
"""

from .editing import (
    ViewRefused,
    allowed_reaches,
    can_change,
    change_view,
    delete_view,
    get_start_view,
    is_restricted,
    save_view,
    set_start_view,
)
from .showing import can_open, list_views, sidebar_views, view_choices

__all__ = [
    "ViewRefused",
    "allowed_reaches",
    "can_change",
    "can_open",
    "change_view",
    "delete_view",
    "get_start_view",
    "is_restricted",
    "list_views",
    "save_view",
    "set_start_view",
    "sidebar_views",
    "view_choices",
]
