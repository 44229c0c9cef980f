"""Keys of the API: made, found by what a caller sends, counted, revoked. Knows nothing of HTTP.

A key is 32 random bytes, so one SHA-256 keeps it: nobody guesses it from the digest, and a call need not wait for a password hash.
"""

import hashlib
import hmac
import re
import secrets
import uuid
from datetime import datetime
from typing import Final

from django.core.cache import cache
from django.db import transaction
from django.db.models import Case, F, Value, When
from django.utils.translation import gettext as _

from .models import ApiKey, User
from .roles import Permission

MOST_LIVE_KEYS: Final = 20
LONGEST_EMAIL: Final = 254
SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
PREFIX: Final = ApiKey._meta.get_field("prefix").max_length
# Compared where there is nothing to compare with, so that this takes as long. No key has this digest.
NOBODYS_DIGEST: Final = "0" * 64
A_DAY: Final = 24 * 60 * 60


class KeyRefused(Exception):
    """No key was made; the text says why, for people."""


class MadeAlready(KeyRefused):
    """The same form came a second time."""


def make(user: User, *, label: str = "", now: datetime, once: uuid.UUID | str | None = None) -> tuple[ApiKey, str]:
    """A new key and its text, which is kept nowhere: show it now or never.

    `once` names the form that asks. The same one asking again, as a reloaded page does, gets MadeAlready and no second key.
    """
    if not user.can(Permission.API_KEY):
        raise KeyRefused(_("%(email)s is deactivated or has a role that can't have API keys.") % {"email": user.email})
    with transaction.atomic():
        # Two at once would both count 19. On SQLite the transaction alone keeps the second one waiting.
        User.objects.select_for_update().get(pk=user.pk)
        if once is not None and not cache.add(f"api-key-form-{once}", True, A_DAY):
            raise MadeAlready(
                _(
                    "This form has already created its key, and a key is shown only once. If you don't have a "
                    "copy, revoke the key and create another."
                )
            )
        if user.api_keys.live().count() >= MOST_LIVE_KEYS:
            raise KeyRefused(
                _("%(email)s already has %(most)d keys, which is the maximum. Revoke one that is no longer used.")
                % {"email": user.email, "most": MOST_LIVE_KEYS}
            )
        secret = secrets.token_urlsafe(32)
        key = user.api_keys.create(label=label, prefix=secret[:PREFIX], digest=_digest(secret), created_at=now)
    return key, secret


def find(email: str | None, secret: str | None) -> ApiKey | None:
    """The live key with this text, if it is that person's, and the person may use keys. Whatever is sent, nothing is raised.

    Each answer takes one SELECT, one digest and one comparison of digests: the time tells nobody how near a guess was, but for
    the first characters, which are shown on pages and are no secret.
    """
    email, secret = email or "", secret or ""
    # Only what looks like a key is hashed and looked up: no NUL goes to the database, no 60,000 characters into SHA-256.
    asked = secret if SHAPE.fullmatch(secret) else ""
    digest = _digest(asked)
    candidates = ApiKey.objects.live().filter(prefix=asked[:PREFIX]).select_related("user__institution")
    # Two keys may begin alike, though hardly ever.
    found = [key for key in list(candidates) or [ApiKey(digest=NOBODYS_DIGEST)] if _same(key.digest, digest)]
    if not found or not _is_address_of(found[0].user, email) or not found[0].user.can(Permission.API_KEY):
        return None
    return found[0]


def revoke(key: ApiKey, *, now: datetime) -> None:
    """From now on the key opens nothing. Revoked again, it keeps its first time."""
    ApiKey.objects.live().filter(pk=key.pk).update(revoked_at=now)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _is_address_of(user: User, email: str) -> bool:
    # Beyond ASCII, lower() makes one letter of two: the Kelvin sign is a k.
    return len(email) <= LONGEST_EMAIL and email.isascii() and _same(user.email, email.lower())


# Counting. {key: (the minute, the calls that this process has counted in it and not yet added to the row)}.
# Requests of several threads may come between each other here and lose a count: one call more in a minute harms nobody,
# and with a lock the calls of all keys would wait for each other.
_counted: dict[int, tuple[int, int]] = {}
MOST_COUNTED: Final = 10_000


def use(key: ApiKey, *, limit: int, now: datetime) -> int:
    """Counts one call of a key fresh from `find`. 0 if it is within `limit` calls a minute, else the seconds to wait.

    A process counts in its memory and adds to the row once a minute and after every fiftieth part of the limit, so that most
    calls write nothing. What it has not added yet the other processes cannot know: with N processes, up to (N - 1) fiftieths
    of the limit pass beyond it, and the few calls that are on their way at the same moment. A refused call is not counted.
    """
    seconds = int(now.timestamp())
    minute = _minute_of(key, seconds // 60)
    counted_in, waiting = _counted.get(key.pk, (minute, 0))
    waiting = waiting if counted_in == minute else 0
    is_new = key.minute != minute
    if (0 if is_new else key.calls) + waiting >= limit:
        return (minute + 1) * 60 - seconds
    waiting += 1
    is_due = is_new or waiting >= max(1, limit // 50)
    if len(_counted) >= MOST_COUNTED:
        _counted.clear()  # each key is allowed a fiftieth more, once
    # Before the statement, not after it: while that runs, other threads would add the same calls again.
    _counted[key.pk] = minute, 0 if is_due else waiting
    if is_due:
        _add(key, minute, waiting, {"last_used_at": now} if is_new else {})
    return 0


def _minute_of(key: ApiKey, present: int) -> int:
    # Where another server's clock is a little ahead, count along; else the two would each begin the minute anew, for ever.
    return key.minute if key.minute == present + 1 else present


def _add(key: ApiKey, minute: int, calls: int, more: dict[str, datetime]) -> None:
    """One statement, so that two processes lose nothing of each other's."""
    total = Case(When(minute=minute, then=F("calls") + calls), default=Value(calls))
    ApiKey.objects.filter(pk=key.pk).update(calls=total, minute=minute, **more)
