from allauth.account.adapter import DefaultAccountAdapter
from django.utils.translation import gettext_lazy as _

from .roles import Permission

NOBODY = "nobody@example.invalid"  # the queue doesn't send to this domain


class AccountAdapter(DefaultAccountAdapter):
    """allauth's behavior for accounts that only admins create: no sign-up, and no sign-in for service accounts."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "The email or password is incorrect. Check both, or use the link below to set a new password."
        ),
        "too_many_login_attempts": _(
            "Too many failed attempts. Wait five minutes, or use the link below to set a new password."
        ),
        "enter_current_password": _("This isn't your current password. Check it and try again."),
        "incorrect_password": _("This isn't your password. Check it and try again."),
    }

    def is_open_for_signup(self, request):
        return False

    def pre_login(self, request, user, **kwargs):
        if not user.can(Permission.SIGN_IN):
            return self.respond_user_inactive(request, user)
        return super().pre_login(request, user, **kwargs)

    def send_notification_mail(self, template_prefix, user, context=None, email=None):
        # Sent to the person's current address. allauth would use its own list, which can be empty or have an old
        # address.
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    def send_password_reset_mail(self, user, email, context):
        # Sent to the address of the account, which nobody can have typed differently.
        super().send_password_reset_mail(user, user.email, context)
