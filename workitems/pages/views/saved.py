"""Saved views: their pages, and the number of items in one."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from pharos.accounts.authorization import PUBLIC
from pharos.accounts.roles import Permission
from pharos.replicas.reading import ReadsFromReplica

from ... import mailing, saved_views
from ...listing import ItemList, find
from ...models import Every, Reach, SavedView
from ...saved_views import ViewRefused
from ..access import ItemViewMixin, url_of_list
from ..forms import ViewForm
from ..list.facets import format_total


class SavedViewMixin(ItemViewMixin, View):
    """The base of the views about saved views."""

    permission = Permission.BROWSE

    def view(self) -> SavedView:
        """The saved view in the URL. Raises Http404 if there is none that this user can see."""
        return self.get_view(self.kwargs["pk"])

    def get_view(self, number) -> SavedView:
        """The saved view with this number. Raises Http404 if there is none that this user can see."""
        try:
            return SavedView.objects.visible_to(self.request.user).get(pk=number)
        except (SavedView.DoesNotExist, OverflowError, ValueError):
            raise Http404 from None

    def changeable(self) -> SavedView:
        """The saved view in the URL. Raises Http404, or PermissionDenied if this user can't change it."""
        view = self.view()
        if not saved_views.can_change(view, self.request.user):
            raise PermissionDenied
        return view

    def can_open(self, view: SavedView) -> bool:
        """Whether this user can use all of its filters; if not, the next page says so."""
        if saved_views.can_open(view, self.request.user):
            return True
        sentence = _("“%(name)s” uses a filter that isn't available to your role or institution.")
        messages.error(self.request, sentence % {"name": view.name})
        return False

    def warn(self, view: SavedView) -> None:
        """Warns the owner if the view's filters hide it from some of its readers."""
        if saved_views.is_restricted(view):
            warning = _(
                "The view names an institution, a cause, or a process. People who don't have access to it don't "
                "see the view."
            )
            messages.warning(self.request, warning)

    def form(self, data=None, *, view=None, **initial) -> ViewForm:
        reaches = [(reach.value, reach.label) for reach in saved_views.allowed_reaches(self.request.user, view)]
        return ViewForm(data, reaches=reaches, initial=initial)


class SavedViews(SavedViewMixin):
    """`/views/`: every saved view that this user can see. POST saves the list in the form as a view."""

    def get(self, request):
        context = {
            "lines": saved_views.list_views(request.user),
            "subscriptions": mailing.subscriptions_of(request.user),
            "frequencies": Every.choices,
        }
        return render(request, "workitems/saved_views/saved_views.html", context)

    def post(self, request):
        form, listing = self.form(request.POST), self.listing()
        if listing is None:
            return self.show_invalid(form)
        query = listing.query(page=None)
        if form.is_valid():
            try:
                view = saved_views.save_view(request.user, query=query, **form.cleaned_data)
            except ViewRefused as refused:
                form.add_error(refused.field, str(refused))
            else:
                self.confirm(view)
                return redirect(f"{reverse('items')}?{view.query}")
        context = {"form": form, "chips": listing.chips(), "list_query": query, "back_url": url_of_list(listing)}
        return render(request, "workitems/saved_views/save.html", context, status=422)

    def show_invalid(self, form):
        """The response if the list is invalid. It repeats the list and what was typed."""
        query = self.request.POST.get("list", "")
        form.add_error(None, _("This list can't be saved because it isn't valid. Go back to it to see what is wrong."))
        context = {"form": form, "chips": None, "list_query": query, "back_url": f"{reverse('items')}?{query}"}
        return render(self.request, "workitems/saved_views/save.html", context, status=422)

    def confirm(self, view):
        sentences = {
            Reach.PRIVATE: _("Saved as “%(name)s”. Only you can see it."),
            Reach.INSTITUTION: _("Saved as “%(name)s”. Your institution can see it."),
            Reach.EVERYBODY: _("Saved as “%(name)s”. Everyone can see it."),
        }
        messages.success(self.request, sentences[view.reach] % {"name": view.name})
        self.warn(view)


class ChangeSavedView(SavedViewMixin):
    """`/views/ID`: changes the name or the readers of a saved view."""

    def get(self, request, pk):
        view = self.changeable()
        return self.page(view, self.form(view=view, name=view.name, reach=view.reach))

    def post(self, request, pk):
        view = self.changeable()
        form = self.form(request.POST, view=view)
        if form.is_valid():
            try:
                name, reach = form.cleaned_data["name"], form.cleaned_data["reach"]
                view = saved_views.change_view(view, request.user, name=name, reach=reach)
            except ViewRefused as refused:
                form.add_error(refused.field, str(refused))
            else:
                messages.success(request, _("Changed “%(name)s”.") % {"name": view.name})
                self.warn(view)
                return redirect("saved_views")
        return self.page(self.changeable(), form, status=422)

    def page(self, view, form, status=200):
        return render(self.request, "workitems/saved_views/change.html", {"view": view, "form": form}, status=status)


class DeleteSavedView(SavedViewMixin):
    """`/views/ID/delete`: GET asks for confirmation, POST deletes the view."""

    def get(self, request, pk):
        return render(request, "workitems/saved_views/delete.html", {"view": self.changeable()})

    def post(self, request, pk):
        view = self.changeable()
        saved_views.delete_view(view)
        messages.success(request, _("Deleted the view “%(name)s”. Its items haven't changed.") % {"name": view.name})
        return redirect("saved_views")


class SetStartView(SavedViewMixin):
    """`/views/start`: POST `view`, a number or blank for all items, sets the default view of "Work Items"."""

    def get(self, request):
        return redirect("saved_views")

    def post(self, request):
        number = request.POST.get("view", "")
        view = self.get_view(number) if number else None
        if view is None or self.can_open(view):
            self.set_start_view(view)
        return redirect("account" if request.POST.get("from") == "account" else "saved_views")

    def set_start_view(self, view):
        saved_views.set_start_view(view, self.request.user)
        if view:
            messages.success(
                self.request, _("“%(name)s” is now the default view of “Work Items”.") % {"name": view.name}
            )
        else:
            messages.success(self.request, _("“Work Items” now opens with all items."))


class SetDigest(SavedViewMixin):
    """`/views/ID/digest`: POST `every` (day, week, or blank for never) sets how often this user is emailed the view."""

    def get(self, request, pk):
        return redirect("saved_views")

    def post(self, request, pk):
        view, every = self.view(), request.POST.get("every", "")
        if every and every not in Every.values:
            messages.error(request, _("Choose how often to receive the email: daily, weekly, or never."))
            return redirect("saved_views")
        if every and not self.can_open(view):
            return redirect("saved_views")
        mailing.subscribe(view, request.user, every or None, timezone.now())
        sentences = {
            "": _("You won't receive emails about “%(name)s”."),
            Every.DAY: _("You'll receive “%(name)s” daily at 7 a.m. your time, unless empty."),
            Every.WEEK: _("You'll receive “%(name)s” every Monday at 7 a.m. your time, unless empty."),
        }
        messages.success(request, sentences[every] % {"name": view.name})
        return redirect("saved_views")


@method_decorator(csrf_exempt, name="dispatch")
class StopDigest(View):
    """`/digests/stop/TOKEN`: the link in each email. GET asks for confirmation; POST unsubscribes.

    The POST comes from the page or from an email program (RFC 8058), which isn't signed in and has no CSRF token. The
    signed token in the link is the only credential.
    """

    permission = PUBLIC

    def get(self, request, token):
        return self.page(self.digest(token), was_stopped=False)

    def post(self, request, token):
        digest = self.digest(token)
        if digest:
            mailing.subscribe(digest.view, digest.person, None, timezone.now())
        return self.page(digest, was_stopped=True)

    def digest(self, token):
        found, is_ours = mailing.find_by_token(token)
        if not is_ours:
            raise Http404
        return found

    def page(self, digest, **context):
        return render(self.request, "workitems/saved_views/stop_digest.html", {"digest": digest, **context})


class StartViewRedirect(ItemViewMixin, View):
    """`/items`: redirects to the user's default view, or to `/items/` if there is none or the request has a query."""

    permission = Permission.BROWSE

    def get(self, request):
        query = request.META["QUERY_STRING"]
        view = None if query else saved_views.get_start_view(request.user)
        if view is None:
            return redirect(reverse("items") + (f"?{query}" if query else ""))
        listing = ItemList({}, request.user).for_query(view.query)
        if listing.is_valid():
            return redirect(url_of_list(listing))
        messages.error(
            request,
            _("“%(name)s”, your default view, uses a filter that isn't available to your role or institution.")
            % {"name": view.name},
        )
        return redirect("items")


class SavedViewCount(ReadsFromReplica, SavedViewMixin):
    """`/views/ID/count`: the number of items that this user sees in a saved view, formatted as on the list's page."""

    CACHE_SECONDS = 20  # how long browsers can reuse the answer

    def get(self, request, pk):
        listing = ItemList({}, request.user, using=self.using).for_query(self.view().query)
        if not listing.is_valid():
            return JsonResponse({"number": None, "text": ""})
        found = find(listing)
        response = JsonResponse(
            {"number": found.total, "text": format_total(found.total, is_complete=found.is_complete)}
        )
        # Otherwise, going from page to page of a list would count every saved view again.
        patch_cache_control(response, private=True, max_age=self.CACHE_SECONDS)
        return response
