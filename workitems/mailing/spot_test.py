"""The spot test of a restoration: an institution's staff are asked, by mail and once, to check a restored copy."""

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


class NotSent(Exception):
    """The mail could not be handed over; nothing was recorded, so that the caller may ask again."""

    def __init__(self) -> None:
        self.sentence = _(
            "The mail server didn't accept the email, so no one was notified and nothing was "
            "recorded. Send the request again."
        )
        super().__init__(self.sentence)


def ask_to_check(item: WorkItem, *, by: User, item_url: str, via: str = "api", at: datetime | None = None) -> bool:
    """Notes on the item that its institution's staff are told, and mails them; False where they were told before.

    `item_url` is the whole address of the item's page. The row stays locked until the mail server has the mail, so that two
    callers mail once, and a failure leaves no note. Raises Refused or NotSent; the object is then the row as it is.
    """
    now = at or timezone.now()
    try:
        with transaction.atomic():
            # Its version under the lock: the caller's copy may be of yesterday.
            item.refresh_from_db(from_queryset=WorkItem.objects.select_for_update())
            seen = item.version
            transitions.notify(item, by=by, via=via, at=now)
            if item.version == seen:
                return False
            _mail(item, _staff(item), item_url, now)
    except (Refused, NotSent):
        item.refresh_from_db()
        raise
    return True


def _staff(item: WorkItem) -> list[str]:
    people = User.objects.filter(institution_id=item.institution_id, role=Role.STAFF, is_active=True)
    if found := list(people.order_by("email").values_list("email", flat=True)):
        return found
    sentence = _("%(name)s has no active staff who could check the copy. An admin can add some on the admin site.")
    raise Refused("illegal", sentence % {"name": item.institution.name})


def _mail(item: WorkItem, addresses: list[str], item_url: str, now: datetime) -> None:
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
        raise NotSent from error
    if not sent:
        raise NotSent


def _one_line(text: str) -> str:
    """Names may hold any character; a line break among them would end a header, or look like a line of ours."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
