from django.shortcuts import render
from django.utils import timezone
from django.views import View

from pharos.accounts.roles import Permission
from pharos.reading import ReadsFromStandby

from ..access import Door
from ..overview import COLUMNS, Overview


class Home(ReadsFromStandby, Door, View):
    """`/`: what needs this person, what runs, and how it went."""

    permission = Permission.BROWSE

    def get(self, request):
        overview = Overview(request.user, timezone.now(), self.using)
        return render(request, "workitems/overview.html", {"overview": overview, "columns": COLUMNS})
