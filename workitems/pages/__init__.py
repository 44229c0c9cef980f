"""The pages that people see: views, forms, and what each page shows.

It knows HTTP and templates; it builds no queries of its own and changes items by `transitions` alone.
"""

from .views.bulk import BulkCancel, BulkChangeList, BulkChangePage, BulkRequeue, BulkReview, UndoBulkChange
from .views.changes import ItemVersion, ListChanges
from .views.item import Item
from .views.listing import List, Words
from .views.moves import Cancel, Edit, Requeue, Review
from .views.overview import Home, Icon
from .views.reviewing import ReviewQueue
from .views.saved import ChangeView, DeleteView, DigestOfView, SavedViews, Start, StartWith, StopDigest, ViewCount
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
    "DigestOfView",
    "Edit",
    "Home",
    "Icon",
    "Item",
    "ItemVersion",
    "List",
    "ListChanges",
    "Requeue",
    "Review",
    "ReviewQueue",
    "SavedViews",
    "Start",
    "StartWith",
    "StopDigest",
    "UndoBulkChange",
    "ViewCount",
    "Watch",
    "Words",
]
