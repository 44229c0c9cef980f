from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from . import known_browsers, sign_in_limits
from .roles import Permission

NOBODY = "nobody@example.invalid"  # the queue doesn't send to this domain


LOCKED = "locked"  # the code of the error when signing in is refused for a while


class AccountAdapter(DefaultAccountAdapter):
    """allauth's behavior for accounts that only admins create: no sign-up, and no sign-in for service accounts."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _(
            "The email or password is incorrect. Check both, or use the link below to set a new password."
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

    def authenticate(self, request, **credentials):
        try:
            attempt = sign_in_limits.begin(request, credentials["email"])
        except sign_in_limits.SignInLocked as locked:
            raise ValidationError(locked.explain(), code=LOCKED, params={"until": locked.until}) from locked
        user = super().authenticate(request, **credentials)
        if user:
            attempt.succeeded()
        return user

    def post_login(self, request, user, **kwargs):
        known_browsers.remember(request, user)
        return super().post_login(request, user, **kwargs)

    def set_password(self, user, password):
        super().set_password(user, password)
        known_browsers.remember(context.request, user)  # who has set it has proved to be the person, and can sign in

    def send_notification_mail(self, template_prefix, user, context=None, email=None):
        # Sent to the person's current address. allauth would use its own list, which can be empty or have an old
        # address.
        super().send_notification_mail(template_prefix, user, context, email or user.email)

    def send_password_reset_mail(self, user, email, context):
        # Sent to the address of the account, which nobody can have typed differently.
        super().send_password_reset_mail(user, user.email, context)
