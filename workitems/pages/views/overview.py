from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.views import View

from pharos.accounts.roles import Permission
from pharos.replicas.reading import ReadsFromReplica

from ..access import ItemViewMixin
from ..overview import COLUMNS, Overview


class Home(ReadsFromReplica, ItemViewMixin, View):
    """`/`: the overview: what needs the reader's attention, what is in progress, and results."""

    permission = Permission.BROWSE

    def get(self, request):
        overview = Overview(request.user, timezone.now(), self.using)
        return render(request, "workitems/overview/overview.html", {"overview": overview, "columns": COLUMNS})


class Favicon(ReadsFromReplica, ItemViewMixin, View):
    """`/icon`: redirects to the icon for the browser tab, which shows the reader's most urgent need."""

    permission = Permission.BROWSE
    CACHE_SECONDS = 120  # how long browsers cache it; otherwise they would request it with every page

    def get(self, request):
        tone = Overview(request.user, timezone.now(), self.using).most_urgent
        response = redirect(static(f"favicon-{tone}.svg" if tone else "favicon.svg"))
        patch_cache_control(response, private=True, max_age=self.CACHE_SECONDS)
        return response
