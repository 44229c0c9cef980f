"""Limits how often passwords can be tried. It counts by the email that was typed, whether or not it has an account.

| limit (settings.ACCOUNT_RATE_LIMITS) | counts | a known browser |
|---|---|---|
| sign_in | all attempts from an address | is counted, too |
| sign_in_failed | failed attempts from an address | passes |
| sign_in_failed_at_place | failed attempts for an email from an address | has a count of its own |
| sign_in_failed_in_total | failed attempts for an email from anywhere | passes |

So a stranger can't lock out a person at another address for a few minutes, and a person's own browsers not at all.
Attempts spread over many addresses use up the total, which then locks only browsers that the person hasn't used before.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .known_browsers import known_browser

APP: Final = "allauth.account"
# An attempt that can't be counted, because too many others are just being counted or the database takes no changes.
UNCOUNTED: Final = "uncounted"
UNCOUNTED_SECONDS: Final = 60


class SignInLocked(Exception):
    """The attempt is refused before the password is looked at. `until` is when the next one can succeed."""

    def __init__(self, limit: str, until: datetime):
        super().__init__(limit)
        self.limit = limit
        self.until = until

    def explain(self) -> str:
        """What is going on and until when, in the reader's language."""
        minutes = self.minutes(timezone.now())
        clock = date_format(timezone.localtime(_next_minute(self.until)), "H:i T")
        wait = ngettext(
            "Try again in %(minutes)d minute (%(clock)s), or set a new password by email.",
            "Try again in %(minutes)d minutes (%(clock)s), or set a new password by email.",
            minutes,
        )
        return f"{self._reason()} {wait % {'minutes': minutes, 'clock': clock}}"

    def minutes(self, now: datetime) -> int:
        """The minutes to wait, rounded up."""
        return max(1, math.ceil((self.until - now).total_seconds() / 60))

    def _reason(self) -> str:
        if self.limit == "sign_in_failed_at_place":
            return _("Too many failed attempts with this email.")
        if self.limit == "sign_in_failed_in_total":
            return _(
                "Someone keeps trying wrong passwords for this email. For safety, only browsers that have signed in "
                "with it before can do so now."
            )
        if self.limit == UNCOUNTED:
            return _("Signing in isn't possible right now.")
        return _("Too many attempts from your network.")


@dataclass(frozen=True)
class Attempt:
    """An attempt that was allowed, and counts as failed until `succeeded` is called."""

    counted: list[ratelimit.RateLimitUsage]

    def succeeded(self) -> None:
        """Takes back what counts failures only."""
        for usage in self.counted:
            usage.rollback()


def begin(request: HttpRequest, email: str) -> Attempt:
    """Counts an attempt to sign in with this email. Raises SignInLocked if there were too many.

    It is counted before the password is checked; otherwise, attempts made at the same time would all be allowed.
    """
    attempt = Attempt([])
    for limit, key in _limits(request, email.lower()):
        usage = ratelimit.consume(request, app=APP, action=limit, key=key)
        if usage is None:
            attempt.succeeded()  # a refused attempt is no failure: waiting must help
            raise _locked(request, limit, key)
        if limit != "sign_in":
            attempt.counted.append(usage)
    return attempt


def _limits(request: HttpRequest, email: str) -> Iterator[tuple[str, str | None]]:
    """The limits that apply to the attempt, with what each of them counts by besides the address."""
    browser = known_browser(request, email)
    yield "sign_in", None
    if browser:
        yield "sign_in_failed_at_place", f"{email} with browser {browser}"
        return
    yield "sign_in_failed_at_place", f"{email} from {ratelimit.get_ip(request)}"
    yield "sign_in_failed", None
    yield "sign_in_failed_in_total", email


def _locked(request: HttpRequest, limit: str, key: str | None) -> SignInLocked:
    [rate] = ratelimit.get_rates(app=APP, action=limit)
    moments = cache.get(ratelimit.get_cache_key(request, app=APP, action=limit, rate=rate, key=key), [])
    if len(moments) < rate.amount:
        return SignInLocked(UNCOUNTED, timezone.now() + timedelta(seconds=UNCOUNTED_SECONDS))
    return SignInLocked(limit, datetime.fromtimestamp(moments[-1] + rate.duration, UTC))


def _next_minute(moment: datetime) -> datetime:
    return datetime.fromtimestamp(math.ceil(moment.timestamp() / 60) * 60, UTC)
