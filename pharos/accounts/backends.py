from django.conf import settings
from django.contrib.auth.backends import ModelBackend

from .roles import Permission


class PeopleBackend(ModelBackend):
    """E-mail and password, for those who may use the pages.

    A service account has no web login, and the demo's password, which everybody knows, opens nothing in production.
    """

    def authenticate(self, request, username=None, password=None, **kwargs):
        if password == settings.DEMO_PASSWORD and not settings.DEBUG:
            return None
        email = username or kwargs.get("email")
        return super().authenticate(request, username=email, password=password)

    def user_can_authenticate(self, user):
        return user.can(Permission.SIGN_IN)
