"""The pages that people see: views, forms, and what each page shows.

It knows HTTP and templates; it builds no queries of its own and changes items by `transitions` alone.
"""

from .views.bulk import BulkCancel, BulkChangeList, BulkChangePage, BulkRequeue, BulkReview, UndoBulkChange
from .views.changes import ItemVersion, ListChanges
from .views.item import Item
from .views.listing import Glossary, ItemListPage
from .views.moves import Cancel, Edit, Requeue, Review
from .views.overview import Home, Icon
from .views.reviewing import ReviewQueue
from .views.saved import ChangeView, DeleteView, SavedViews, SetDigest, SetStartView, Start, StopDigest, ViewCount
from .views.watching import Watch

__all__ = [
    "BulkCancel",
    "BulkChangeList",
    "BulkChangePage",
    "BulkRequeue",
    "BulkReview",
    "Cancel",
    "ChangeView",
    "DeleteView",
    "Edit",
    "Glossary",
    "Home",
    "Icon",
    "Item",
    "ItemListPage",
    "ItemVersion",
    "ListChanges",
    "Requeue",
    "Review",
    "ReviewQueue",
    "SavedViews",
    "SetDigest",
    "SetStartView",
    "Start",
    "StopDigest",
    "UndoBulkChange",
    "ViewCount",
    "Watch",
]
