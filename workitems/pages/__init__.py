"""The pages for people: their views, their forms, and the content of each page.

It knows HTTP and templates. It must not build queries of its own, and changes items only through `transitions`.
"""

from .views.bulk import BulkCancel, BulkChangeList, BulkChangePage, BulkRequeue, BulkReview, UndoBulkChange
from .views.changes import ItemVersion, ListChanges
from .views.file_check import CheckAFile
from .views.item import FormerItemAddress, ItemNote, ItemPage
from .views.listing import Glossary, ItemListPage, NamesSearch
from .views.moves import Cancel, Edit, Requeue, Review
from .views.overview import Favicon, Home
from .views.reviewing import ReviewQueue
from .views.saved import (
    ChangeSavedView,
    DeleteSavedView,
    SavedViewCount,
    SavedViews,
    SetDigest,
    SetStartView,
    StartViewRedirect,
    StopDigest,
)
from .views.watching import Watch
from .views.workers import Workers

__all__ = [
    "BulkCancel",
    "BulkChangeList",
    "BulkChangePage",
    "BulkRequeue",
    "BulkReview",
    "Cancel",
    "ChangeSavedView",
    "CheckAFile",
    "DeleteSavedView",
    "Edit",
    "Favicon",
    "FormerItemAddress",
    "Glossary",
    "Home",
    "ItemListPage",
    "ItemNote",
    "ItemPage",
    "ItemVersion",
    "ListChanges",
    "NamesSearch",
    "Requeue",
    "Review",
    "ReviewQueue",
    "SavedViewCount",
    "SavedViews",
    "SetDigest",
    "SetStartView",
    "StartViewRedirect",
    "StopDigest",
    "UndoBulkChange",
    "Watch",
    "Workers",
]
