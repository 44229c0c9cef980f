"""Creates the emails that are due and puts each into the queue once, in the transaction that records that it is done."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone, translation

from pharos.accounts.models import User
from pharos.email_queue.backend import put

log = logging.getLogger(__name__)


@dataclass
class DueSummary:
    """How many emails were queued, had no content or recipient, or couldn't be created."""

    queued: int = 0
    empty: int = 0
    broken: int = 0


@contextmanager
def localized_for(person: User) -> Iterator[None]:
    """Uses this person's language and time zone within the context."""
    language = person.language or settings.LANGUAGE_CODE
    with translation.override(language), timezone.override(ZoneInfo(person.time_zone)):
        yield


def list_id(name: str) -> dict[str, str]:
    """Returns the header by which mail programs sort the emails of one kind (RFC 2919)."""
    return {"List-Id": f"<{name}.{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"}


def queue_due(
    due: Iterable[Any],
    rows: Callable[[Any], Any],
    compose: Callable[[Any], EmailMessage | None],
    done: Callable[[Any], None],
    summary: DueSummary,
) -> None:
    """Queues what is due, one by one, and adds to `summary`.

    `rows` returns the row of a due email as a queryset, empty if another run has queued it meanwhile. `compose` returns
    the email, or None if there is no content or recipient. `done` is called afterward. Both get the row as it is when it
    is locked, because data changes during a long run.
    """
    for one in due:
        try:
            with transaction.atomic():
                row = rows(one).select_for_update(of=("self",)).first()
                if row is None:
                    continue
                email = compose(row)
                if email:
                    put(email)
                done(row)
        except Exception:
            # The next run tries it again, and the others don't wait for it.
            log.exception("an email could not be created: %r", one)
            summary.broken += 1
            continue
        summary.queued += bool(email)
        summary.empty += not email
