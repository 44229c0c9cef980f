"""Each mail once: whoever sends takes it first, so that two runs at once send it only once, and a crash loses none."""

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

# What a run has taken and neither sent nor given back for so long, it has left behind by a crash.
LEFT_BEHIND = timedelta(minutes=15)
# After so many failures in a row the mail server is not there, and the rest is left for the next run.
PATIENCE = 3
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Letter:
    """A mail, as plain text and perhaps as HTML. `headers`: beside the usual."""

    to: str
    subject: str
    text: str
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Sent:
    """What a run has done: how many were sent, had nothing to tell or nobody to go to, could not be sent, and not be written."""

    sent: int = 0
    empty: int = 0
    failed: int = 0
    broken: int = 0


@contextmanager
def as_read_by(person: User) -> Iterator[None]:
    """Within, words and times are written as this person reads them."""
    language = person.language or settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(ZoneInfo(person.time_zone)):
        yield


def take(rows: Any, now: datetime) -> bool:
    """Whether this run may send what these rows (one, as a queryset) are for: nobody else is at it."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - LEFT_BEHIND)
    return bool(rows.filter(free).update(claimed_at=now))


def send(letter: Letter) -> bool | None:
    """Whether the mail server has taken it; None where it is there, and does not take this one."""
    mail = EmailMultiAlternatives(letter.subject, letter.text, to=[letter.to], headers=letter.headers)
    if letter.html:
        mail.attach_alternative(letter.html, "text/html")
    try:
        return bool(mail.send())
    except smtplib.SMTPRecipientsRefused as error:
        log.warning("an email was refused: %s", error)
        return None
    except (OSError, smtplib.SMTPException) as error:
        log.warning("an email was not sent: %s", error)
        return False


def send_each(
    due: Iterable[Any],
    rows: Callable[[Any], Any],
    letter: Callable[[Any], Letter | None],
    done: Callable[[Any], None],
    now: datetime,
    sent: Sent,
) -> Sent:
    """Sends what is due, one after the other.

    `now`: when the run began. `rows`: the row of one that is due, as a queryset that `take` can ask; `letter`: its mail, None where there is nothing or nobody to tell;
    `done`: what is noted after that. Both get it as it is once it was taken: a run may be long, and people move meanwhile.
    """
    in_a_row, begun = 0, monotonic()
    for one in due:
        if in_a_row == PATIENCE:
            break
        # Not the run's beginning: in a long one, another would think that what it takes now was left behind.
        if not take(rows(one), now + timedelta(seconds=monotonic() - begun)):
            continue
        one = rows(one).first()
        if one is None:
            continue
        try:
            found = letter(one)
        except Exception:
            # It stays taken, and is tried again after a while: whoever waits behind it must not wait for ever.
            log.exception("an email could not be created: %r", one)
            sent.broken += 1
            continue
        taken = send(found) if found else True
        if taken is None:
            # It stays claimed, and is tried again after a while: an address that is dead must not stop everybody's mails.
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
