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
    """`/items/review/queue`: the unreviewed items of a list, one by one. POST marks an item and goes to the next."""

    permission = Permission.REVIEW

    def get(self, request):
        state = QueueState.read(request.GET.dict())
        queue = self.queue(state)
        if queue is None:
            return self.redirect_to_list()
        if state.item is not None:
            return self.page(state, queue, self.get_item(state.item.pk))
        state, following = self.step(state, queue)
        if following.item is not None:
            return redirect(url_of_queue(state.show(following.item)))
        end = following.scanned_until
        context = {
            **self.shared_context(state, queue),
            "keep_looking_url": url_of_queue(state.skip(end)) if end else None,
        }
        return render(request, "workitems/review/end.html", context)

    def post(self, request):
        state = QueueState.read(request.GET.dict())
        queue = self.queue(state)
        if queue is None:
            return self.redirect_to_list()
        item, form = self.get_item(parse_bigint(request.POST.get("item", ""))), ReviewForm(request.POST)
        if not form.is_valid():
            return self.page(state, queue, item, form, status=422)
        wanted, version = form.cleaned_data["reviewed"] == "true", item.version
        entry = self.queue_entry(
            state, queue, item
        )  # before the move, which can change the item's position in the list
        try:
            transitions.review(item, by=request.user, reviewed=wanted, version=form.cleaned_data["version"])
        except Refused as refused:
            form.add_error(None, refused.sentence)
            return self.page(state, queue, self.get_item(item.pk), form, status=STATUS_OF[refused.reason])
        if not wanted:
            messages.success(request, _("Marked %(name)s as not reviewed.") % {"name": item.name})
            return redirect(url_of_queue(state.back_to(item.pk)))
        # Pressing the button twice sends the form twice. The second time nothing changes, but the last mark is this
        # user's.
        last = latest_entries(item, 1)[0]
        is_done = item.version != version or (last.move == "review" and last.who == request.user.email)
        if not is_done:
            messages.info(request, _("%(name)s has already been marked.") % {"name": item.name})
        state = state.advance(entry, marked=item.pk if is_done else None)
        state, following = self.step(state, self.queue(state))
        return redirect(url_of_queue(state.show(following.item) if following.item else state))

    def step(self, state: QueueState, queue: Queue) -> tuple[QueueState, NextItem]:
        """The next item, and the state updated with the order and length of the queue as it is now."""
        entry, item = state.after, self.item_or_none(state.after.pk) if state.after else None
        if state.order and queue.order != state.order:
            messages.info(
                self.request,
                _("The list's length has changed, and it is now in a different order. Starting from its first item."),
            )
            entry = item = None
        following = queue.next_after(entry, item)
        return state.ordered_by(queue.order, queue.remaining if queue.is_complete else None), following

    def queue(self, state: QueueState) -> Queue | None:
        """The queue of the list in the address, as it is now; None if that list is invalid."""
        listing = self.listing() if self.request.GET.get("list") else ItemList({}, self.request.user)
        return Queue(listing, state.order) if listing else None

    @staticmethod
    def queue_entry(state: QueueState, queue: Queue, item: WorkItem) -> QueueItem:
        """The item's entry from when the reader reached it or, if it isn't the current item, as it is now."""
        return state.item if state.item and state.item.pk == item.pk else queue.entry(item)

    def redirect_to_list(self):
        """Sends the reader to the invalid list, whose page says what is wrong with it."""
        return redirect(f"{reverse('items')}?{self.request.GET['list']}")

    def item_or_none(self, number: int | None) -> WorkItem | None:
        try:
            return self.get_item(number)
        except Http404:
            return None

    def shared_context(self, state: QueueState, queue: Queue) -> dict:
        """The context that every page of the queue needs."""
        marked = self.item_or_none(state.marked)
        return {
            "chips": queue.source.chips(),
            "list_url": url_of_list(queue.source),
            "remaining": queue.remaining,
            "is_complete": queue.is_complete,
            "total": max(state.total, queue.remaining),
            "form_action": f"?{state.query}",
            "previous_url": url_of_queue(state.previous) if state.previous else None,
            "just_marked": marked if marked and marked.reviewed else None,
            "restart_url": url_of_queue(QueueState(list_query=state.list_query)),
        }

    def page(self, state, queue, item, form=None, status=200):
        detail = ItemDetail(item, self.request.user, timezone.now())
        context = {
            **self.shared_context(state, queue),
            "item": item,
            "detail": detail,
            "form": form,
            "next_url": url_of_queue(state.advance(self.queue_entry(state, queue, item))),
            "item_url": url_of_item(item.pk, queue.source),
            "list_query": queue.source.query(),
        }
        if "review" in detail.moves:
            context |= self.similar_context(state, queue, item)
        return render(self.request, "workitems/review/queue.html", context, status=status)

    def similar_context(self, state: QueueState, queue: Queue, item: WorkItem) -> dict:
        """The items with a similar result, and the values of the form that marks all of them; empty without any."""
        marker = bulk.read_marker()
        similar = queue.similar_to(item)
        if similar is None or similar.found.total < 2:
            return {}
        listing, found = similar.listing, similar.found
        return {
            "similar": similar,
            "similar_url": url_of_list(listing),
            "similar_query": listing.query(),
            "snapshot": bulk.sign_snapshot(listing, found.total, marker, is_complete=found.is_complete),
            "queue_query": state.show(self.queue_entry(state, queue, item)).query,
        }
