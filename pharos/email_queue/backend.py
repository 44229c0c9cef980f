"""What Django's mail functions call: it stores emails instead of sending them. Thus allauth's emails are queued, too."""

from collections.abc import Sequence
from email.utils import make_msgid
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction

from .immediate import send_soon
from .models import QueuedEmail


class QueueBackend(BaseEmailBackend):
    """Puts each message into the queue, within the caller's transaction."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            put(message)
        return len(email_messages)


def put(message: EmailMessage, *, about: str = "") -> None:
    """Queues one row per recipient, so that one refused mailbox doesn't affect the others.

    They are sent right after the current transaction is committed. Raises ValueError for an email with attachments,
    which the queue doesn't store, and for a line break in a header.
    """
    if message.attachments:
        raise ValueError("The email queue doesn't store attachments.")
    mime = message.message()  # raises ValueError for a header that can't be sent
    html = next(
        (str(part.content) for part in getattr(message, "alternatives", []) if part.mimetype == "text/html"), ""
    )
    headers = {
        "Message-ID": make_msgid(domain=_own_domain()),
        # RFC 3834: out-of-office replies are for people.
        "Auto-Submitted": "auto-generated",
        # Everybody whom it was written to, as the message shows them.
        **({"To": str(mime["To"])} if len(message.recipients()) > 1 else {}),
        **{str(name): str(value) for name, value in message.extra_headers.items()},
    }
    common = {
        "sender": message.from_email,
        "subject": str(message.subject),
        "text": str(message.body),
        "html": html,
        "headers": headers,
        "about": about,
    }
    QueuedEmail.objects.bulk_create([QueuedEmail(to=address, **common) for address in message.recipients()])
    transaction.on_commit(send_soon)


def _own_domain() -> str:
    """Returns the domain of this installation for Message-IDs; the machine's own name can be private, or slow to find."""
    return urlsplit(settings.SITE_URL).hostname or settings.DEFAULT_FROM_EMAIL.rpartition("@")[2]
