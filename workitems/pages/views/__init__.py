"""The pages. Each view names the permission that opens it; see `workitems.pages.access`."""

from .bulk import BulkCancel, BulkChangeList, BulkChangePage, BulkRequeue, BulkReview, UndoBulkChange
from .changes import ItemVersion, ListChanges
from .item import Item
from .listing import List, Words
from .moves import Cancel, Edit, Requeue, Review
from .overview import Home, Icon
from .reviewing import ReviewQueue
from .saved import ChangeView, DeleteView, DigestOfView, SavedViews, Start, StartWith, StopDigest, ViewCount
from .watching import Watch

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
