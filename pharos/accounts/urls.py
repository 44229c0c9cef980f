"""allauth's pages, some of them with additions. What a form there changes and the email about it are stored together, or neither is."""

from functools import wraps

from allauth.account.urls import urlpatterns as library_patterns
from django.db import transaction
from django.urls import URLPattern

from .sign_in_views import NewPassword, SignIn, SignOut

OUR_VIEWS = {
    "account_login": SignIn.as_view(),
    "account_logout": SignOut.as_view(),
    "account_reset_password_from_key": NewPassword.as_view(),
}


def _in_one_transaction(view):
    @wraps(view)
    def run(request, *args, **kwargs):
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return run


urlpatterns = [
    URLPattern(one.pattern, _in_one_transaction(OUR_VIEWS.get(one.name, one.callback)), one.default_args, one.name)
    for one in library_patterns
]
