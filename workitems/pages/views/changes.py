"""What open pages poll to learn whether anything has changed. Both views only read, and don't extend the session."""

from django.http import Http404, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views import View

from pharos.accounts.roles import Permission
from pharos.replicas.reading import ReadsFromReplica

from ...database import parse_bigint
from ...listing import MOST_PER_PAGE, ItemList
from ..access import ItemViewMixin
from ..list import changes


class ListChanges(ReadsFromReplica, ItemViewMixin, View):
    """`/items/changes?since=…&shown=1,2,3&` and the list's query: how many of its items have changed; 204 for none."""

    permission = Permission.BROWSE

    def get(self, request):
        query = request.GET.copy()
        since, shown = (query.pop(name, [""])[-1] for name in ("since", "shown"))
        listing = ItemList(query, request.user, using=self.using)
        try:
            baseline = changes.parse(since)
        except ValueError:
            return _bad_request(since=_("This request doesn't come from a list's page. Reload the page."))
        if not listing.is_valid():
            return _bad_request(**listing.errors)
        found = changes.count_changes(listing, baseline, _parse_ids(shown))
        if not found.number and found.is_complete:
            return HttpResponse(status=204)
        return JsonResponse({"changed": found.number, "is_complete": found.is_complete, "text": found.sentence})


def _bad_request(**errors: str) -> JsonResponse:
    return JsonResponse({"errors": errors}, status=400)


def _parse_ids(text: str) -> set[int]:
    """The item numbers in a text like 1,2,3; anything else in it is ignored."""
    parts = text.split(",", MOST_PER_PAGE)[:MOST_PER_PAGE]
    return {pk for pk in map(parse_bigint, parts) if pk is not None}


class ItemVersion(ItemViewMixin, View):
    """`/items/ID/version`: the number of the item's last history entry, also as an ETag; 304 if the caller has it
    already.

    It covers only changes of the item itself, not the arrival of a newer upload of its bag.
    """

    permission = Permission.BROWSE

    def get(self, request, pk):
        version = self.visible_items.version_of(pk)
        if version is None:
            raise Http404
        response, etag = JsonResponse({"version": version}), f'"{version}"'
        response["ETag"] = etag
        return get_conditional_response(request, etag=etag, response=response)
