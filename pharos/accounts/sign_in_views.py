"""allauth's pages for signing in and out and for a new password, with what this product adds to them."""

from allauth.account.views import LoginView, LogoutView, PasswordResetFromKeyView
from django.contrib import messages
from django.utils.http import http_date
from django.utils.translation import ngettext

from .adapter import LOCKED


class SignIn(LoginView):
    """If signing in is refused for a while, the form comes back with what was typed, as a 429 with Retry-After."""

    def form_invalid(self, form):
        response = super().form_invalid(form)
        for error in form.non_field_errors().as_data():
            if error.code == LOCKED:
                response.status_code = 429
                response["Retry-After"] = http_date(error.params["until"].timestamp())
        return response


class SignOut(LogoutView):
    """Tells the browser to forget the pages it has shown, so that Back doesn't show them, and what scripts stored.

    Browsers obey that only over HTTPS. Cookies stay, because one of them says that this browser is known.
    """

    def post(self, *args, **kwargs):
        response = super().post(*args, **kwargs)
        if self.request.is_secure():
            response["Clear-Site-Data"] = '"cache", "storage"'
        return response


class NewPassword(PasswordResetFromKeyView):
    """Says how many API keys were revoked with the new password."""

    def form_valid(self, form):
        response = super().form_valid(form)
        if form.revoked:
            sentence = ngettext("Revoked %(number)d API key.", "Revoked %(number)d API keys.", form.revoked)
            messages.success(self.request, sentence % {"number": form.revoked})
        return response
