"""Creates, finds, and revokes API keys, and counts their calls. It knows nothing about HTTP.

A key is 32 random bytes, so one SHA-256 protects it: it can't be guessed from the digest, and a call needs no slow
password hash.
"""

import hashlib
import hmac
import re
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Final

from django.core.cache import cache
from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from .models import ApiKey, KeyAccess, User
from .roles import Permission

MAX_ACTIVE_KEYS: Final = 20
MAX_DAYS: Final = 3650
MAX_EMAIL_LENGTH: Final = 254
KEY_FORMAT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
PREFIX_LENGTH: Final = ApiKey._meta.get_field("prefix").max_length
# Used for comparison when no key is found, so that this takes just as long. No key has this digest.
DUMMY_DIGEST: Final = "0" * 64
FORM_LIFETIME: Final = 24 * 60 * 60


class KeyRefused(Exception):
    """No key was created; the message says why."""


class KeyExpired(Exception):
    """The key was right, but no longer works."""

    def __init__(self, expired_at: datetime):
        super().__init__(expired_at)
        self.expired_at = expired_at


class AlreadyCreated(KeyRefused):
    """The same form was sent a second time."""


def create_key(
    user: User,
    *,
    label: str = "",
    access: str = KeyAccess.READ_WRITE,
    days: int | None = None,
    now: datetime,
    once: uuid.UUID | str | None = None,
) -> tuple[ApiKey, str]:
    """Creates a key, and returns it with its text, which isn't stored and can't be shown later.

    It expires after `days`; without them, it doesn't. `once` identifies the form. Raises AlreadyCreated if the same form is sent again, as by reloading the page, and
    KeyRefused if the user can't have another key.
    """
    if not user.can(Permission.API_KEY):
        raise KeyRefused(_("%(email)s is deactivated or has a role that can't have API keys.") % {"email": user.email})
    with transaction.atomic():
        # Otherwise two concurrent requests could both count 19. On SQLite, the transaction alone makes the second one
        # wait.
        User.objects.select_for_update().get(pk=user.pk)
        if once is not None and not cache.add(f"api-key-form-{once}", True, FORM_LIFETIME):
            raise AlreadyCreated(
                _(
                    "This form has already created its key, and a key is shown only once. If you don't have a "
                    "copy, revoke the key and create another."
                )
            )
        if user.api_keys.active(now).count() >= MAX_ACTIVE_KEYS:
            raise KeyRefused(
                _("%(email)s already has %(most)d keys, which is the maximum. Revoke one that is no longer used.")
                % {"email": user.email, "most": MAX_ACTIVE_KEYS}
            )
        secret = secrets.token_urlsafe(32)
        key = user.api_keys.create(
            label=label,
            access=access,
            prefix=secret[:PREFIX_LENGTH],
            digest=_digest(secret),
            created_at=now,
            expires_at=now + timedelta(days=days) if days else None,
        )
    return key, secret


def find_key(email: str | None, secret: str | None) -> ApiKey | None:
    """The active key with this text if it belongs to the user with this email and that user can use keys, else None.

    Raises KeyExpired for a key that would be the answer if it hadn't expired, and nothing else, whatever is sent.

    Every answer takes one SELECT, one digest, and one comparison of digests: the time doesn't reveal how close a guess
    was, except for the first characters, which pages show and which are no secret.
    """
    email, secret = email or "", secret or ""
    # Only text in the format of a key is hashed and looked up, so that neither NUL characters nor very long texts get
    # through.
    candidate = secret if KEY_FORMAT.fullmatch(secret) else ""
    digest = _digest(candidate)
    keys = ApiKey.objects.not_revoked().filter(prefix=candidate[:PREFIX_LENGTH]).select_related("user__institution")
    # Two keys can start with the same characters, though hardly ever.
    found = [key for key in list(keys) or [ApiKey(digest=DUMMY_DIGEST)] if _is_equal(key.digest, digest)]
    if not found or not _is_address_of(found[0].user, email) or not found[0].user.can(Permission.API_KEY):
        return None
    [key] = found
    if key.expires_at and key.is_expired(timezone.now()):
        raise KeyExpired(key.expires_at)
    return key


def revoke_key(key: ApiKey, *, now: datetime) -> None:
    """Revokes the key. If it is already revoked, nothing changes."""
    ApiKey.objects.not_revoked().filter(pk=key.pk).update(revoked_at=now)


def revoke_all(user: User, *, now: datetime) -> int:
    """Revokes all keys of the user, and returns how many of them were active."""
    active = user.api_keys.active(now).count()
    user.api_keys.not_revoked().update(revoked_at=now)
    return active


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _is_equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _is_address_of(user: User, email: str) -> bool:
    # Beyond ASCII, lower() maps different letters to one: the Kelvin sign becomes a k.
    return len(email) <= MAX_EMAIL_LENGTH and email.isascii() and _is_equal(user.email, email.lower())


# {key: (minute, calls in it that this process has counted but not yet added to the row)}. Threads can interleave here
# and lose a count. One more call per minute does no harm, while a lock would make the calls of all keys wait for each
# other.
_counters: dict[int, tuple[int, int]] = {}
MAX_COUNTERS: Final = 10_000


def count_call(key: ApiKey, *, limit: int, now: datetime) -> int:
    """Counts one call of a key just returned by `find_key`. Returns 0 if it is within `limit` calls a minute, else the
    seconds to wait.

    A process counts in memory, and adds to the row once a minute and after every fiftieth of the limit, so that most
    calls write nothing. Other processes don't know what it hasn't added yet: with N processes, up to (N - 1) fiftieths
    of the limit can be exceeded, plus the few calls in flight at the same moment. A refused call isn't counted.
    """
    seconds = int(now.timestamp())
    minute = _counting_minute(key, seconds // 60)
    counted_in, pending = _counters.get(key.pk, (minute, 0))
    pending = pending if counted_in == minute else 0
    is_new = key.minute != minute
    if (0 if is_new else key.calls) + pending >= limit:
        return (minute + 1) * 60 - seconds
    pending += 1
    is_due = is_new or pending >= max(1, limit // 50)
    if len(_counters) >= MAX_COUNTERS:
        _counters.clear()  # each key can exceed its limit by a fiftieth, once
    # Set before the statement: while it runs, other threads would otherwise add the same calls again.
    _counters[key.pk] = minute, 0 if is_due else pending
    if is_due:
        _add_calls(key, minute, pending, {"last_used_at": now} if is_new else {})
    return 0


def _counting_minute(key: ApiKey, current: int) -> int:
    # If another server's clock is slightly ahead, its minute is used. Otherwise the two servers would keep resetting
    # each other's count.
    return key.minute if key.minute == current + 1 else current


def _add_calls(key: ApiKey, minute: int, calls: int, more: dict[str, datetime]) -> None:
    """Adds to the row in one statement, so that two processes don't lose each other's counts."""
    total = Case(When(minute=minute, then=F("calls") + calls), default=Value(calls))
    ApiKey.objects.filter(pk=key.pk).update(calls=total, minute=minute, **more)
