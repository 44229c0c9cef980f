from django.conf import settings
from django.contrib.auth.backends import ModelBackend

from .models import User
from .roles import Permission


class PeopleBackend(ModelBackend):
    """Email and password, for people who can use the pages.

    A service account can't sign in, and the demo's password, which everyone knows, doesn't work in production.
    """

    def authenticate(self, request, username=None, password=None, **kwargs):
        if password == settings.DEMO_PASSWORD and not settings.DEBUG:
            return None
        email = username or kwargs.get("email")
        return super().authenticate(request, username=email, password=password)

    def user_can_authenticate(self, user):
        return user.can(Permission.SIGN_IN)

    def get_user(self, user_id):
        # Every page shows the person's institution.
        user = User.objects.select_related("institution").filter(pk=user_id).first()
        return user if user and self.user_can_authenticate(user) else None
