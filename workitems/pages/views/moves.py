"""The moves that people can make on one item: GET asks for confirmation, POST makes the move."""

from dataclasses import replace

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from pharos.accounts.roles import Permission

from ... import transitions
from ...api import STATUS_OF
from ...explanations import first_line
from ...lifecycle import Refused, explain_refusal
from ..access import ItemViewMixin, url_of_item, url_of_list
from ..forms import CancelForm, DamagedCopyReviewForm, EditForm, RequeueForm, ReviewForm
from ..item_detail import ItemDetail
from ..template_helpers import plain_value
from .notes import CANCEL_NOTES


class MoveView(ItemViewMixin, View):
    """The base of the moves. A subclass names its template, creates its form, and calls its transition."""

    name: str  # in lifecycle.MOVES
    template_name: str
    success_message: str | Promise

    def form(self, item, data=None):
        raise TypeError(f"{type(self).__name__} has no form")

    def move(self, item, values):
        raise TypeError(f"{type(self).__name__} has no move")

    def state(self, item):
        """What the rules know of the item."""
        return item.lifecycle_state

    def refusal(self, item) -> str:
        """Why the move can't be made at all, or an empty text."""
        return explain_refusal(self.name, self.state(item), self.request.user.role)

    def get(self, request, pk):
        item = self.item()
        if refusal := self.refusal(item):
            return self.page(item, self.form(item), status=409, refusal=refusal)
        return self.page(item, self.form(item))

    def post(self, request, pk):
        item = self.item()
        form = self.form(item, request.POST)
        if not form.is_valid():
            return self.page(item, form, status=422)
        version = item.version
        try:
            self.move(item, form.cleaned_data)
        except Refused as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.sentence)
            if refused.reason == "changed":
                self.show_current_values(item, form)
            return self.page(item, form, status=STATUS_OF[refused.reason])
        messages.success(request, self.message(item) if item.version != version else _("There was nothing to change."))
        return redirect(self.next_url(item))

    def show_current_values(self, item, form):
        """After a conflict: the page now shows the item as it is, so the reader can send the form again."""
        form.data = {**form.data.dict(), "version": item.version}

    def message(self, item) -> str:
        return str(self.success_message) % {"name": item.name}

    def next_url(self, item) -> str:
        """Where to go next: to the list if the form was in its row, else to the item's page."""
        listing = self.listing()
        if self.request.POST.get("from") == "list":
            return f"{url_of_list(listing)}#item-{self.row_to_show(item, listing)}"
        return url_of_item(item.pk, listing)

    def row_to_show(self, item, listing) -> str:
        """The number of the item or, if it has left the list, of the item in the following row."""
        following = self.request.POST.get("following", "")
        is_listed = not listing or not following.isdigit() or listing.items().filter(pk=item.pk).exists()
        return str(item.pk) if is_listed else following

    def page(self, item, form, status=200, refusal=""):
        if form.is_bound and not form.cleaned_data.get("version"):
            form.data = {**form.data.dict(), "version": item.version}
        listing, origin = self.listing(), self.request.POST.get("from", "")
        context = {
            "item": item,
            "detail": ItemDetail(item, self.request.user, timezone.now()),
            "form": form,
            "refusal": refusal,
            "list_query": listing.query() if listing else "",
            "back_url": url_of_list(listing) if origin == "list" else url_of_item(item.pk, listing),
            "origin": origin,
        }
        return render(self.request, self.template_name, {**context, **self.extra_context()}, status=status)

    def extra_context(self) -> dict:
        return {}


class Cancel(MoveView):
    permission = Permission.CANCEL
    name = "cancel"
    template_name = "workitems/moves/cancel.html"
    success_message = gettext_lazy("Cancelled %(name)s.")

    def form(self, item, data=None):
        start = self.request.GET.get("start", "")
        note = CANCEL_NOTES[int(start)][1] if start in map(str, range(len(CANCEL_NOTES))) else ""
        return CancelForm(data, initial={"version": item.version, "note": note})

    def move(self, item, values):
        transitions.cancel(item, by=self.request.user, note=values["note"], version=values["version"])

    def extra_context(self):
        return {"note_templates": CANCEL_NOTES}


class Requeue(MoveView):
    permission = Permission.REQUEUE
    name = "requeue"
    template_name = "workitems/moves/requeue.html"
    success_message = gettext_lazy("Requeued %(name)s.")

    def state(self, item):
        return replace(item.lifecycle_state, stage_before_cancel=transitions.find_reached_stage(item))

    def form(self, item, data=None):
        state = self.state(item)
        stages = state.requeue_stages
        initial = {"version": item.version, "stage": stages[-1] if stages else None}
        return RequeueForm(data, stages=stages, unserved=state.unserved_stages, initial=initial)

    def post(self, request, pk):
        item = self.item()
        if not self.state(item).requeue_stages:  # a form without a choice can't be filled in
            return self.page(item, self.form(item), status=409, refusal=self.refusal(item))
        return super().post(request, pk)

    def move(self, item, values):
        transitions.requeue(
            item, by=self.request.user, stage=values["stage"], note=values["note"], version=values["version"]
        )


class Review(MoveView):
    permission = Permission.REVIEW
    name = "review"
    template_name = "workitems/moves/review.html"

    def form(self, item, data=None):
        wanted = data.get("reviewed") == "true" if data else not item.reviewed
        needs_note = wanted and self.state(item).is_damaged_copy and not self.refusal(item)
        form = DamagedCopyReviewForm if needs_note else ReviewForm
        return form(data, initial={"version": item.version, "reviewed": str(not item.reviewed).lower()})

    def move(self, item, values):
        transitions.review(
            item,
            by=self.request.user,
            reviewed=values["reviewed"] == "true",
            note=values.get("note"),
            version=values["version"],
        )

    def message(self, item):
        if item.reviewed:
            return _("Marked %(name)s as reviewed.") % {"name": item.name}
        return _("Marked %(name)s as not reviewed.") % {"name": item.name}


class Edit(MoveView):
    permission = Permission.EDIT
    name = "edit"
    template_name = "workitems/moves/edit.html"
    success_message = gettext_lazy("Changed %(name)s.")

    def form(self, item, data=None):
        fields = ("version", "retry", "needs_admin_review", "note", "node", "pid")
        return EditForm(data, initial={name: getattr(item, name) for name in fields})

    def move(self, item, values):
        transitions.edit(item, by=self.request.user, **values)

    def show_current_values(self, item, form):
        super().show_current_values(item, form)
        for name, value in list(form.cleaned_data.items()):
            if name != "version" and value != getattr(item, name):
                now = plain_value(getattr(item, name))
                form.add_error(name, _("It is now: %(now)s") % {"now": first_line(now)})
