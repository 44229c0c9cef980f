"""Who can see the state of the installation: callers on this machine, and the keys of services and admins."""

from ipaddress import ip_address

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest
from django.utils import timezone

from pharos.accounts import api_keys
from pharos.accounts.roles import Permission

# A proxy on this machine makes everybody seem to be here; these headers tell that there is one.
_FORWARDED = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


def is_on_this_machine(request: HttpRequest) -> bool:
    """Returns whether the request came directly from this machine, without a proxy."""
    try:
        is_loopback = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:  # a Unix socket: its other end is a proxy
        return False
    return is_loopback and not any(name in request.headers for name in _FORWARDED)


def has_operator_key(request: HttpRequest) -> bool:
    """Returns whether the request has the key of an active service account or admin, sent over https where that is used.

    The key's call is counted. One that is over its limit is refused, too.
    """
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return False
    key = api_keys.find_key(request.headers.get("X-Pharos-API-User"), request.headers.get("X-Pharos-API-Key"))
    if key is None or not key.user.can(Permission.ADMIN_API):
        return False
    try:
        return not api_keys.count_call(key, limit=settings.API_CALLS_PER_MINUTE_SERVICES, now=timezone.now())
    except OperationalError:  # the database is busy with another writer; losing a count is better than being blind
        return True
