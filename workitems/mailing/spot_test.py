"""Spot tests: asks an institution's staff, with one email, to check a restored copy."""

import smtplib
from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from pharos.accounts.models import User
from pharos.accounts.roles import Role

from .. import transitions
from ..lifecycle import Refused
from ..models import WorkItem


class EmailNotSent(Exception):
    """The mail server didn't accept the email. Nothing was recorded, so the caller can ask again."""

    def __init__(self) -> None:
        self.sentence = _(
            "The mail server didn't accept the email, so no one was notified and nothing was "
            "recorded. Send the request again."
        )
        super().__init__(self.sentence)


def request_spot_test(item: WorkItem, *, by: User, item_url: str, via: str = "api", at: datetime | None = None) -> bool:
    """Emails the institution's staff and records that on the item. Returns False if they were already notified.

    `item_url` is the full address of the item's page. The row stays locked until the mail server has accepted the
    email, so two callers send one email, and a failure leaves no record. Raises Refused or EmailNotSent; `item` is then
    reloaded.
    """
    now = at or timezone.now()
    try:
        with transaction.atomic():
            # Read the version under the lock: the caller's copy can be outdated.
            item.refresh_from_db(from_queryset=WorkItem.objects.select_for_update())
            seen = item.version
            transitions.notify(item, by=by, via=via, at=now)
            if item.version == seen:
                return False
            _send(item, _staff(item), item_url, now)
    except (Refused, EmailNotSent):
        item.refresh_from_db()
        raise
    return True


def _staff(item: WorkItem) -> list[str]:
    people = User.objects.filter(institution_id=item.institution_id, role=Role.STAFF, is_active=True)
    if found := list(people.order_by("email").values_list("email", flat=True)):
        return found
    sentence = _("%(name)s has no active staff who could check the copy. An admin can add some on the admin site.")
    raise Refused("illegal", sentence % {"name": item.institution.name})


def _send(item: WorkItem, addresses: list[str], item_url: str, now: datetime) -> None:
    names = {
        "object": _one_line(item.object_identifier),
        "file": _one_line(item.generic_file_identifier),
        "bag": _one_line(item.name),
    }
    words = {
        **names,
        "restored": names["file"] or names["object"] or names["bag"],
        "item": item,
        "item_url": item_url,
        "now": now,
        "support_email": settings.SUPPORT_EMAIL,
    }
    subject = render_to_string("workitems/email/spot_test_subject.txt", words)
    message = render_to_string("workitems/email/spot_test_message.txt", words)
    mail = EmailMessage(_one_line(subject), message, to=addresses)
    try:
        sent = mail.send()
    except (OSError, smtplib.SMTPException) as error:
        raise EmailNotSent from error
    if not sent:
        raise EmailNotSent


def _one_line(text: str) -> str:
    """Replaces line breaks and control characters, which would end a header or look like a line of our own text."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
