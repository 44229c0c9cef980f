"""A saved view by mail, every day or every week: how many items are in it, what has changed, and the items changed last.

Only if there is something in it. Whoever may not see the view, or not its items, gets no mail about them.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core import signing
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse

from pharos.accounts.models import User

from ..listing import ItemList, fetch_rows, find
from ..models import Digest, Every, SavedView
from .outbox import Letter, as_read_by

AT = time(7)  # in the morning, in each person's zone; a weekly one on Mondays
# So long after the last one, a person who has moved gets the next at the earliest: not twice on a Monday, wherever they go.
APART = {Every.DAY: timedelta(hours=12), Every.WEEK: timedelta(hours=27)}
LOOKS = 5  # stretches of a list that are gone over to tell whether there is something in it
ROWS = 20
SALT = "workitems.digest"


def next_time(now: datetime, every: str, zone: str) -> datetime:
    """When the next one is due after `now`, for a person in this zone: the same hour by the clock, summer and winter."""
    day = now.astimezone(ZoneInfo(zone)).date()
    while True:
        due = datetime.combine(day, AT, ZoneInfo(zone)).astimezone(UTC)
        if due > now and (every == Every.DAY or day.weekday() == 0):
            return due
        day += timedelta(days=1)


def subscribe(view: SavedView, person: User, every: str | None, now: datetime) -> None:
    """How often this person gets this view by mail from now on; None: not any more."""
    mine = Digest.objects.filter(view=view, person=person)
    if every is None:
        mine.delete()
        return
    if mine.filter(every=every).exists():
        return  # it may be due just now
    due = {"every": every, "zone": person.time_zone, "next_at": next_time(now, every, person.time_zone)}
    Digest.objects.update_or_create(due, {**due, "since": now}, view=view, person=person)


def of_person(person: User) -> dict[int, str]:
    """{view's id: how often} of what this person gets."""
    return dict(Digest.objects.filter(person=person).values_list("view", "every"))


def move_with_people(now: datetime) -> None:
    """Works out anew what is not due yet, of people who have changed their zone since the last one. It may be due now by that."""
    elsewhere = Digest.objects.filter(next_at__gt=now).exclude(zone=F("person__time_zone")).select_related("person")
    for digest in elsewhere:
        zone = digest.person.time_zone
        apart = APART[Every(digest.every)] if digest.has_begun else timedelta()
        due = next_time(digest.since + apart, digest.every, zone)
        Digest.objects.filter(pk=digest.pk, next_at=digest.next_at).update(zone=zone, next_at=due)


def due(now: datetime) -> Iterator[Digest]:
    """Those whose time has come, the longest wait first."""
    yield from Digest.objects.filter(next_at__lte=now).order_by("next_at", "pk")


def row_of(digest: Digest, now: datetime) -> QuerySet[Digest]:
    """Its row as long as it is due: another run may have sent it since it was read."""
    return Digest.objects.filter(pk=digest.pk, next_at__lte=now).select_related("person__institution", "view")


def letter(digest: Digest, now: datetime) -> Letter | None:
    """What is in the view for this person; None where there is nothing, or where it is not for them."""
    person, view = digest.person, digest.view
    if not (person.is_active and SavedView.objects.visible_to(person).filter(pk=view.pk).exists()):
        return None
    with as_read_by(person):  # the days that a list asks for, too, are those of this person's zone
        listing = ItemList({}, person).for_query(view.query)
        return _written(digest, listing, now) if listing.is_valid() else None


def _written(digest: Digest, listing: ItemList, now: datetime) -> Letter | None:
    person, view = digest.person, digest.view
    found = find(listing.for_query(listing.query(sort="updated")))
    rows = found.rows_after(None, ROWS) or [first for first, _end in [found.seek(None, LOOKS)] if first]
    if not rows:
        return None
    since = max(digest.since, listing.cleaned_data.get("updated_after") or digest.since)
    changed = find(listing.for_query(listing.query(updated_after=since.isoformat())))
    stop = urljoin(settings.SITE_URL, reverse("stop_digest", args=[token_of(digest)]))
    context = {
        "view": view,
        "digest": digest,
        "number": max(found.total, len(rows)),
        "is_whole": found.is_whole,
        "changed": changed,
        "rows": [
            (row, urljoin(settings.SITE_URL, reverse("item", args=[row.item.pk])))
            for row in fetch_rows([place.pk for place in rows], now, listing.institutions)
        ],
        "list_url": urljoin(settings.SITE_URL, f"{reverse('items')}?{view.query}"),
        "views_url": urljoin(settings.SITE_URL, reverse("saved_views")),
        "stop_url": stop,
        "person": person,
        "sees_all": listing.sees_all,
        "support_email": settings.SUPPORT_EMAIL,
    }
    subject = " ".join(render_to_string("workitems/email/digest_subject.txt", context).split())
    # RFC 8058: a mail program unsubscribes by one POST to this address, without anybody signing in.
    headers = {"List-Unsubscribe": f"<{stop}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    text = render_to_string("workitems/email/digest_message.txt", context)
    return Letter(
        person.email, subject, text, render_to_string("workitems/email/digest_message.html", context), headers
    )


def has_gone_out(digest: Digest, now: datetime) -> None:
    """After a mail, or after a look that found nothing to tell: when the next one is due."""
    zone = digest.person.time_zone
    row, gone = Digest.objects.filter(pk=digest.pk), {"since": now, "has_begun": True, "claimed_at": None}
    due = {"zone": zone, "next_at": next_time(now, digest.every, zone)}
    # Where the person has chosen anew while it was sent, that has said when the next one is due.
    if not row.filter(next_at=digest.next_at).update(**gone, **due):
        row.update(**gone)


def token_of(digest: Digest) -> str:
    return signing.Signer(salt=SALT).sign_object([digest.view_id, digest.person_id])


def of_token(token: str) -> tuple[Digest | None, bool]:
    """(the digest that a mail's link is about, whether it is such a link); none where it was stopped already."""
    try:
        view, person = signing.Signer(salt=SALT).unsign_object(token)
    except (signing.BadSignature, ValueError, TypeError):
        return None, False
    return Digest.objects.select_related("view", "person").filter(view=view, person=person).first(), True
