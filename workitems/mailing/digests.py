"""Digests: a saved view by email, daily or weekly, with how many items it has, how many changed, and the latest changes.

Nothing is sent for an empty view, and nobody gets email about a view or items that they can't see.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from pharos.accounts.models import User

from ..listing import ItemList, fetch_rows, find
from ..models import Digest, Every, SavedView
from .queueing import list_id, localized_for

SEND_AT = time(7)  # 7 a.m. in each person's time zone; weekly ones on Mondays
# The shortest time between two digests for a person who changes their time zone, so that one Monday never has two.
MIN_INTERVAL = {Every.DAY: timedelta(hours=12), Every.WEEK: timedelta(hours=27)}
MAX_SEEKS = 5  # how many scans a list may take before it counts as empty
ROWS = 20
SALT = "workitems.digest"


def next_time(now: datetime, every: str, zone: str) -> datetime:
    """Returns when the next digest is due after `now`, at the same local time in summer and winter."""
    day = now.astimezone(ZoneInfo(zone)).date()
    while True:
        due = datetime.combine(day, SEND_AT, ZoneInfo(zone)).astimezone(UTC)
        if due > now and (every == Every.DAY or day.weekday() == 0):
            return due
        day += timedelta(days=1)


def subscribe(view: SavedView, person: User, every: str | None, now: datetime) -> None:
    """Sets how often this person gets this view by email; None stops it."""
    mine = Digest.objects.filter(view=view, person=person)
    if every is None:
        mine.delete()
        return
    if mine.filter(every=every).exists():
        return  # it may be due right now and must not be postponed
    due = {"every": every, "zone": person.time_zone, "next_at": next_time(now, every, person.time_zone)}
    Digest.objects.update_or_create(due, {**due, "since": now}, view=view, person=person)


def subscriptions_of(person: User) -> dict[int, str]:
    """Returns {view id: how often} for the digests this person gets."""
    return dict(Digest.objects.filter(person=person).values_list("view", "every"))


def update_time_zones(now: datetime) -> None:
    """Reschedules the digests of people who have changed their time zone, so some of them may become due now."""
    elsewhere = Digest.objects.filter(next_at__gt=now).exclude(zone=F("person__time_zone")).select_related("person")
    for digest in elsewhere:
        zone = digest.person.time_zone
        apart = MIN_INTERVAL[Every(digest.every)] if digest.has_begun else timedelta()
        due = next_time(digest.since + apart, digest.every, zone)
        Digest.objects.filter(pk=digest.pk, next_at=digest.next_at).update(zone=zone, next_at=due)


def due(now: datetime) -> Iterator[Digest]:
    """Yields the digests that are due, longest overdue first."""
    yield from Digest.objects.filter(next_at__lte=now).order_by("next_at", "pk")


def due_row(digest: Digest, now: datetime) -> QuerySet[Digest]:
    """Returns a queryset of its row if it is still due: another run may have queued it since it was read."""
    return Digest.objects.filter(pk=digest.pk, next_at__lte=now).select_related("person__institution", "view")


def compose(digest: Digest, now: datetime) -> EmailMultiAlternatives | None:
    """Returns the email, or None if the view is empty for this person or they can no longer see it."""
    person, view = digest.person, digest.view
    if not (person.is_active and SavedView.objects.visible_to(person).filter(pk=view.pk).exists()):
        return None
    with localized_for(person):  # also for the list's date filters
        listing = ItemList({}, person).for_query(view.query)
        return _render(digest, listing, now) if listing.is_valid() else None


def _render(digest: Digest, listing: ItemList, now: datetime) -> EmailMultiAlternatives | None:
    person, view = digest.person, digest.view
    found = find(listing.for_query(listing.query(sort="updated")))
    rows = found.rows_after(None, ROWS) or [first for first, _end in [found.seek(None, MAX_SEEKS)] if first]
    if not rows:
        return None
    since = max(digest.since, listing.cleaned_data.get("updated_after") or digest.since)
    changed = find(listing.for_query(listing.query(updated_after=since.isoformat())))
    stop = urljoin(settings.SITE_URL, reverse("stop_digest", args=[sign_token(digest)]))
    context = {
        "view": view,
        "digest": digest,
        "number": max(found.total, len(rows)),
        "is_complete": found.is_complete,
        "changed": changed,
        "rows": [
            (row, urljoin(settings.SITE_URL, reverse("item", args=[row.item.pk])))
            for row in fetch_rows([row.pk for row in rows], now, listing.institutions)
        ],
        "list_url": urljoin(settings.SITE_URL, f"{reverse('items')}?{view.query}"),
        "views_url": urljoin(settings.SITE_URL, reverse("saved_views")),
        "stop_url": stop,
        "person": person,
        "sees_all": listing.sees_all,
        "support_email": settings.SUPPORT_EMAIL,
    }
    subject = " ".join(render_to_string("workitems/email/digest_subject.txt", context).split())
    # RFC 8058: an email program unsubscribes with one POST to this address, without signing in.
    headers = {
        "List-Unsubscribe": f"<{stop}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        **list_id("digests"),
    }
    text = render_to_string("workitems/email/digest_message.txt", context)
    email = EmailMultiAlternatives(subject, text, to=[person.email], headers=headers)
    email.attach_alternative(render_to_string("workitems/email/digest_message.html", context), "text/html")
    return email


def reschedule(digest: Digest, now: datetime) -> None:
    """Sets when the next digest is due, after this one was sent or had nothing to send."""
    zone = digest.person.time_zone
    row, sent = Digest.objects.filter(pk=digest.pk), {"since": now, "has_begun": True}
    due = {"zone": zone, "next_at": next_time(now, digest.every, zone)}
    # If the person has changed the frequency in the meantime, `next_at` has already been set.
    if not row.filter(next_at=digest.next_at).update(**sent, **due):
        row.update(**sent)


def sign_token(digest: Digest) -> str:
    return signing.Signer(salt=SALT).sign_object([digest.view_id, digest.person_id])


def find_by_token(token: str) -> tuple[Digest | None, bool]:
    """Returns (the digest that the link in an email is about, or None if it was stopped; whether the link is valid)."""
    try:
        view, person = signing.Signer(salt=SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return None, False
    return Digest.objects.select_related("view", "person").filter(view=view, person=person).first(), True
