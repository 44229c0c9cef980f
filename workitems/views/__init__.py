"""The pages. Each view names the permission that opens it; see `workitems.access`."""

from .bulk import Act, BulkReview, Undo
from .changes import ItemVersion, ListChanges
from .item import Item
from .listing import List, Words
from .moves import Cancel, Edit, Requeue, Review

__all__ = [
    "Act",
    "BulkReview",
    "Cancel",
    "Edit",
    "Item",
    "ItemVersion",
    "List",
    "ListChanges",
    "Requeue",
    "Review",
    "Undo",
    "Words",
]
