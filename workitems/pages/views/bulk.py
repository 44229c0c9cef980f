"""Bulk changes: select items in the list, see a preview, run the change in batches, and see the result."""

from datetime import UTC, datetime
from typing import Any
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
from ...models import BulkChange, find_served_stages
from ...vocabulary import Action
from ..access import ItemViewMixin, url_of_bulk_change, url_of_list, url_of_queue
from ..forms import BulkCancelForm, BulkRequeueForm, ReviewForm, UndoCancelForm
from .notes import CANCEL_NOTES, REQUEUE_NOTES, UNDO_NOTES

ENTRIES_PER_PAGE = 100
CHANGES_PER_PAGE = 50


class BulkMoveView(ItemViewMixin, View):
    """The base of the bulk moves: a POST from the list shows a preview; a POST with `confirmed` starts the change.

    A subclass names its template and creates its form. `move` returns the name of the move.
    """

    template_name: str
    note_templates: tuple = ()

    def form(self, data=None):
        raise TypeError(f"{type(self).__name__} has no form")

    def move(self, form) -> str:
        raise TypeError(f"{type(self).__name__} has no move")

    def extra_options(self, form) -> dict:
        """Further keyword arguments for `bulk.start`, from a valid form."""
        return {}

    def get(self, request):
        """Users who were signed out when they sent the form end up here after signing in."""
        messages.info(request, _("Nothing was changed. Select the items in the list, and what to do with them."))
        return redirect("items")

    def post(self, request):
        is_confirmed, state = bool(request.POST.get("confirmed")), self.queue_state()
        selects_list = request.POST.get("which") == "matching"
        form = self.form(request.POST if is_confirmed else None)
        try:
            selection = bulk.freeze(self.selection(request), request.user)
            move = self.move(form)
        except bulk.InvalidSelection as error:
            return self.show_invalid(str(error), state)
        if is_confirmed and form.is_valid():
            change = bulk.start(selection, move, request.user, number=self.number(request), **self.extra_options(form))
            bulk.run_slice(change)
            return redirect(url_of_bulk_change(change, state.advance(state.item) if state and state.item else state))
        context = {
            "form": form,
            "selection": selection,
            "selects_list": selects_list,
            "preview": dry_run(selection, request.user, move),
            "move": move,
            "note_templates": self.note_templates,
            # For a list short enough to be frozen: the numbers of the items that this preview shows.
            "snapshot": bulk.sign_frozen(selection, request.user)
            if selects_list and "ids" in selection.stored
            else request.POST.get("snapshot", ""),
            "number": self.number(request) or uuid4(),
            "chips": listing.chips() if (listing := self.listing()) else [],
            "back_url": url_of_queue(state) if state else url_of_list(listing),
            "list_query": request.POST.get("list", ""),
            "queue_query": state.query if state else "",
        }
        return render(request, self.template_name, context, status=422 if is_confirmed else 200)

    def show_invalid(self, error, state):
        """The response to an invalid selection. It repeats the note, so that what was typed isn't lost."""
        back_url = url_of_queue(state) if state else url_of_list(self.listing())
        note = self.request.POST.get("note", "")
        if note.strip():
            context = {"error": error, "note": note, "back_url": back_url}
            return render(self.request, "workitems/bulk/invalid_selection.html", context, status=422)
        messages.error(self.request, error)
        return redirect(back_url)

    @staticmethod
    def number(request) -> UUID | None:
        """The id of the change, set by the preview, so that pressing the button twice starts only one."""
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
    note_templates = CANCEL_NOTES

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
    note_templates = REQUEUE_NOTES

    def form(self, data=None):
        return BulkRequeueForm(data, served=find_served_stages(Action.INGEST))

    def move(self, form):
        return "requeue"

    def extra_options(self, form):
        return {"note": form.cleaned_data["note"], "from_the_beginning": form.cleaned_data["begin"] == "first"}


class BulkChangeList(ItemViewMixin, View):
    """`/acts/`: the bulk changes, newest first."""

    permission = Permission.REVIEW

    def get(self, request):
        found = bulk.list_changes(request.user, self.before(request.GET.get("before", "")), CHANGES_PER_PAGE + 1)
        listings = ItemList({}, request.user).for_queries(change.query for change in found[:CHANGES_PER_PAGE])
        shown = list(zip(found[:CHANGES_PER_PAGE], listings, strict=True))
        last = found[CHANGES_PER_PAGE - 1] if len(found) > CHANGES_PER_PAGE else None
        context = {
            "changes": [
                (change, url_of_list(listing), listing.chips(), bulk.skip_reasons(change)) for change, listing in shown
            ],
            "older": f"{last.created_at.isoformat()}~{last.pk}" if last else "",
        }
        return render(request, "workitems/bulk/changes.html", context)

    @staticmethod
    def before(text):
        """The position in the list that this text names, as (created_at, id); None if it is invalid."""
        at, _tilde, pk = text.partition("~")
        try:
            moment = datetime.fromisoformat(at)
            return (moment.astimezone(UTC), UUID(pk)) if moment.tzinfo else None
        except (ValueError, OverflowError):
            return None


class BulkChangePage(ItemViewMixin, View):
    """`/acts/ID`: the progress of a bulk change, and the result for each item. POST runs the next batch."""

    permission = Permission.REVIEW

    def get(self, request, pk):
        change, start = self.bulk_change(), parse_bigint(request.GET.get("after", "")) or 0
        entries = bulk.changed_items(change, request.user, start, ENTRIES_PER_PAGE + 1)
        listing = ItemList(QueryDict(change.query), request.user)
        unchanged = [] if start else bulk.unchanged_items(change, request.user, ENTRIES_PER_PAGE + 1)
        state, undo = self.queue_state(), bulk.find_undo(change)
        context = {
            "change": change,
            "entries": [entry for entry in entries[:ENTRIES_PER_PAGE] if entry.name],
            "start": start,
            "next_start": entries[ENTRIES_PER_PAGE - 1].item_id if len(entries) > ENTRIES_PER_PAGE else None,
            "skipped": bulk.skip_reasons(change),
            "unchanged_items": unchanged[:ENTRIES_PER_PAGE],
            "has_more_unchanged": len(unchanged) > ENTRIES_PER_PAGE,
            "chips": listing.chips(),
            "back_url": url_of_list(listing),
            "queue_url": url_of_queue(state) if state else None,
            "queue_query": state.query if state else "",
            "page_query": urlencode({"round": state.query}) if state else "",
            "can_continue": bulk.can_continue(change, request.user),
            "can_undo": bulk.can_undo(change, request.user) and undo is None,
            "undo": undo if undo and BulkChange.objects.visible_to(request.user).among([undo.pk]) else None,
            "requeue": self.what_to_requeue(change),
        }
        return render(request, "workitems/bulk/change.html", context)

    def what_to_requeue(self, change) -> dict[str, Any] | None:
        """What an admin can requeue of the items that it has cancelled; None if there is nothing. Of too many items,
        `still_cancelled` is None.
        """
        if change.move != "cancel" or not change.finished_at or not self.request.user.can(Permission.REQUEUE):
            return None
        found = bulk.find_cancelled(change, self.request.user)
        if found is None:
            return {"unchanged": 0, "still_cancelled": None}
        if not found.still_cancelled:
            return None
        return {
            "unchanged": found.unchanged.total,
            "snapshot": bulk.sign_frozen(found.unchanged, self.request.user),
            "list": found.unchanged.query,
            "still_cancelled": found.still_cancelled,
        }

    def post(self, request, pk):
        change = self.bulk_change()
        if not bulk.can_continue(change, request.user):
            raise PermissionDenied
        return redirect(url_of_bulk_change(bulk.run_slice(change), self.queue_state()))


class UndoBulkChange(ItemViewMixin, View):
    """`/acts/ID/undo`: undoes a bulk review or cancel, except on items that have changed since.

    A cancel is undone by a requeue, so a POST first shows what will happen and asks for a note.
    """

    permission = Permission.REVIEW

    def get(self, request, pk):
        """Users who were signed out when they sent the form end up here after signing in."""
        return redirect(url_of_bulk_change(self.bulk_change(), None))

    def post(self, request, pk):
        change = self.bulk_change()
        if not bulk.can_undo(change, request.user):
            raise PermissionDenied
        undo, note = bulk.find_undo(change), ""
        if undo is None and change.move == "cancel":
            form = UndoCancelForm(request.POST if request.POST.get("confirmed") else None)
            if not form.is_valid():
                return self.ask(change, form)
            note = form.cleaned_data["note"]
        undo = undo or bulk.undo(change, request.user, note=note)
        bulk.run_slice(undo)
        state = self.queue_state()
        return redirect(url_of_bulk_change(undo, state and (state.previous or state)))

    def ask(self, change, form):
        """The page that says what the undo will do, with the form for its note."""
        context = {
            "form": form,
            "chips": ItemList(QueryDict(change.query), self.request.user).chips(),
            "preview": bulk.dry_run_of_undo(change, self.request.user),
            "note_templates": UNDO_NOTES,
            "back_url": url_of_bulk_change(change, None),
        }
        return render(self.request, "workitems/bulk/undo.html", context, status=422 if form.is_bound else 200)
