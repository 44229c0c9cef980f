"""Who wants to be told when an item is done: once, and whatever its end."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urljoin

from django.conf import settings
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from pharos.accounts.models import User

from ..explanations import advise, describe_status
from ..lifecycle import Phase
from ..listing import find_uploads, situation_of
from ..models import Watch, WorkItem
from .outbox import Letter, as_read_by


def watch(item: WorkItem, person: User, *, wanted: bool) -> bool:
    """Whether the person is told from now on. Of an item that is closed there is nothing to wait for."""
    if wanted and item.phase is not Phase.CLOSED:
        Watch.objects.get_or_create(item=item, person=person)
        return True
    Watch.objects.filter(item=item, person=person).delete()
    return False


def is_watched(item: WorkItem, person: User) -> bool:
    return Watch.objects.filter(item=item, person=person).exists()


def due() -> Iterator[Watch]:
    """Those whose item has come to its end, the longest wait first."""
    yield from Watch.objects.filter(item__in=WorkItem.objects.closed()).order_by("pk")


def row_of(watched: Watch) -> QuerySet[Watch]:
    return Watch.objects.filter(pk=watched.pk).select_related("item__institution", "person__institution")


def letter(watched: Watch, now: datetime) -> Letter | None:
    """What the person is told; None of whoever may not see the item any more."""
    item, person = watched.item, watched.person
    if not (person.is_active and WorkItem.objects.visible_to(person).with_id(item.pk).exists()):
        return None
    with as_read_by(person):
        return _written(item, person, now)


def _written(item: WorkItem, person: User, now: datetime) -> Letter:
    state = situation_of(item, find_uploads([item])[item.pk], note=item.note)
    context = {
        "item": item,
        "words": describe_status(state, now),
        "advice": advise(state, person.role),
        "item_url": urljoin(settings.SITE_URL, reverse("item", args=[item.pk])),
        "support_email": settings.SUPPORT_EMAIL,
    }
    subject = " ".join(render_to_string("workitems/email/done_subject.txt", context).split())
    return Letter(person.email, subject, render_to_string("workitems/email/done_message.txt", context))
