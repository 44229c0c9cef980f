"""Spot tests: asks an institution's staff, with one email, to check a restored copy."""

from datetime import datetime

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from pharos.accounts.models import User
from pharos.accounts.roles import Role
from pharos.email_queue.backend import put
from pharos.email_queue.models import QueuedEmail

from .. import transitions
from ..lifecycle import Refused
from ..models import WorkItem
from .queueing import list_id


def request_spot_test(item: WorkItem, *, by: User, item_url: str, via: str = "api", at: datetime | None = None) -> bool:
    """Queues an email to each of the institution's staff and records that on the item. Returns False if they were
    already notified.

    `item_url` is the full address of the item's page. The item's row is locked, so two callers queue one email. Raises
    Refused; `item` is then reloaded.
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
            _queue(item, _staff(item), item_url, now)
    except Refused:
        item.refresh_from_db()
        raise
    return True


def _staff(item: WorkItem) -> list[str]:
    people = User.objects.filter(institution_id=item.institution_id, role=Role.STAFF, is_active=True)
    if found := list(people.order_by("email").values_list("email", flat=True)):
        return found
    sentence = _("%(name)s has no active staff who could check the copy. An admin can add some on the admin site.")
    raise Refused("illegal", sentence % {"name": item.institution.name})


def _queue(item: WorkItem, addresses: list[str], item_url: str, now: datetime) -> None:
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
    email = EmailMessage(_one_line(subject), message, to=addresses, headers=list_id("spot-tests"))
    put(email, about=_about(item))


def refusals_of(item: WorkItem) -> list[tuple[str, str]]:
    """Returns (address, what the mail server said) for each email about this item's spot test that it refused for good."""
    refused = QueuedEmail.objects.given_up().filter(about=_about(item)).order_by("to")
    return list(refused.values_list("to", "last_error"))


def _about(item: WorkItem) -> str:
    return f"spot_test:{item.pk}"


def _one_line(text: str) -> str:
    """Replaces line breaks and control characters, which would end a header or look like a line of our own text."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
