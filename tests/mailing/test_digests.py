"""Digests: when one is due, and what it says."""

from datetime import UTC, datetime, timedelta
from email import message_from_string, policy

import pytest
from django.core.management import call_command
from django.utils import timezone

from workitems.listing.strategies import bounded_scan
from workitems.mailing import digests
from workitems.models import Digest, WorkItem

from ..emails import send_due
from ..factories import make_item
from ..many_items import SOME_DAY, make_items
from ..pages.saving_views import due_of, view_of

pytestmark = pytest.mark.usefixtures("site")
MONDAY = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)


# When


@pytest.mark.parametrize(
    ("now", "every", "zone", "expected"),
    [
        ("2026-06-01T06:59+00:00", "day", "UTC", "2026-06-01T07:00+00:00"),
        ("2026-06-01T07:00+00:00", "day", "UTC", "2026-06-02T07:00+00:00"),
        ("2026-06-01T06:59+00:00", "week", "UTC", "2026-06-01T07:00+00:00"),
        ("2026-06-01T07:00+00:00", "week", "UTC", "2026-06-08T07:00+00:00"),
        ("2026-06-03T12:00+00:00", "week", "UTC", "2026-06-08T07:00+00:00"),
        ("2026-06-01T10:00+00:00", "day", "America/New_York", "2026-06-01T11:00+00:00"),
        ("2026-06-01T03:00+00:00", "day", "America/New_York", "2026-06-01T11:00+00:00"),
        ("2026-05-31T22:30+00:00", "week", "Pacific/Auckland", "2026-06-07T19:00+00:00"),
        ("2026-05-31T18:30+00:00", "week", "Pacific/Auckland", "2026-05-31T19:00+00:00"),
        # The same hour by the clock, over both changes of it.
        ("2026-03-07T13:00+00:00", "day", "America/New_York", "2026-03-08T11:00+00:00"),
        ("2026-10-31T12:00+00:00", "day", "America/New_York", "2026-11-01T12:00+00:00"),
    ],
)
def test_digests_are_due_in_the_morning_of_each_time_zone(now, every, zone, expected):
    assert digests.next_time(datetime.fromisoformat(now), every, zone) == datetime.fromisoformat(expected)


def test_a_digest_is_sent_once_a_day_when_it_is_due(stan, failures, mailoutbox):
    view = view_of(stan)
    digests.subscribe(view, stan, "day", MONDAY)
    for hours, mails in ((6, 0), (7, 1), (8, 1), (30, 1), (31, 2), (32, 2)):
        send_due(MONDAY + timedelta(hours=hours))
        assert len(mailoutbox) == mails, hours


def test_after_days_without_a_run_only_one_digest_is_sent(stan, failures, mailoutbox):
    digests.subscribe(view_of(stan), stan, "day", MONDAY)
    send_due(MONDAY + timedelta(days=9, hours=12))
    assert len(mailoutbox) == 1
    assert Digest.objects.get().next_at == MONDAY + timedelta(days=10, hours=7)


def test_a_digest_follows_the_users_time_zone(stan, failures, mailoutbox):
    """From 7 a.m. in one time zone to 7 a.m. in another, with the next run."""
    digests.subscribe(view_of(stan), stan, "day", MONDAY)
    stan.time_zone = "America/New_York"
    stan.save()
    for hours, mails in ((1, 0), (7, 0), (10, 0), (11, 1), (30, 1), (35, 2)):
        send_due(MONDAY + timedelta(hours=hours))
        assert len(mailoutbox) == mails, hours
    stan.time_zone = "UTC"
    stan.save()
    # What is due before the move is known goes out; then the new zone counts.
    send_due(MONDAY + timedelta(days=2, hours=11, minutes=1))
    assert len(mailoutbox) == 3
    send_due(MONDAY + timedelta(days=3, hours=7))
    assert len(mailoutbox) == 4


@pytest.mark.parametrize(
    ("every", "begun", "homes", "expected"),
    [
        # Said two minutes before the new hour, and seen by a run two minutes after it.
        ("week", "2026-05-28T12:00", ("America/New_York", "2026-06-01T06:58", "UTC"), ["06-01T07:02"]),
        # Said the day before, while no run came: late, but not lost.
        ("day", "2026-06-01T12:00", ("America/New_York", "2026-06-01T20:00", "Europe/Berlin"), ["06-02T09:02"]),
        # Not twice on the Monday of somebody who flies to where it is still Sunday.
        (
            "week",
            "2026-05-28T12:00",
            ("Pacific/Auckland", "2026-05-31T20:00", "America/New_York"),
            ["05-31T19:02", "06-08T11:02"],
        ),
    ],
)
def test_changing_the_time_zone_loses_and_repeats_no_digest(stan, failures, mailoutbox, every, begun, homes, expected):
    """Runs at two minutes past every hour, but not before nine on June 2."""
    zone, moved_at, to = homes
    stan.time_zone = zone
    stan.save()
    now = datetime.fromisoformat(f"{begun}+00:00")
    digests.subscribe(view_of(stan), stan, every, now)
    now, sent = now + timedelta(minutes=2), []
    end = datetime.fromisoformat(f"2026-{expected[-1]}+00:00")
    while now <= end:
        if now >= datetime.fromisoformat(f"{moved_at}+00:00") and stan.time_zone != to:
            stan.time_zone = to
            stan.save()
        if not 0 <= (now - datetime(2026, 6, 2, tzinfo=UTC)).total_seconds() < 9 * 3600:
            before = len(mailoutbox)
            send_due(now)
            sent += [f"{now:%m-%dT%H:%M}"] * (len(mailoutbox) - before)
        now += timedelta(hours=1)
    assert sent == expected if every == "week" else sent[-1] == expected[-1]


# What it says


def test_the_email(dora, stan, failures, mailoutbox, virginia, site):
    dora.time_zone = "America/New_York"
    dora.save()
    view = view_of(stan, name="Failures", reach="institution", query="status=Failed&sort=name")
    digest = due_of(view, dora)
    call_command("send_mail_queue")
    [mail] = mailoutbox
    assert (mail.to, mail.subject) == ([dora.email], "Failures: 2 items")
    [(html, kind)] = mail.alternatives
    assert kind == "text/html"
    for text in (mail.body, html):
        assert "2 items changed since" in text
        assert "bag-0.tar" in text
        assert "theirs.tar" not in text
        assert f"{site}/items/{failures[0].pk}" in text
        assert f"{site}/views/" in text
        assert " E" in text.split("changed since ")[1][:40]  # EST or EDT: the person's own zone
    assert f"{site}/items/?status=Failed&sort=name" in mail.body
    assert "daily at 7 a.m. your time, unless empty" in " ".join(mail.body.split())
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.extra_headers["List-Unsubscribe"] == f"<{site}/digests/stop/{digests.sign_token(digest)}>"
    raw = message_from_string(mail.message().as_string(), policy=policy.default)
    assert [part.get_content_type() for part in raw.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize(("who", "number"), [("dora", 2), ("olga", 1), ("ada", 3)])
def test_each_user_gets_only_items_they_can_see(cast, failures, mailoutbox, who, number):
    due_of(view_of(cast["ada"], reach="everybody"), cast[who])
    call_command("send_mail_queue")
    assert mailoutbox[0].subject == f"Failures: {'1 item' if number == 1 else f'{number} items'}"
    assert ("jhu.edu" in mailoutbox[0].body) == (who == "ada")
    assert ("theirs.tar" in mailoutbox[0].body) == (who in ("ada", "olga"))


def test_a_long_list_shows_its_number_and_the_latest_changes(stan, virginia, mailoutbox):
    for n in range(25):
        make_item(virginia, name=f"bag-{n:02}.tar", at=timezone.now() - timedelta(days=10 + n))
    due_of(view_of(stan, query="stage=Receive"), stan)
    call_command("send_mail_queue")
    body = " ".join(mailoutbox[0].body.split())
    assert mailoutbox[0].subject == "Failures: 25 items"
    assert "No items have changed since" in body
    assert "The 20 most recently changed:" in body
    assert [n for n in range(25) if f"bag-{n:02}.tar" in body] == list(range(20))


def test_uncounted_items_are_reported_as_more_than(stan, virginia, mailoutbox, monkeypatch):
    for n in range(30):
        make_item(virginia, name=f"bag-{n}.tar")
    monkeypatch.setattr(bounded_scan, "COUNT_LIMIT", 25)
    due_of(view_of(stan, query="q=bag"), stan)
    call_command("send_mail_queue")
    [mail] = mailoutbox
    assert mail.subject == "Failures: 25 items or more"
    assert "25 items or more" in mail.body
    assert "At least 25 items changed since" in mail.body
    assert "At least 25 items changed since" in mail.alternatives[0][0]


@pytest.mark.parametrize("hours", [-24 * 400, 24 * 400])
def test_rare_items_among_many_are_found(stan, virginia, wally, mailoutbox, monkeypatch, hours):
    """More than one scan covers, in the list's own order or the email's."""
    rare = make_item(virginia, generic_file_identifier="virginia.edu/rare/page-1.tif")
    WorkItem.objects.filter(pk=rare.pk).update(
        date=SOME_DAY + timedelta(hours=hours), updated_at=SOME_DAY - timedelta(hours=hours)
    )
    make_items(100, [virginia])
    for name, value in {"SCAN_LIMIT": 25, "COUNT_LIMIT": 10}.items():
        monkeypatch.setattr(bounded_scan, name, value)
    due_of(view_of(stan, query="file_identifier=virginia.edu/rare/page-1.tif"), stan)
    due_of(view_of(stan, name="None", query="file_identifier=virginia.edu/rare/page-2.tif"), stan)
    call_command("send_mail_queue")
    [mail] = mailoutbox
    assert mail.subject == "Failures: 1 item or more"
    assert rare.name in mail.body


def test_names_cannot_break_headers_or_html(stan, virginia, mailoutbox):
    make_item(virginia, name="<script>alert(1)</script>.tar")
    due_of(view_of(stan, name="a\nBcc: b@example.org <b>", query="stage=Receive"), stan)
    call_command("send_mail_queue")
    [mail] = mailoutbox
    assert "\n" not in mail.subject
    assert mail.recipients() == [stan.email]
    assert "<script>" not in mail.alternatives[0][0]
    assert "<b>" not in mail.alternatives[0][0]


def test_an_empty_view_sends_nothing_and_is_checked_again_the_next_day(stan, failures, mailoutbox, capsys):
    digest = due_of(view_of(stan, query="stage=Store"), stan)
    call_command("send_mail_queue")
    assert mailoutbox == []
    assert "Sent: 0; nothing to send: 1; given up: 0; waiting: 0." in capsys.readouterr().out
    digest.refresh_from_db()
    assert digest.next_at > timezone.now()


@pytest.mark.parametrize("why", ["private", "moved", "inactive", "not valid"])
def test_a_view_that_is_no_longer_visible_is_not_sent(stan, dora, jhu, failures, mailoutbox, why):
    view = view_of(stan, reach="institution")
    due_of(view, dora)
    if why == "private":
        view.reach = "private"
    if why == "not valid":
        view.query = "node=services-1"
    view.save()
    if why == "moved":
        dora.institution = jhu
    if why == "inactive":
        dora.is_active = False
    dora.save()
    call_command("send_mail_queue")
    assert mailoutbox == []


def test_dates_are_in_the_users_time_zone(stan, virginia, mailoutbox):
    """Just after midnight in Auckland, the day before in UTC."""
    stan.time_zone = "Pacific/Auckland"
    stan.save()
    make_item(virginia, date=datetime(2026, 5, 31, 13, tzinfo=UTC))
    for name, day in (("that day", "2026-06-01"), ("before", "2026-05-31")):
        due_of(view_of(stan, name=name, query=f"received_from={day}&received_to={day}"), stan)
    call_command("send_mail_queue")
    assert [mail.subject for mail in mailoutbox] == ["that day: 1 item"]


def test_the_number_of_changes_never_exceeds_the_total(stan, failures, mailoutbox):
    later = timezone.now() + timedelta(minutes=-1)
    due_of(
        view_of(stan, query=f"updated_after={later:%Y-%m-%dT%H:%M:%SZ}&q=bag-0"),
        stan,
        since=timezone.now() - timedelta(days=60),
    )
    call_command("send_mail_queue")
    assert "1 item changed since" in mailoutbox[0].body
