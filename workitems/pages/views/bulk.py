"""One move with many items: choose in the list, see what will happen, do it piece by piece, see what was done."""

from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views import View

from pharos.accounts.roles import Permission

from ... import bulk
from ...bulk import dry_run
from ...database import parse_bigint
from ...listing import ItemList
from ...models import find_served_stages
from ...vocabulary import Action
from ..access import ItemViewMixin, url_of_bulk_change, url_of_list, url_of_queue
from ..forms import BulkCancelForm, BulkRequeueForm, ReviewForm
from .notes import CANCEL_NOTES, REQUEUE_NOTES

ENTRIES_PER_PAGE = 100
CHANGES_PER_PAGE = 50


class BulkMoveView(ItemViewMixin, View):
    """What bulk moves share: POST from the list shows what will happen; POST with `confirmed` begins it.

    A subclass names its template, and makes its form; `move` is the one that a valid form asks for.
    """

    template_name: str
    notes: tuple = ()

    def form(self, data=None):
        raise TypeError(f"{type(self).__name__} has no form")

    def move(self, form) -> str:
        raise TypeError(f"{type(self).__name__} makes no move")

    def extra_options(self, form) -> dict:
        """What else the act is to know: keyword arguments of bulk.start."""
        return {}

    def get(self, request):
        """Whoever was signed out before it was sent comes here from signing in."""
        messages.info(request, _("Nothing was changed. Select the items in the list, and what to do with them."))
        return redirect("items")

    def post(self, request):
        is_confirmed, here = bool(request.POST.get("confirmed")), self.queue_state()
        is_list = request.POST.get("which") == "matching"
        form = self.form(request.POST if is_confirmed else None)
        try:
            selection = bulk.freeze(self.selection(request), request.user)
            move = self.move(form)
        except bulk.InvalidSelection as error:
            return self.show_invalid(str(error), here)
        if is_confirmed and form.is_valid():
            change = bulk.start(selection, move, request.user, number=self.number(request), **self.extra_options(form))
            bulk.run_slice(change)
            return redirect(url_of_bulk_change(change, here.advance(here.item) if here and here.item else here))
        context = {
            "form": form,
            "selection": selection,
            "is_list": is_list,
            "preview": dry_run(selection, request.user, move),
            "move": move,
            "notes": self.notes,
            # Of a list, the items that are shown here, where they are known by number.
            "snapshot": bulk.sign_frozen(selection, request.user)
            if is_list and "ids" in selection.stored
            else request.POST.get("snapshot", ""),
            "number": self.number(request) or uuid4(),
            "chips": listing.chips() if (listing := self.listing()) else [],
            "back": url_of_queue(here) if here else url_of_list(listing),
            "list_query": request.POST.get("list", ""),
            "round": here.query if here else "",
        }
        return render(request, self.template_name, context, status=422 if is_confirmed else 200)

    def show_invalid(self, sentence, here):
        """What was chosen cannot be read. Nothing that was typed is lost with it."""
        back, note = url_of_queue(here) if here else url_of_list(self.listing()), self.request.POST.get("note", "")
        if note.strip():
            context = {"sentence": sentence, "note": note, "back": back}
            return render(self.request, "workitems/bulk/lost.html", context, status=422)
        messages.error(self.request, sentence)
        return redirect(back)

    @staticmethod
    def number(request) -> UUID | None:
        """What the act will be called: so that a button that is pressed twice begins one."""
        try:
            return UUID(request.POST.get("number", ""))
        except ValueError:
            return None

    def selection(self, request) -> bulk.Selection:
        listing, snapshot = self.listing(), request.POST.get("snapshot", "")
        if request.POST.get("which") == "matching":
            return bulk.select_by_snapshot(snapshot, request.user)
        return bulk.select_by_ids(
            request.POST.getlist("ids"), listing.query() if listing else "", snapshot, request.user
        )


class BulkReview(BulkMoveView):
    """`/items/review`"""

    permission = Permission.REVIEW
    template_name = "workitems/bulk/review.html"

    def form(self, data=None):
        return ReviewForm(self.request.POST)

    def move(self, form):
        if not form.is_valid():
            raise bulk.InvalidSelection(" ".join(form.errors["reviewed"]))
        return "review" if form.cleaned_data["reviewed"] == "true" else "unreview"


class BulkCancel(BulkMoveView):
    """`/items/cancel`"""

    permission = Permission.CANCEL
    template_name = "workitems/bulk/cancel.html"
    notes = CANCEL_NOTES

    def form(self, data=None):
        return BulkCancelForm(data)

    def move(self, form):
        return "cancel"

    def extra_options(self, form):
        return {"note": form.cleaned_data["note"]}


class BulkRequeue(BulkMoveView):
    """`/items/requeue`"""

    permission = Permission.REQUEUE
    template_name = "workitems/bulk/requeue.html"
    notes = REQUEUE_NOTES

    def form(self, data=None):
        return BulkRequeueForm(data, served=find_served_stages(Action.INGEST))

    def move(self, form):
        return "requeue"

    def extra_options(self, form):
        return {"note": form.cleaned_data["note"], "from_the_beginning": form.cleaned_data["begin"] == "first"}


class BulkChangeList(ItemViewMixin, View):
    """`/acts/`: the bulk acts that there were, the last first."""

    permission = Permission.REVIEW

    def get(self, request):
        found = bulk.list_changes(request.user, self.before(request.GET.get("before", "")), CHANGES_PER_PAGE + 1)
        listings = ItemList({}, request.user).for_queries(change.query for change in found[:CHANGES_PER_PAGE])
        shown = list(zip(found[:CHANGES_PER_PAGE], listings, strict=True))
        context = {
            "acts": [
                (change, url_of_list(listing), listing.chips(), bulk.skip_reasons(change)) for change, listing in shown
            ],
            "older": f"{shown[-1][0].created_at.isoformat()}~{shown[-1][0].pk}"
            if len(found) > CHANGES_PER_PAGE
            else "",
        }
        return render(request, "workitems/bulk/changes.html", context)

    @staticmethod
    def before(text):
        """The act that `text` names as a place; None for what is none."""
        at, _tilde, pk = text.partition("~")
        try:
            moment = datetime.fromisoformat(at)
            return (moment.astimezone(UTC), UUID(pk)) if moment.tzinfo else None
        except (ValueError, OverflowError):
            return None


class BulkChangePage(ItemViewMixin, View):
    """`/acts/ID`: how far a bulk act has come, and what became of each item. POST goes on with it."""

    permission = Permission.REVIEW

    def get(self, request, pk):
        change, start = self.bulk_change(), parse_bigint(request.GET.get("after", "")) or 0
        entries = bulk.changed_items(change, request.user, start, ENTRIES_PER_PAGE + 1)
        listing = ItemList(QueryDict(change.query), request.user)
        left_alone = [] if start else bulk.unchanged_items(change, request.user, ENTRIES_PER_PAGE + 1)
        context = {
            "act": change,
            "entries": [entry for entry in entries[:ENTRIES_PER_PAGE] if entry.name],
            "start": start,
            "next": entries[ENTRIES_PER_PAGE - 1].item_id if len(entries) > ENTRIES_PER_PAGE else None,
            "skipped": bulk.skip_reasons(change),
            "left_alone": left_alone[:ENTRIES_PER_PAGE],
            "are_more_alone": len(left_alone) > ENTRIES_PER_PAGE,
            "chips": listing.chips(),
            "back": url_of_list(listing),
            "onward": url_of_queue(here) if (here := self.queue_state()) else None,
            "round": here.query if here else "",
            "kept": urlencode({"round": here.query}) if here else "",
            "can_continue": bulk.can_continue(change, request.user),
            "can_undo": bulk.can_undo(change, request.user) and bulk.find_undo(change) is None,
        }
        return render(request, "workitems/bulk/change.html", context)

    def post(self, request, pk):
        change = self.bulk_change()
        if not bulk.can_continue(change, request.user):
            raise PermissionDenied
        return redirect(url_of_bulk_change(bulk.run_slice(change), self.queue_state()))


class UndoBulkChange(ItemViewMixin, View):
    """`/acts/ID/undo`: sets back what a review has set, but for what has changed since."""

    permission = Permission.REVIEW

    def post(self, request, pk):
        change = self.bulk_change()
        if not bulk.can_undo(change, request.user):
            raise PermissionDenied
        undo = bulk.undo(change, request.user)
        bulk.run_slice(undo)
        here = self.queue_state()
        return redirect(url_of_bulk_change(undo, here and (here.previous or here)))
