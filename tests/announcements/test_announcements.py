"""Announcements: who sees which, from when until when, and who writes them."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from pharos.announcements import showing
from pharos.announcements.models import Announcement

from ..pages.page_elements import parse_page

ADD = reverse("admin:announcements_announcement_add")
HOUR = timedelta(hours=1)


def announce(text="S3 trouble", **values):
    showing.clear_cache()
    return Announcement.objects.create(text=text, starts_at=values.pop("starts_at", timezone.now() - HOUR), **values)


def shown(client, path="/items/"):
    return [
        one.text.split(" Until ")[0].strip()
        for one in parse_page(client.get(path)).all("p", class_="message announcement")
    ]


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_an_announcement_for_everyone_is_on_every_page(signed_in, cast, item, who):
    announce()
    client = signed_in(cast[who])
    for path in ("/", "/items/", "/account", "/glossary"):
        assert shown(client, path) == ["S3 trouble"], path


def test_one_for_an_institution_is_for_its_people_only(signed_in, cast, virginia):
    announce(institution=virginia)
    assert {who: shown(signed_in(cast[who])) for who in ("dora", "stan", "olga", "ada")} == {
        "dora": ["S3 trouble"],
        "stan": ["S3 trouble"],
        "olga": [],
        "ada": [],
    }


def test_the_sign_in_page_shows_only_public_ones(client, db):
    announce("Inside")
    assert shown(client, "/accounts/login/") == []
    announce("Outside <b>", is_public=True)
    assert shown(client, "/accounts/login/") == ["Outside <b>"]


def test_from_and_until(dora):
    now = timezone.now()
    announce("earlier", starts_at=now - 2 * HOUR, ends_at=now - HOUR)
    announce("now", starts_at=now - HOUR, ends_at=now + HOUR)
    announce("later", starts_at=now + HOUR)
    announce("always")
    texts = {hours: {one.text for one in showing.announcements_for(dora, now + hours * HOUR)} for hours in (0, 1, 2)}
    assert texts == {0: {"now", "always"}, 1: {"later", "always"}, 2: {"later", "always"}}


def test_the_end_is_in_the_readers_time(signed_in, dora):
    end = timezone.now() + HOUR
    announce(ends_at=end)
    [line] = parse_page(signed_in(dora).get("/items/")).all("p", class_="message announcement")
    assert "S3 trouble Until " in line.words


def test_pages_ask_once_in_a_while(signed_in, dora, item, django_assert_max_num_queries):
    client = signed_in(dora)
    client.get("/account")
    with django_assert_max_num_queries(0) as queries:
        showing.announcements_for(dora, timezone.now())
    assert len(queries) == 0


def test_admins_write_them_on_the_admin_site(signed_in, ada, virginia, dora):
    reader = signed_in(dora)
    assert shown(reader) == []
    writer = signed_in(ada)
    sent = {"text": "Maintenance", "institution": virginia.pk, "starts_at_0": "2026-01-01", "starts_at_1": "08:00"}
    assert writer.post(ADD, sent).status_code == 302
    assert shown(signed_in(dora)) == ["Maintenance"]
    one = Announcement.objects.get()
    assert (
        signed_in(ada)
        .post(reverse("admin:announcements_announcement_delete", args=[one.pk]), {"post": "yes"})
        .status_code
        == 302
    )
    assert shown(signed_in(dora)) == []


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"text": ""}, "This field is required."),
        ({"text": "x" * 501}, "at most 500 characters"),
        ({"ends_at_0": "2026-01-01", "ends_at_1": "07:00"}, "Choose a time after it begins."),
        (
            {"is_public": "on", "institution": "virginia"},
            "Only an announcement for everyone can be on the sign-in page.",
        ),
    ],
)
def test_mistakes_are_named_and_nothing_is_lost(signed_in, ada, virginia, sent, error):
    if sent.get("institution"):
        sent = {**sent, "institution": virginia.pk}
    page = signed_in(ada).post(
        ADD, {"text": "Maintenance", "starts_at_0": "2026-01-01", "starts_at_1": "08:00", **sent}
    )
    assert page.status_code == 200
    assert error in page.content.decode()
    assert "2026-01-01" in page.content.decode()
    assert not Announcement.objects.exists()


def test_the_database_refuses_what_the_form_refuses(virginia):
    now = timezone.now()
    for values in ({"ends_at": now - 2 * HOUR}, {"is_public": True, "institution": virginia}):
        with pytest.raises(IntegrityError), transaction.atomic():
            announce(**values)


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_nobody_else_writes_them(signed_in, cast, who):
    assert signed_in(cast[who]).post(ADD, {"text": "Hello"}).status_code == 403
    assert not Announcement.objects.exists()
