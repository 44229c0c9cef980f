"""Who gets to see what only operators need."""

from ipaddress import ip_address

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest
from django.utils import timezone

from pharos.accounts import api_keys
from pharos.accounts.roles import Permission

# A proxy on the same machine makes every caller look local, but says whom it speaks for.
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "Via")


def is_operator(request: HttpRequest) -> bool:
    """Returns whether the request comes from this machine itself, or has a key of an admin or a service."""
    return _is_local(request) or _has_key(request)


def _is_local(request: HttpRequest) -> bool:
    if any(name in request.headers for name in FORWARDED):
        return False
    address = request.META.get("REMOTE_ADDR", "")
    if not address:  # a socket in the file system has none
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _has_key(request: HttpRequest) -> bool:
    """A key that is over its limit of calls doesn't count. Nor does one that was sent in the clear, as in the API."""
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False
    try:
        key = api_keys.find_key(request.headers.get("X-Pharos-API-User"), request.headers.get("X-Pharos-API-Key"))
        if key is None or not key.user.can(Permission.ADMIN_API):
            return False
        return not api_keys.count_call(key, limit=settings.API_CALLS_PER_MINUTE_SERVICES, now=timezone.now())
    except (api_keys.KeyExpired, DatabaseError, InterfaceError):
        return False
