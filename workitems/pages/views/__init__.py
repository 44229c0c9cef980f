"""The pages. Each view names the permission that opens it; see `workitems.pages.access`."""

from .bulk import Act, Acts, BulkCancel, BulkRequeue, BulkReview, Undo
from .changes import ItemVersion, ListChanges
from .item import Item
from .listing import List, Words
from .moves import Cancel, Edit, Requeue, Review
from .overview import Home, Icon
from .reviewing import ReviewQueue
from .saved import ChangeView, DeleteView, DigestOfView, SavedViews, Start, StartWith, StopDigest, ViewCount
from .watching import Watch

__all__ = [
    "Act",
    "Acts",
    "BulkCancel",
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
    "Undo",
    "ViewCount",
    "Watch",
    "Words",
]
