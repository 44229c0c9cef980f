"""Which announcements a reader sees. Each process reads them once in a while, because every page asks."""

from datetime import datetime
from time import monotonic

from pharos.accounts.models import User

from .models import Announcement

SECONDS = 30  # after which a process reads them again
_cache: list[tuple[float, list[Announcement]]] = []


def announcements_for(user: User | None, now: datetime) -> list[Announcement]:
    """Returns what is announced to this person, latest first; with None, what the sign-in page announces."""
    return [
        one
        for one in _not_ended(now)
        if one.starts_at <= now
        and (one.ends_at is None or one.ends_at > now)
        and (one.institution_id in (None, user.institution_id) if user else one.is_public)
    ]


def clear_cache() -> None:
    """Makes the next page of this process read the announcements again."""
    _cache.clear()


def _not_ended(now: datetime) -> list[Announcement]:
    """Returns those that are shown or will be, as of at most SECONDS ago."""
    if not _cache or monotonic() - _cache[0][0] >= SECONDS:
        _cache[:] = [(monotonic(), list(Announcement.objects.not_ended(now)))]
    return _cache[0][1]
