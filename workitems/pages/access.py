"""The door of the pages: what a view says to be opened, and how it comes by its items.

`pharos.accounts.authorization` closes every view that names no permission. Items are fetched through the reader's own queryset, so
that another institution's item is a plain 404.
"""

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import TooManyFieldsSent
from django.http import Http404, QueryDict
from django.urls import reverse

from pharos.accounts.roles import Permission

from ..bulk import visible_changes
from ..listing import ItemList
from ..models import BulkChange, WorkItem, WorkItemQuerySet
from ..review import QueueState


class ItemViewMixin:
    """Mixin of every view of this app. `permission` says who may open it."""

    permission: Permission
    request: Any  # its user is a User: the gate lets nobody else in
    kwargs: dict

    @property
    def visible_items(self) -> WorkItemQuerySet:
        """Every item that this reader may know of."""
        return WorkItem.objects.visible_to(self.request.user)

    def item(self) -> WorkItem:
        """The item that the URL names, or 404."""
        return self.get_item(self.kwargs["pk"])

    def get_item(self, number: int | None) -> WorkItem:
        """The item with this number, or 404."""
        if number is None:
            raise Http404
        try:
            return self.visible_items.select_related("institution").get(pk=number)
        except (WorkItem.DoesNotExist, OverflowError):
            raise Http404 from None

    def bulk_change(self) -> BulkChange:
        """The bulk act that the URL names, if this reader may know of it, or 404."""
        try:
            return visible_changes(self.request.user).get(pk=self.kwargs["pk"])
        except BulkChange.DoesNotExist:
            raise Http404 from None

    def listing(self) -> ItemList | None:
        """The list that the reader came from (the parameter `list`, of the form or the URL), if it is a valid one."""
        query = self.request.POST.get("list", self.request.GET.get("list"))
        if query is None:
            return None
        try:
            listing = ItemList(QueryDict(query), self.request.user)
        except TooManyFieldsSent:
            return None
        return listing if listing.is_valid() else None

    def queue_state(self) -> QueueState | None:
        """The way through the review queue that the reader came from (the parameter `round`), if it is from there."""
        query = self.request.POST.get("round", self.request.GET.get("round"))
        try:
            return QueueState.read(QueryDict(query).dict()) if query else None
        except TooManyFieldsSent:
            return None


def url_of_queue(state: QueueState) -> str:
    return reverse("review_queue") + (f"?{state.query}" if state.query else "")


def url_of_bulk_change(change: BulkChange, state: QueueState | None) -> str:
    """The act's page, which knows the way through the review queue that its reader came from."""
    return reverse("act", args=[change.pk]) + (f"?{urlencode({'round': state.query})}" if state else "")


def url_of_list(listing: ItemList | None) -> str:
    query = listing.query() if listing else ""
    return reverse("items") + (f"?{query}" if query else "")


def url_of_item(pk: int, listing: ItemList | None) -> str:
    """The item's page, which knows the list that its reader came from."""
    return reverse("item", args=[pk]) + (f"?{urlencode({'list': listing.query()})}" if listing else "")
