from django.db import connection
from django.http import HttpResponse
from django.views import View
from django.views.generic import RedirectView

from pharos.accounts.gate import PUBLIC
from pharos.accounts.roles import Permission


class Home(RedirectView):
    """`/`: the list is where everybody begins."""

    permission = Permission.SIGN_IN
    pattern_name = "items"


class Health(View):
    """`/healthz`, for load balancers: 200 once the database answers; any fault is a 500 like everywhere."""

    permission = PUBLIC

    def get(self, request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return HttpResponse("ok\n", content_type="text/plain")
