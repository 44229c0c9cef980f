from allauth.account.adapter import DefaultAccountAdapter
from django.utils.translation import gettext_lazy as _

from .roles import Permission


class AccountAdapter(DefaultAccountAdapter):
    """Admins create accounts: nobody signs up, and only people who can use the pages get a password by email."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "This e-mail and this password do not belong together. Look at both again, or set a new password by the link below."
        ),
        "too_many_login_attempts": _(
            "The password was wrong too many times. Wait five minutes, or set a new password by the link below."
        ),
        "enter_current_password": _("This is not the password that you have now. Look at it again."),
        "incorrect_password": _("This is not your password. Look at it again."),
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
