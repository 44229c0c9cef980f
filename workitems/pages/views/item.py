from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from pharos.accounts.roles import Permission

from ... import lifecycle
from ...audit_log import query_entries
from ...database import parse_bigint
from .. import file_check
from ..access import ItemViewMixin, url_of_item, url_of_list
from ..item_detail import ItemDetail
from ..support_text import support_text


class FormerItemAddress(ItemViewMixin, View):
    """`/work_items/show/ID`, where the earlier system had the item's page and desktop apps still link to."""

    permission = Permission.BROWSE

    def get(self, request, pk):
        return redirect("item", pk, permanent=True)


class ItemNote(ItemViewMixin, View):
    """`/items/ID/note`: the complete note as a text file, exactly as it is stored. `entry`: that of a history entry."""

    permission = Permission.BROWSE

    def get(self, request, pk):
        item = self.item()
        note = item.note if "entry" not in request.GET else self.entry_note(item, request.GET["entry"])
        response = HttpResponse(note, content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="item-{item.pk}-note.txt"'
        return response

    def entry_note(self, item, number):
        found = list(query_entries("note", item_id=item.pk, number=parse_bigint(number))[:1])
        if not found:
            raise Http404
        return found[0].note


class ItemPage(ItemViewMixin, View):
    """`/items/ID`: everything about one item."""

    permission = Permission.BROWSE

    def get(self, request, pk):
        item, listing = self.item(), self.listing()
        detail = ItemDetail(item, request.user, timezone.now())
        previous, following = detail.adjacent_items(listing)
        context = {
            "item": item,
            "detail": detail,
            "file_check": file_check if lifecycle.is_md5_etag(item.etag) else None,
            "item_url": url_of_item(item.pk, listing),
            "permanent_url": request.build_absolute_uri(url_of_item(item.pk, None)),
            "support_text": support_text(detail),
            "list_query": listing.query() if listing else "",
            "list_url": url_of_list(listing),
            "previous_url": previous and url_of_item(previous, listing),
            "next_url": following and url_of_item(following, listing),
        }
        return render(request, "workitems/item/item.html", context)
