import copy
import shlex

from django.contrib import messages
from django.contrib.messages.views import SuccessMessageMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.generic import UpdateView

from . import api_keys
from .forms import AccountForm, KeyForm
from .models import ApiKey
from .roles import Permission


class Account(SuccessMessageMixin, UpdateView):
    """ "My account": the settings that people can change for themselves, and their API keys."""

    permission = Permission.SIGN_IN
    form_class = AccountForm
    template_name = "accounts/account.html"
    success_url = reverse_lazy("account")
    success_message = gettext_lazy("Your settings have been saved.")

    def get_object(self, queryset=None):
        # A copy: what is typed must not appear in the page's header before it is saved.
        return copy.copy(self.request.user)

    def form_invalid(self, form):
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def get_context_data(self, **context):
        user = self.request.user
        more = {
            "key_form": KeyForm(),
            "keys": user.api_keys.not_revoked(),
            "keys_can_write": user.can(Permission.ADMIN_API),
        }
        return super().get_context_data(**{**more, **context})


class CreateKey(Account):
    """Creates an API key, and responds with a page that shows it. It is never shown again."""

    permission = Permission.API_KEY

    def get(self, request):
        return redirect("account")

    def post(self, request):
        form = KeyForm(request.POST)
        self.object = self.get_object()
        if not form.is_valid():
            context = self.get_context_data(form=AccountForm(instance=self.object), key_form=form)
            return self.render_to_response(context, status=422)
        try:
            key, secret = api_keys.create_key(request.user, **form.cleaned_data, now=timezone.now())
        except api_keys.KeyRefused as refusal:
            messages.error(request, str(refusal))
            return redirect("account")
        return render_key_once(request, key, secret, back_url=reverse("account"))


class RevokeKey(View):
    """GET asks for confirmation, POST revokes the key. Revoking it twice is no error; someone else's key is a 404."""

    permission = Permission.API_KEY

    def get(self, request, pk):
        key = self.get_key(pk)
        return self.redirect_back(key) if key.revoked_at else render(request, "accounts/revoke_key.html", {"key": key})

    def post(self, request, pk):
        key = self.get_key(pk)
        api_keys.revoke_key(key, now=timezone.now())
        return self.redirect_back(key)

    def get_key(self, pk):
        return get_object_or_404(self.request.user.api_keys, pk=pk)

    def redirect_back(self, key: ApiKey) -> HttpResponse:
        messages.success(self.request, _("The key %(key)s has been revoked.") % {"key": key})
        return redirect("account")


def render_key_once(request: HttpRequest, key: ApiKey, secret: str, *, back_url: str) -> HttpResponse:
    """The page with a new key, as the response to the form that created it.

    A redirect would require keeping the key for the next request, in the session or a message, and thus in the database
    or a cookie. This way, it is stored nowhere. Reloading the page sends the form again, and `api_keys.create_key`
    refuses a form that it has seen before.
    """
    path = "/api/v2/items/" if key.user.can(Permission.ADMIN_API) else "/member-api/v2/items/"
    example = " \\\n  ".join(
        [
            'curl -H "X-Pharos-API-User: $PHAROS_USER"',
            '-H "X-Pharos-API-Key: $PHAROS_KEY"',
            shlex.quote(request.build_absolute_uri(f"{path}?per_page=5")),
        ]
    )
    context = {
        "key": key,
        "secret": secret,
        "example": example,
        "email": shlex.quote(key.user.email),
        "back_url": back_url,
    }
    response = render(request, "accounts/key.html", context)
    add_never_cache_headers(response)
    return response
