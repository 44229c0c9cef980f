from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import View

from pharos.accounts.roles import Permission

from ... import bulk, transitions
from ...api import STATUS_OF
from ...audit_log import latest_entries
from ...database import parse_bigint
from ...lifecycle import Refused
from ...listing import ItemList
from ...models import WorkItem
from ...review import NextItem, Queue, QueueItem, QueueState
from ..access import ItemViewMixin, url_of_item, url_of_list, url_of_queue
from ..forms import ReviewForm
from ..item_detail import ItemDetail


class ReviewQueue(ItemViewMixin, View):
    """`/items/review/queue`: what of a list is to be reviewed, one by one. POST marks an item, and goes on to the next."""

    permission = Permission.REVIEW

    def get(self, request):
        here = QueueState.read(request.GET.dict())
        queue = self.queue(here)
        if queue is None:
            return self.redirect_to_list()
        if here.item is not None:
            return self.page(here, queue, self.get_item(here.item.pk))
        here, following = self.step(here, queue)
        if following.item is not None:
            return redirect(url_of_queue(here.show(following.item)))
        end = following.scanned_until
        context = {**self.shared_context(here, queue), "further": url_of_queue(here.skip(end)) if end else None}
        return render(request, "workitems/review/end.html", context)

    def post(self, request):
        here = QueueState.read(request.GET.dict())
        queue = self.queue(here)
        if queue is None:
            return self.redirect_to_list()
        item, form = self.get_item(parse_bigint(request.POST.get("item", ""))), ReviewForm(request.POST)
        if not form.is_valid():
            return self.page(here, queue, item, form, status=422)
        wanted, version = form.cleaned_data["reviewed"] == "true", item.version
        entry = self.queue_entry(here, queue, item)  # before the move, which may lead it elsewhere in the list's order
        try:
            transitions.review(item, by=request.user, reviewed=wanted, version=form.cleaned_data["version"])
        except Refused as refused:
            form.add_error(None, refused.sentence)
            return self.page(here, queue, self.get_item(item.pk), form, status=STATUS_OF[refused.reason])
        if not wanted:
            messages.success(request, _("Marked %(name)s as not reviewed.") % {"name": item.name})
            return redirect(url_of_queue(here.back_to(item.pk)))
        # A button that is pressed twice is sent twice: the second time nothing is done, by the same person.
        last = latest_entries(item, 1)[0]
        is_done = item.version != version or (last.move == "review" and last.who == request.user.email)
        if not is_done:
            messages.info(request, _("%(name)s has already been marked.") % {"name": item.name})
        there = here.advance(entry, marked=item.pk if is_done else None)
        there, following = self.step(there, self.queue(there))
        return redirect(url_of_queue(there.show(following.item) if following.item else there))

    def step(self, here: QueueState, queue: Queue) -> tuple[QueueState, NextItem]:
        """What comes after the item that the way is at. `queue`: as it is now."""
        entry, item = here.after, self.item_or_none(here.after.pk) if here.after else None
        if here.order and queue.order != here.order:
            messages.info(
                self.request,
                _("The list's length has changed, and it is now in a different order. Starting from its first item."),
            )
            entry = item = None
        following = queue.next_after(entry, item)
        return here.ordered_by(queue.order, queue.remaining if queue.is_whole else None), following

    def queue(self, here: QueueState) -> Queue | None:
        """The queue of the list that the address names, as it is now; None where that is no list."""
        listing = self.listing() if self.request.GET.get("list") else ItemList({}, self.request.user)
        return Queue(listing, here.order) if listing else None

    @staticmethod
    def queue_entry(here: QueueState, queue: Queue, item: WorkItem) -> QueueItem:
        """This item where the way came to it, or as it is now."""
        return here.item if here.item and here.item.pk == item.pk else queue.entry(item)

    def redirect_to_list(self):
        """There it says what is wrong with it."""
        return redirect(f"{reverse('items')}?{self.request.GET['list']}")

    def item_or_none(self, number: int | None) -> WorkItem | None:
        try:
            return self.get_item(number)
        except Http404:
            return None

    def shared_context(self, here: QueueState, queue: Queue) -> dict:
        """What is the same on every page of the queue."""
        marked = self.item_or_none(here.marked)
        return {
            "chips": queue.source.chips(),
            "list_url": url_of_list(queue.source),
            "left": queue.remaining,
            "is_whole": queue.is_whole,
            "of": max(here.total, queue.remaining),
            "here": f"?{here.query}",
            "back": url_of_queue(here.previous) if here.previous else None,
            "marked": marked if marked and marked.reviewed else None,
            "again": url_of_queue(QueueState(list_query=here.list_query)),
        }

    def page(self, here, queue, item, form=None, status=200):
        detail = ItemDetail(item, self.request.user, timezone.now())
        context = {
            **self.shared_context(here, queue),
            "item": item,
            "detail": detail,
            "form": form,
            "onward": url_of_queue(here.advance(self.queue_entry(here, queue, item))),
            "item_url": url_of_item(item.pk, queue.source),
            "list_query": queue.source.query(),
        }
        if "review" in detail.moves:
            context |= self.similar_context(here, queue, item)
        return render(self.request, "workitems/review/queue.html", context, status=status)

    def similar_context(self, here: QueueState, queue: Queue, item: WorkItem) -> dict:
        """The items that ended as this one did, and what the form to mark them all sends."""
        mark = bulk.read_marker()
        alike = queue.similar_to(item)
        if alike is None or alike.found.total < 2:
            return {}
        return {
            "alike": alike,
            "alike_url": url_of_list(alike.listing),
            "alike_query": alike.listing.query(),
            "snapshot": bulk.sign_snapshot(alike.listing, alike.found.total, mark, is_whole=alike.found.is_whole),
            "round": here.show(self.queue_entry(here, queue, item)).query,
        }
