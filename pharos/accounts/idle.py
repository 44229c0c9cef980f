"""Signs people out after a time without activity (settings.SESSION_IDLE_MINUTES)."""

import contextlib
import logging

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import UpdateError
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import ngettext

# UpdateError is what a session makes of most errors of the database.
FAILURES = (DatabaseError, UpdateError)
# Sent by live.js, whose polling mustn't keep a session alive.
BACKGROUND_HEADER = "X-Pharos-Background"
SESSION_KEY = "last_active"  # seconds since 1970
log = logging.getLogger(__name__)


class IdleMiddleware:
    """Ends the session of whoever has been idle for too long, and says so on the sign-in page, which then leads back.

    Activity is stored only when a twentieth of the time has passed since it last was, so that most requests write
    nothing. A session can thus end that much too early, but never late.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_IDLE_MINUTES and request.user.is_authenticated:
            self._check(request, settings.SESSION_IDLE_MINUTES * 60)
        return self.get_response(request)

    def _check(self, request: HttpRequest, limit: int) -> None:
        is_background = BACKGROUND_HEADER in request.headers
        now = timezone.now().timestamp()
        idle = now - request.session.get(SESSION_KEY, now)
        if idle >= limit:
            self._end(request, is_background=is_background)
        elif not is_background and (SESSION_KEY not in request.session or idle >= limit / 20):
            self._note_activity(request, now)

    def _note_activity(self, request: HttpRequest, now: float) -> None:
        request.session[SESSION_KEY] = now
        try:
            request.session.save()
        except FAILURES as failure:
            # A database that takes no changes for a while must not keep anybody from reading.
            log.warning("The activity of a session could not be stored: %s", failure)
        request.session.modified = False  # or it would be saved a second time

    def _end(self, request: HttpRequest, *, is_background: bool) -> None:
        if not is_background:  # its session is left, so that the next page can say what has happened
            with contextlib.suppress(*FAILURES):
                request.session.flush()
            minutes = settings.SESSION_IDLE_MINUTES
            sentence = ngettext(
                "You were signed out after %(minutes)d minute without activity. Sign in to continue where you were.",
                "You were signed out after %(minutes)d minutes without activity. Sign in to continue where you were.",
                minutes,
            )
            messages.info(request, sentence % {"minutes": minutes})
        request.user = AnonymousUser()
