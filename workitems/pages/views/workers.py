from django.shortcuts import render
from django.utils import timezone
from django.views import View

from pharos.accounts.roles import Permission

from ...listing import fetch_nodes
from ..access import ItemViewMixin


class Workers(ItemViewMixin, View):
    """`/workers/`: what each node holds, since when, and its last sign of life."""

    permission = Permission.SEE_PROCESS

    def get(self, request):
        now = timezone.now()
        return render(request, "workitems/workers.html", {"nodes": fetch_nodes(self.visible_items, now)})
