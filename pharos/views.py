from django.db import connection
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import resolve
from django.views import View
from django.views.generic import TemplateView

from pharos.accounts.authorization import PUBLIC
from pharos.accounts.roles import Permission


class Keys(TemplateView):
    """`/keys`: the keyboard shortcuts. keys.js shows the same content in a dialog."""

    permission = Permission.SIGN_IN
    template_name = "keys.html"


class Health(View):
    """`/healthz`, for load balancers: 200 if the database answers, else 500."""

    permission = PUBLIC

    def get(self, request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return HttpResponse("ok\n", content_type="text/plain")


class NotFound(View):
    """Any unknown address. If only a trailing slash is missing or extra, it redirects to the page, else it is a 404."""

    permission = PUBLIC

    def dispatch(self, request, *args, **kwargs):
        path = request.path_info.removesuffix("/") if request.path_info.endswith("/") else f"{request.path_info}/"
        view_class = getattr(resolve(path or "/").func, "view_class", None)
        if request.method in ("GET", "HEAD") and view_class is not NotFound:
            query = request.META.get("QUERY_STRING", "")
            return redirect(f"{path}?{query}" if query else path)
        return render(request, "404.html", status=404)
