"""Authenticates callers by the two headers that every request has, and limits how often they can call."""

import logging
from typing import NamedTuple

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.throttling import BaseThrottle

from pharos.accounts import api_keys
from pharos.accounts.roles import Permission

log = logging.getLogger(__name__)


class AuthHeaders(NamedTuple):
    """The names of the headers with the caller's email and key."""

    user: str
    key: str


FLUCTUS = AuthHeaders("X-Fluctus-API-User", "X-Fluctus-API-Key")
PHAROS = AuthHeaders("X-Pharos-API-User", "X-Pharos-API-Key")


class ApiKeyAuthentication(BaseAuthentication):
    """Authenticates the owner of the key. A session is never used."""

    def authenticate(self, request):
        headers = request.parser_context["view"].variant.headers
        email, secret = request.headers.get(headers.user, ""), request.headers.get(headers.key, "")
        key = api_keys.find_key(email, secret)
        if key is None:
            raise AuthenticationFailed(_rejection(headers, email, secret))
        return key.user, key

    def authenticate_header(self, request):
        return f"ApiKey {request.parser_context['view'].variant.headers.key}"


def _rejection(headers: AuthHeaders, email: str, secret: str) -> str:
    missing = [name for name, value in ((headers.user, email), (headers.key, secret)) if not value.strip()]
    if missing:
        return f"Send your email in the header {headers.user} and your API key in {headers.key}. Missing or empty: {', '.join(missing)}."
    return (
        f"The email in {headers.user} or the key in {headers.key} is incorrect, the key was revoked, or the account is "
        "deactivated. People create keys under “My account”; for a service, an admin creates one on the admin site or with "
        "manage.py create_api_key."
    )


class ApiKeyThrottle(BaseThrottle):
    """Limits the calls per minute of each key. The limits are settings."""

    seconds = 0

    def allow_request(self, request, view):
        is_service = request.user.can(Permission.ADMIN_API)
        limit = settings.API_CALLS_PER_MINUTE_SERVICES if is_service else settings.API_CALLS_PER_MINUTE
        try:
            self.seconds = api_keys.count_call(request.auth, limit=limit, now=timezone.now())
        except DatabaseError:
            # The database is busy with another writer, or takes no changes. Losing a count is better than losing a reader.
            log.warning("A request with key %s could not be counted", request.auth.pk)
            self.seconds = 0
        return self.seconds == 0

    def wait(self):
        return self.seconds
