"""Watches: requests to be notified once when an item is done, however it ends."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urljoin

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from pharos.accounts.models import User

from ..explanations import advise, describe_status
from ..lifecycle import Phase
from ..listing import find_uploads, situation_of
from ..models import Watch, WorkItem
from .queueing import list_id, localized_for


def watch(item: WorkItem, person: User, *, wanted: bool) -> bool:
    """Starts or stops watching; returns whether the person will be notified.

    A closed item can't be watched, nor one that never ends because another upload is processed instead.
    """
    others = find_uploads([item])[item.pk]
    never_ends = item.phase is Phase.CLOSED or others.superseded_by or others.duplicate_of
    if wanted and not never_ends:
        Watch.objects.get_or_create(item=item, person=person)
        return True
    Watch.objects.filter(item=item, person=person).delete()
    return False


def is_watched(item: WorkItem, person: User) -> bool:
    return Watch.objects.filter(item=item, person=person).exists()


def due() -> Iterator[Watch]:
    """Yields the watches whose item is closed, oldest watch first."""
    yield from Watch.objects.filter(item__in=WorkItem.objects.closed()).order_by("pk")


def due_row(watched: Watch) -> QuerySet[Watch]:
    return Watch.objects.filter(pk=watched.pk).select_related("item__institution", "person__institution")


def compose(watched: Watch, now: datetime) -> EmailMessage | None:
    """Returns the email, or None if the person can no longer see the item."""
    item, person = watched.item, watched.person
    if not (person.is_active and WorkItem.objects.visible_to(person).with_id(item.pk).exists()):
        return None
    with localized_for(person):
        return _render(item, person, now)


def _render(item: WorkItem, person: User, now: datetime) -> EmailMessage:
    state = situation_of(item, find_uploads([item])[item.pk], note=item.note)
    advice = advise(state, person.role)
    context = {
        "item": item,
        "status_label": describe_status(state, now),
        "advice": advice,
        "link_url": urljoin(settings.SITE_URL, reverse("item", args=[advice.link])) if advice.link else "",
        "item_url": urljoin(settings.SITE_URL, reverse("item", args=[item.pk])),
        "support_email": settings.SUPPORT_EMAIL,
    }
    subject = " ".join(render_to_string("workitems/email/done_subject.txt", context).split())
    text = render_to_string("workitems/email/done_message.txt", context)
    return EmailMessage(subject, text, to=[person.email], headers=list_id("notifications"))
