from django.contrib.messages.views import SuccessMessageMixin
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic import UpdateView

from .forms import AccountForm
from .roles import Permission


class Account(SuccessMessageMixin, UpdateView):
    """ "My account": what people may set for themselves."""

    permission = Permission.SIGN_IN
    form_class = AccountForm
    template_name = "accounts/account.html"
    success_url = reverse_lazy("account")
    success_message = _("Your settings are saved.")

    def get_object(self, queryset=None):
        return self.request.user
