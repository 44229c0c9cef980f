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
    """`/healthz`, for load balancers: 200 if the database answers; any failure is a 500 as everywhere."""

    permission = PUBLIC

    def get(self, request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return HttpResponse("ok\n", content_type="text/plain")


class NotFound(View):
    """Every unknown address. With a missing or extra trailing slash, it redirects to the intended page."""

    permission = PUBLIC

    def dispatch(self, request, *args, **kwargs):
        meant = request.path_info.removesuffix("/") if request.path_info.endswith("/") else f"{request.path_info}/"
        found = getattr(resolve(meant or "/").func, "view_class", None)
        if request.method in ("GET", "HEAD") and found is not NotFound:
            query = request.META.get("QUERY_STRING", "")
            return redirect(f"{meant}?{query}" if query else meant)
        return render(request, "404.html", status=404)
