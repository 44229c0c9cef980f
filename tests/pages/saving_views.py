"""Helpers that save views, read them from the left column, and subscribe to them."""

from datetime import timedelta

from django.utils import timezone

from workitems.models import Digest, SavedView

from .page_elements import parse_page

FAILED = "status=Failed"


def save(client, query=FAILED, name="Failures", reach="private", **more):
    return client.post("/views/", {"list": query, "name": name, "reach": reach, **more})


def begin_with(client, number, **more):
    return client.post("/views/start", {"view": number, **more})


def view_of(who, **values):
    return SavedView.objects.create(
        **{"owner": who, "institution": who.institution, "name": "Failures", "query": FAILED, **values}
    )


def column(client, address="/items/"):
    """Returns {name: count or the address that returns it} of the views in the left column."""
    found = {}
    for section in parse_page(client.get(address)).all("section", class_="group views"):
        for link in section.all("a", class_="value"):
            count = link.one("span", class_="count")
            at = count.attributes.get("data-count-at")
            found[link.all("span")[0].words] = at or int(count.words.replace(",", ""))
    return found


def due_of(view, person, *, every="day", since=None):
    """Creates a digest that is due."""
    now = timezone.now()
    since = since or now - timedelta(days=1)
    return Digest.objects.create(
        view=view, person=person, every=every, zone=person.time_zone, since=since, next_at=now - timedelta(minutes=1)
    )
