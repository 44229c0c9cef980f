"""What the views of this app share: access to items, lists, and bulk changes, and the addresses of pages.

`pharos.accounts.authorization` denies access to every view that declares no permission. Items are fetched through the
reader's own queryset, so another institution's item is a plain 404.
"""

from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import TooManyFieldsSent
from django.http import Http404, QueryDict
from django.urls import reverse

from pharos.accounts.roles import Permission

from ..listing import ItemList
from ..models import BulkChange, WorkItem, WorkItemQuerySet
from ..review import QueueState


class ItemViewMixin:
    """Mixin for the views of this app. `permission` says who can open the view."""

    permission: Permission
    request: Any  # its user is a User: PermissionMiddleware lets nobody else in
    kwargs: dict

    @property
    def visible_items(self) -> WorkItemQuerySet:
        """Every item that this reader can see."""
        return WorkItem.objects.visible_to(self.request.user)

    def item(self) -> WorkItem:
        """The item in the URL. Raises Http404 if there is none that this reader can see."""
        return self.get_item(self.kwargs["pk"])

    def get_item(self, number: int | None) -> WorkItem:
        """The item with this number. Raises Http404 if there is none that this reader can see."""
        if number is None:
            raise Http404
        try:
            return self.visible_items.select_related("institution").get(pk=number)
        except (WorkItem.DoesNotExist, OverflowError):
            raise Http404 from None

    def bulk_change(self) -> BulkChange:
        """The bulk change in the URL. Raises Http404 if there is none that this reader can see."""
        try:
            return BulkChange.objects.visible_to(self.request.user).select_related("by").get(pk=self.kwargs["pk"])
        except BulkChange.DoesNotExist:
            raise Http404 from None

    def listing(self) -> ItemList | None:
        """The list that the reader came from (the parameter `list` of form or URL); None if missing or invalid."""
        query = self.request.POST.get("list", self.request.GET.get("list"))
        if query is None:
            return None
        try:
            listing = ItemList(QueryDict(query), self.request.user)
        except TooManyFieldsSent:
            return None
        return listing if listing.is_valid() else None

    def queue_state(self) -> QueueState | None:
        """The state of the review queue that the reader came from (the parameter `round`); None without one."""
        query = self.request.POST.get("round", self.request.GET.get("round"))
        try:
            return QueueState.read(QueryDict(query).dict()) if query else None
        except TooManyFieldsSent:
            return None


def url_of_queue(state: QueueState) -> str:
    return reverse("review_queue") + (f"?{state.query}" if state.query else "")


def url_of_bulk_change(change: BulkChange, state: QueueState | None) -> str:
    """The page of a bulk change, with the state of the review queue that the reader came from, if any."""
    return reverse("bulk_change", args=[change.pk]) + (f"?{urlencode({'round': state.query})}" if state else "")


def url_of_list(listing: ItemList | None) -> str:
    query = listing.query() if listing else ""
    return reverse("items") + (f"?{query}" if query else "")


def url_of_item(pk: int, listing: ItemList | None) -> str:
    """The page of an item, with the list that the reader came from, if any."""
    return reverse("item", args=[pk]) + (f"?{urlencode({'list': listing.query()})}" if listing else "")
