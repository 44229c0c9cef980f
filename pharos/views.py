from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import resolve
from django.views import View
from django.views.generic import TemplateView

from pharos.accounts.authorization import PUBLIC
from pharos.accounts.roles import Permission


class Keys(TemplateView):
    """`/keys`: the keyboard shortcuts. A script shows the same in a dialog."""

    permission = Permission.SIGN_IN
    template_name = "keys.html"


class Health(View):
    """`/healthz`, for load balancers: 200 once the database answers; any fault is a 500 like everywhere."""

    permission = PUBLIC

    def get(self, request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return HttpResponse("ok\n", content_type="text/plain")


class NotFound(View):
    """Every address that is no other page's. With a slash too many or too few, it leads to the page that was meant."""

    permission = PUBLIC

    def dispatch(self, request, *args, **kwargs):
        meant = request.path_info.removesuffix("/") if request.path_info.endswith("/") else f"{request.path_info}/"
        found = getattr(resolve(meant or "/").func, "view_class", None)
        if request.method in ("GET", "HEAD") and found is not NotFound:
            query = request.META.get("QUERY_STRING", "")
            return redirect(f"{meant}?{query}" if query else meant)
        return render(request, "404.html", status=404)
