from allauth.account.adapter import DefaultAccountAdapter

from .roles import Permission


class AccountAdapter(DefaultAccountAdapter):
    """People are entered by an admin: nobody signs up, and only who may use the pages gets a password by mail."""

    def is_open_for_signup(self, request):
        return False

    def pre_login(self, request, user, **kwargs):
        if not user.can(Permission.SIGN_IN):
            return self.respond_user_inactive(request, user)
        return super().pre_login(request, user, **kwargs)
