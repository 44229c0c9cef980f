"""The pages. Each view names the permission that opens it; see `workitems.pages.access`."""

from .bulk import BulkCancel, BulkChangeList, BulkChangePage, BulkRequeue, BulkReview, UndoBulkChange
from .changes import ItemVersion, ListChanges
from .item import Item
from .listing import Glossary, ItemListPage
from .moves import Cancel, Edit, Requeue, Review
from .overview import Home, Icon
from .reviewing import ReviewQueue
from .saved import ChangeView, DeleteView, SavedViews, SetDigest, SetStartView, Start, StopDigest, ViewCount
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
