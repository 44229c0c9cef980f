"""Sends each email once. A run claims it first, so that overlapping runs don't both send it and a crash loses none."""

import logging
import smtplib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import Q
from django.utils import timezone, translation

from pharos.accounts.models import User

# A claim older than this was left behind by a run that crashed.
STALE_CLAIM_AGE = timedelta(minutes=15)
# After this many failures in a row, the mail server counts as down, and the rest is left for the next run.
MAX_FAILURES_IN_A_ROW = 3
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Email:
    """An email in plain text and optionally in HTML. `headers`: in addition to the usual ones."""

    to: str
    subject: str
    text: str
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class SendSummary:
    """The results of a run: how many emails were sent, had no content or recipient, couldn't be sent, or couldn't be created."""

    sent: int = 0
    empty: int = 0
    failed: int = 0
    broken: int = 0


@contextmanager
def localized_for(person: User) -> Iterator[None]:
    """Uses this person's language and time zone within the context."""
    language = person.language or settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(ZoneInfo(person.time_zone)):
        yield


def claim(rows: Any, now: datetime) -> bool:
    """Claims the row, given as a queryset, for this run. Returns False if another run has claimed it."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - STALE_CLAIM_AGE)
    return bool(rows.filter(free).update(claimed_at=now))


def send(email: Email) -> bool | None:
    """Returns whether the mail server has accepted the email; None if the server works but refuses its recipient."""
    mail = EmailMultiAlternatives(email.subject, email.text, to=[email.to], headers=email.headers)
    if email.html:
        mail.attach_alternative(email.html, "text/html")
    try:
        return bool(mail.send())
    except smtplib.SMTPRecipientsRefused as error:
        log.warning("an email was refused: %s", error)
        return None
    except (OSError, smtplib.SMTPException) as error:
        log.warning("an email was not sent: %s", error)
        return False


def deliver(
    due: Iterable[Any],
    rows: Callable[[Any], Any],
    compose: Callable[[Any], Email | None],
    done: Callable[[Any], None],
    now: datetime,
    sent: SendSummary,
) -> SendSummary:
    """Sends what is due, one by one.

    `now`: when the run started. `rows` returns the row of a due email as a queryset for `claim`. `compose` returns the email,
    or None if there is no content or recipient. `done` is called afterward. Both get the row as it is after the claim, because
    data changes during a long run.
    """
    in_a_row, begun = 0, monotonic()
    for one in due:
        if in_a_row == MAX_FAILURES_IN_A_ROW:
            break
        # Not the start of the run, because in a long run, others would consider a new claim stale.
        if not claim(rows(one), now + timedelta(seconds=monotonic() - begun)):
            continue
        one = rows(one).first()
        if one is None:
            continue
        try:
            found = compose(one)
        except Exception:
            # It stays claimed and is retried once the claim is stale, so that it doesn't block the others.
            log.exception("an email could not be created: %r", one)
            sent.broken += 1
            continue
        taken = send(found) if found else True
        if taken is None:
            # It stays claimed and is retried once the claim is stale: one bad address must not stop the other emails.
            sent.failed += 1
            continue
        if not taken:
            rows(one).update(claimed_at=None)
            sent.failed += 1
            in_a_row += 1
            continue
        done(one)
        sent.sent += bool(found)
        sent.empty += not found
        in_a_row = 0
    return sent
