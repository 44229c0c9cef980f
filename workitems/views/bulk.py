"""Marking many items: choose in the list, see what will happen, do it piece by piece, see what was done."""

from django.contrib import messages
from django.http import QueryDict
from django.shortcuts import redirect, render
from django.views import View

from pharos.accounts.roles import Permission

from .. import bulk
from ..access import Door, url_of_list
from ..filters import ItemList
from ..forms import ReviewForm

ENTRIES_PER_PAGE = 100
UNDO_OF = {"review": "unreview", "unreview": "review"}


class BulkReview(Door, View):
    """`/items/review`: POST from the list shows what will happen; POST with `confirmed` begins it."""

    permission = Permission.REVIEW

    def get(self, request):
        return redirect("items")

    def post(self, request):
        form = ReviewForm(request.POST)
        try:
            selection = self.selection(request)
            if not form.is_valid():
                raise bulk.BadSelection(" ".join(form.errors["reviewed"]))
        except bulk.BadSelection as error:
            messages.error(request, str(error))
            return redirect(url_of_list(self.listing()))
        reviewed = form.cleaned_data["reviewed"] == "true"
        if request.POST.get("confirmed"):
            act = bulk.begin(selection, "review" if reviewed else "unreview", request.user)
            bulk.go_on(act)
            return redirect("act", act.pk)
        context = {
            "selection": selection,
            "preview": bulk.preview_of_review(selection, request.user, reviewed=reviewed),
            "reviewed": reviewed,
            "snapshot": request.POST.get("snapshot", ""),
            "chips": listing.chips() if (listing := self.listing()) else [],
            "back": url_of_list(listing),
            "list_query": request.POST.get("list", ""),
        }
        return render(request, "workitems/bulk_review.html", context)

    def selection(self, request) -> bulk.Selection:
        listing, snapshot = self.listing(), request.POST.get("snapshot", "")
        if request.POST.get("which") == "matching":
            return bulk.of_snapshot(snapshot, request.user)
        return bulk.of_ids(request.POST.getlist("ids"), listing.query() if listing else "", snapshot, request.user)


class Act(Door, View):
    """`/acts/ID`: how far a bulk act has come, and what became of each item. POST goes on with it."""

    permission = Permission.REVIEW

    def get(self, request, pk):
        act, after = self.act(), request.GET.get("after", "")
        start = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0
        entries = bulk.entries_of(act, start, ENTRIES_PER_PAGE + 1)
        context = {
            "act": act,
            "entries": entries[:ENTRIES_PER_PAGE],
            "start": start,
            "next": entries[ENTRIES_PER_PAGE - 1].item_id if len(entries) > ENTRIES_PER_PAGE else None,
            "skipped": bulk.skipped_of(act),
            "back": url_of_list(ItemList(QueryDict(act.query), request.user)),
            "may_undo": bool(act.finished_at and act.changed and "undo" not in act.selection),
        }
        return render(request, "workitems/act.html", context)

    def post(self, request, pk):
        act = bulk.go_on(self.act())
        return redirect("act", act.pk)


class Undo(Door, View):
    """`/acts/ID/undo`: sets back what the act has set, but for what has changed since."""

    permission = Permission.REVIEW

    def post(self, request, pk):
        act = self.act()
        undo = bulk.begin(bulk.undoing(act), UNDO_OF[act.move], request.user)
        bulk.go_on(undo)
        return redirect("act", undo.pk)
