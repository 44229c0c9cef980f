"""Browsers that a person has signed in with before. Failed attempts elsewhere don't lock these out.

The proof is a cookie, bound to the person and their password, so a new password takes it back from all other browsers.
Nothing is stored on the server.
"""

import secrets
from collections.abc import Iterator
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare, salted_hmac

from .models import User

COOKIE: Final = f"{settings.COOKIE_PREFIX}pharos_known"
SALT: Final = "pharos.known_browsers"
LIFETIME: Final = 400 * 24 * 60 * 60  # seconds; browsers keep no cookie longer
MAX_PEOPLE: Final = 5  # with one browser, such as that of a reading room


def remember(request: HttpRequest, user: User) -> None:
    """Marks the browser as known to this person, who has just proved who they are. The middleware sets the cookie."""
    request.known_to = user  # type: ignore[attr-defined]


def known_browser(request: HttpRequest, email: str) -> str | None:
    """The browser's random name if the person with this email has signed in with it since their last new password.

    Takes the same query whether or not there is such a person.
    """
    browser, proofs = _read(request)
    if not browser:
        return None
    user = User.objects.filter(email=email.lower()).first()
    return browser if user and _is_proved(browser, proofs, user) else None


class KnownBrowserMiddleware:
    """Sets the cookie after a request that has called `remember`."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if user := getattr(request, "known_to", None):
            _set_cookie(request, response, user)
        return response


def _set_cookie(request: HttpRequest, response: HttpResponseBase, user: User) -> None:
    browser, proofs = _read(request)
    browser = browser or secrets.token_urlsafe(16)
    mine = next(_proofs(browser, user))
    others = [proof for proof in proofs if not _is_proved(browser, [proof], user)]
    response.set_signed_cookie(
        COOKIE,
        " ".join([browser, mine, *others[: MAX_PEOPLE - 1]]),
        salt=SALT,
        max_age=LIFETIME,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    """The browser's name and its proofs; blank if it has no valid cookie."""
    value = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=LIFETIME)
    browser, *proofs = (value or "").split(" ")
    return browser, proofs


def _is_proved(browser: str, proofs: list[str], user: User) -> bool:
    return any(constant_time_compare(one, other) for one in _proofs(browser, user) for other in proofs)


def _proofs(browser: str, user: User) -> Iterator[str]:
    """What the cookie says for this person: first with the present secret key, then with earlier ones."""
    for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        yield salted_hmac(SALT, f"{browser} {user.pk} {user.password}", secret=secret, algorithm="sha256").hexdigest()
