"""Who gets to see what only operators need."""

from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest

from pharos.accounts import api_keys
from pharos.accounts.roles import Permission

LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
# A proxy on the same machine makes every caller look local, but says whom it speaks for.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


def is_operator(request: HttpRequest) -> bool:
    """Whether the request comes from this machine itself, or has a key of an admin or a service."""
    is_forwarded = any(name in request.headers for name in FORWARDED)
    # A socket in the file system has no address.
    if request.META.get("REMOTE_ADDR", "") in (*LOOPBACK, "") and not is_forwarded:
        return True
    try:
        key = api_keys.find_key(request.headers.get("X-Pharos-API-User"), request.headers.get("X-Pharos-API-Key"))
    except (api_keys.KeyExpired, DatabaseError, InterfaceError):
        return False
    return key is not None and key.user.can(Permission.ADMIN_API)
