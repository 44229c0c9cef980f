"""The connection to the mail server."""

import smtplib
from collections.abc import Sequence
from contextlib import suppress

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from .models import QueuedEmail
from .outcomes import Outcome, describe, judge


class ServerUnavailable(Exception):
    """The mail server can't be reached, or doesn't accept our account. Nothing was sent."""


class NoServer(BaseEmailBackend):
    """Stands for the mail server where EMAIL_HOST isn't set, so that emails wait until it is."""

    def open(self) -> bool:
        raise ConnectionError("EMAIL_HOST isn't set.")

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        raise ConnectionError("EMAIL_HOST isn't set.")


class MailServer:
    """One connection for all emails of a run. It is opened with the first one; use it as a context."""

    def __init__(self) -> None:
        self._backend = get_connection(settings.EMAIL_DELIVERY_BACKEND)
        self._used = False  # whether the present connection has had an email

    def __enter__(self) -> "MailServer":
        return self

    def __exit__(self, *exception: object) -> None:
        self._close()

    def deliver(self, email: QueuedEmail) -> tuple[Outcome, str]:
        """Returns (what became of the email, what the server said if it wasn't sent). Raises ServerUnavailable."""
        self._open()
        outcome, why = self._try(email)
        if outcome is Outcome.POSTPONED and self._used:
            # Many servers end a connection after a number of emails. Only a new one tells whether they take this email.
            self._close()
            self._open()
            outcome, why = self._try(email)
        self._used = True
        return outcome, why

    def _try(self, email: QueuedEmail) -> tuple[Outcome, str]:
        try:
            message = EmailMultiAlternatives(
                email.subject, email.text, email.sender, [email.to], headers=email.headers, connection=self._backend
            )
            if email.html:
                message.attach_alternative(email.html, "text/html")
            message.send()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return judge(error), describe(error)
        return Outcome.SENT, ""

    def _open(self) -> None:
        try:
            self._backend.open()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise ServerUnavailable(describe(error)) from error

    def _close(self) -> None:
        self._used = False
        with suppress(OSError, smtplib.SMTPException):  # if it was lost, that is as good
            self._backend.close()
