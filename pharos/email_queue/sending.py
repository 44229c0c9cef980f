"""Sends what is queued. A run claims each email first, so that overlapping runs don't both send it and a crash loses none."""

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from .delivery import MailServer, ServerUnavailable
from .models import QueuedEmail
from .outcomes import Outcome

# After an attempt that the server didn't take: the next one. The last applies to all further ones.
RETRY_AFTER = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60)]
MAX_AGE = timedelta(days=4)  # RFC 5321, 4.5.4.1: a server gives up after four to five days
KEPT_FOR = timedelta(days=90)  # emails that were given up
log = logging.getLogger(__name__)


@dataclass
class SendResult:
    """What a run did: how many emails it sent, which it gave up, and why it stopped early (empty if it didn't)."""

    sent: int = 0
    given_up: list[QueuedEmail] = field(default_factory=list)
    stopped: str = ""


def send_queued(now: datetime) -> SendResult:
    """Sends the emails that are due at `now`.

    It stops at the first one that the server neither takes nor refuses for good, because then the server is the problem:
    a refusal for good belongs to one email, which is given up, and the next one follows.
    """
    QueuedEmail.objects.given_up().filter(given_up_at__lt=now - KEPT_FOR).delete()
    result, began = SendResult(), monotonic()
    with MailServer() as server:
        while not result.stopped:
            # Not the start of the run, because in a long run, others would consider a new claim stale.
            at = now + timedelta(seconds=monotonic() - began)
            email = _claim_next(now, at)
            if email is None:
                break
            _send(email, server, result, at)
    return result


def _claim_next(due: datetime, at: datetime) -> QueuedEmail | None:
    """Claims the next email that is due, or returns None if there is none that another run hasn't claimed."""
    while email := QueuedEmail.objects.sendable(due).first():
        if QueuedEmail.objects.sendable(due).filter(pk=email.pk).update(claimed_at=at):
            return email
    return None


def _send(email: QueuedEmail, server: MailServer, result: SendResult, at: datetime) -> None:
    if email.is_to_nobody:
        email.delete()
        return
    try:
        outcome, why = server.deliver(email)
    except ServerUnavailable as error:
        # It isn't this email's fault, so it is the first one of the next run.
        _postpone(email, str(error), at, to=email.next_attempt_at)
        result.stopped = str(error)
    else:
        if outcome is Outcome.SENT:
            result.sent += 1
            log.info("email %s sent: %s", email.pk, email.headers.get("Message-ID"))
            email.delete()
            return
        if outcome is Outcome.REFUSED:
            _give_up(email, why, result, at)
            return
        email.attempts += 1
        _postpone(email, why, at, to=at + RETRY_AFTER[min(email.attempts, len(RETRY_AFTER)) - 1])
        result.stopped = why
    if at - email.created_at > MAX_AGE:
        _give_up(email, email.last_error, result, at)


def _postpone(email: QueuedEmail, why: str, at: datetime, *, to: datetime) -> None:
    email.claimed_at, email.last_error, email.next_attempt_at = None, why, to
    email.save(update_fields=["claimed_at", "last_error", "next_attempt_at", "attempts"])
    log.warning("email %s was not sent, and is tried again: %s", email.pk, why)


def _give_up(email: QueuedEmail, why: str, result: SendResult, at: datetime) -> None:
    email.claimed_at, email.last_error, email.given_up_at = None, why, at
    email.text = email.html = ""
    email.save(update_fields=["claimed_at", "last_error", "given_up_at", "text", "html"])
    result.given_up.append(email)
    log.warning("email %s was given up: %s", email.pk, why)
