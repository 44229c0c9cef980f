"""A saved view by mail: who asks for it, when it is due, what it says, once each, and how one gets no more of it."""

import smtplib
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_string, policy

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from workitems.mailing import digests, sending
from workitems.mailing.run import send_all
from workitems.models import Digest, SavedView

from .elements import page
from .factories import make_item, service
from .test_page_saved_views import view_of

SITE = "https://pharos.example.org"
MONDAY = datetime(2026, 6, 1, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def site(settings):
    settings.SITE_URL = SITE


def ask(client, view, every="day"):
    return client.post(f"/views/{view.pk}/digest", {"every": every})


def due_of(view, person, *, every="day", since=None):
    """A digest whose time has come."""
    now = timezone.now()
    since = since or now - timedelta(days=1)
    return Digest.objects.create(view=view, person=person, every=every, since=since, next_at=now - timedelta(minutes=1))


@pytest.fixture
def failed(virginia, jhu):
    items = [make_item(virginia, name=f"bag-{n}.tar") for n in range(2)] + [make_item(jhu, name="theirs.tar")]
    for item in items:
        item.fail(note="no manifest", retry=False, by=service())
    return items


# Asking for it


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_who_sees_a_view_may_get_it(cast, signed_in, who):
    view = view_of(cast["ada"], reach="everybody")
    client = signed_in(cast[who])
    for every, label in (("day", "every day"), ("week", "every week")):
        response = client.post(f"/views/{view.pk}/digest", {"every": every}, follow=True)
        assert ("every day at 7" if every == "day" else "on Mondays at 7") in response.content.decode()
        assert list(Digest.objects.values_list("person__email", "every")) == [(cast[who].email, every)]
        chosen = [one for one in page(response).all("option", selected=True) if one.words]
        assert [one.words for one in chosen] == [label]
    ask(client, view, "")
    assert not Digest.objects.exists()


def test_others_strangers_and_nonsense_may_not(client, signed_in, stan, olga, dora):
    view = view_of(stan)
    assert ask(client, view).status_code == 302
    for person in (olga, dora):
        assert ask(signed_in(person), view).status_code == 404
    for every in ("hour", "\0", "DAY"):
        response = signed_in(stan).post(f"/views/{view.pk}/digest", {"every": every}, follow=True)
        assert "Choose how often: every day, every week, or no mail." in response.content.decode()
    assert signed_in(stan).get(f"/views/{view.pk}/digest").status_code == 302
    assert not Digest.objects.exists()


def test_asking_anew_begins_anew(signed_in, stan):
    view = view_of(stan)
    former = due_of(view, stan, every="week")
    ask(signed_in(stan), view, "day")
    digest = Digest.objects.get()
    assert (digest.pk, digest.every) == (former.pk, "day")
    assert digest.next_at > timezone.now()


def test_it_goes_with_its_view(signed_in, stan, dora):
    view = view_of(stan, reach="institution")
    for person in (stan, dora):
        ask(signed_in(person), view)
    signed_in(stan).post(f"/views/{view.pk}/delete")
    assert not Digest.objects.exists()
    assert not SavedView.objects.exists()


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
def test_in_the_morning_of_each_persons_zone(now, every, zone, expected):
    assert digests.next_time(datetime.fromisoformat(now), every, zone) == datetime.fromisoformat(expected)


def test_not_before_its_time_and_once_a_day(stan, failed, mailoutbox):
    view = view_of(stan)
    digests.subscribe(view, stan, "day", MONDAY)
    for hours, mails in ((6, 0), (7, 1), (8, 1), (30, 1), (31, 2), (32, 2)):
        send_all(MONDAY + timedelta(hours=hours))
        assert len(mailoutbox) == mails, hours


def test_after_days_without_a_run_one_is_enough(stan, failed, mailoutbox):
    digests.subscribe(view_of(stan), stan, "day", MONDAY)
    send_all(MONDAY + timedelta(days=9, hours=12))
    assert len(mailoutbox) == 1
    assert Digest.objects.get().next_at == MONDAY + timedelta(days=10, hours=7)


# What it says


def test_the_mail(dora, stan, failed, mailoutbox, virginia):
    dora.time_zone = "America/New_York"
    dora.save()
    view = view_of(stan, name="Failures", reach="institution", query="status=Failed&sort=name")
    digest = due_of(view, dora)
    call_command("send_digests")
    [mail] = mailoutbox
    assert (mail.to, mail.subject) == ([dora.email], "Failures: 2 items")
    [(html, kind)] = mail.alternatives
    assert kind == "text/html"
    for text in (mail.body, html):
        assert "2 items changed since" in text
        assert "bag-0.tar" in text
        assert "theirs.tar" not in text
        assert f"{SITE}/items/{failed[0].pk}" in text
        assert f"{SITE}/views/" in text
        assert " E" in text.split("changed since ")[1][:40]  # EST or EDT: the person's own zone
    assert f"{SITE}/items/?status=Failed&sort=name" in mail.body
    assert "every day, if there is something in it" in " ".join(mail.body.split())
    assert mail.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.extra_headers["List-Unsubscribe"] == f"<{SITE}/digests/stop/{digests.token_of(digest)}>"
    raw = message_from_string(mail.message().as_string(), policy=policy.default)
    assert [part.get_content_type() for part in raw.walk()] == ["multipart/alternative", "text/plain", "text/html"]


@pytest.mark.parametrize(("who", "number"), [("dora", 2), ("olga", 1), ("ada", 3)])
def test_each_person_gets_their_own_items(cast, failed, mailoutbox, who, number):
    due_of(view_of(cast["ada"], reach="everybody"), cast[who])
    call_command("send_digests")
    assert mailoutbox[0].subject == f"Failures: {'1 item' if number == 1 else f'{number} items'}"
    assert ("jhu.edu" in mailoutbox[0].body) == (who == "ada")
    assert ("theirs.tar" in mailoutbox[0].body) == (who in ("ada", "olga"))


def test_many_items_are_told_of_and_the_last_changed_are_named(stan, virginia, mailoutbox):
    for n in range(25):
        make_item(virginia, name=f"bag-{n:02}.tar", at=timezone.now() - timedelta(days=10 + n))
    due_of(view_of(stan, query="stage=Receive"), stan)
    call_command("send_digests")
    body = " ".join(mailoutbox[0].body.split())
    assert mailoutbox[0].subject == "Failures: 25 items"
    assert "None has changed since" in body
    assert "The 20 changed last:" in body
    assert [n for n in range(25) if f"bag-{n:02}.tar" in body] == list(range(20))


def test_names_break_neither_header_nor_html(stan, virginia, mailoutbox):
    make_item(virginia, name="<script>alert(1)</script>.tar")
    due_of(view_of(stan, name="a\nBcc: b@example.org <b>", query="stage=Receive"), stan)
    call_command("send_digests")
    [mail] = mailoutbox
    assert "\n" not in mail.subject
    assert mail.recipients() == [stan.email]
    assert "<script>" not in mail.alternatives[0][0]
    assert "<b>" not in mail.alternatives[0][0]


def test_nothing_in_it_is_no_mail_and_the_next_day_is_looked_at_again(stan, failed, mailoutbox, capsys):
    digest = due_of(view_of(stan, query="stage=Store"), stan)
    call_command("send_digests")
    assert mailoutbox == []
    assert "Sent 0; nothing to tell: 1; failed: 0." in capsys.readouterr().out
    digest.refresh_from_db()
    assert (digest.next_at > timezone.now(), digest.claimed_at) == (True, None)


@pytest.mark.parametrize("why", ["private", "moved", "inactive", "not valid"])
def test_what_is_not_for_them_any_more_is_not_sent(stan, dora, jhu, failed, mailoutbox, why):
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
    call_command("send_digests")
    assert mailoutbox == []


# Once each


def test_a_mail_server_that_is_away_loses_nothing(stan, failed, mailoutbox, monkeypatch):
    for n in range(5):
        due_of(view_of(stan, name=str(n)), stan)

    def away(mail):
        raise smtplib.SMTPServerDisconnected("gone")

    with monkeypatch.context() as patch:
        patch.setattr(sending.EmailMultiAlternatives, "send", away)
        with pytest.raises(CommandError, match="given up for now"):
            call_command("send_digests")
    assert Digest.objects.filter(next_at__lte=timezone.now(), claimed_at=None).count() == 5
    call_command("send_digests")
    assert len(mailoutbox) == 5
    call_command("send_digests")
    assert len(mailoutbox) == 5


def test_what_a_crash_has_left_is_sent_after_a_while(stan, failed, mailoutbox):
    due_of(view_of(stan), stan)
    now = timezone.now()
    Digest.objects.update(claimed_at=now)
    send_all(now + sending.LEFT_BEHIND - timedelta(seconds=1))
    assert mailoutbox == []
    send_all(now + sending.LEFT_BEHIND + timedelta(seconds=1))
    assert len(mailoutbox) == 1


def test_one_that_cannot_be_written_keeps_nobody_waiting(stan, failed, mailoutbox, monkeypatch, caplog):
    broken, sound = (due_of(view_of(stan, name=name), stan) for name in ("broken", "sound"))
    written = digests.letter

    def letter(digest, now):
        if digest == broken:
            raise RuntimeError("the cause")
        return written(digest, now)

    monkeypatch.setattr(digests, "letter", letter)
    with pytest.raises(CommandError, match="1 could not be written"):
        call_command("send_digests")
    assert [mail.subject for mail in mailoutbox] == ["sound: 2 items"]
    assert "the cause" in caplog.text
    monkeypatch.undo()
    now = timezone.now()
    send_all(now)
    assert len(mailoutbox) == 1
    send_all(now + sending.LEFT_BEHIND + timedelta(seconds=1))
    assert [mail.subject for mail in mailoutbox[1:]] == ["broken: 2 items"]
    assert sound.person == stan


def test_in_a_long_run_nothing_seems_left_behind(stan, failed, monkeypatch):
    """What is taken late in a run is taken at that time, and not at the run's beginning."""
    first, second = (due_of(view_of(stan, name=name), stan) for name in ("first", "second"))
    begun = timezone.now()
    clock = iter([0.0, 1.0, 3600.0])
    monkeypatch.setattr(sending, "monotonic", lambda: next(clock))
    taken = []

    def letter(digest, now):
        digest.refresh_from_db()
        taken.append((digest, digest.claimed_at))

    monkeypatch.setattr(digests, "letter", letter)
    sending.send_each(
        digests.due(begun),
        lambda one: digests.row_of(one, begun),
        lambda one: letter(one, begun),
        lambda one: None,
        begun,
        sending.Sent(),
    )
    assert taken == [(first, begun + timedelta(seconds=1)), (second, begun + timedelta(hours=1))]


def test_days_are_those_of_the_persons_zone(stan, virginia, mailoutbox):
    """Just after midnight in Auckland, the day before in UTC."""
    stan.time_zone = "Pacific/Auckland"
    stan.save()
    make_item(virginia, date=datetime(2026, 5, 31, 13, tzinfo=UTC))
    for name, day in (("that day", "2026-06-01"), ("before", "2026-05-31")):
        due_of(view_of(stan, name=name, query=f"received_from={day}&received_to={day}"), stan)
    call_command("send_digests")
    assert [mail.subject for mail in mailoutbox] == ["that day: 1 item"]


def test_a_run_that_comes_late_sends_nothing_again(stan, failed, mailoutbox):
    """It has read what is due before another run has sent it."""
    due_of(view_of(stan), stan)
    now = timezone.now()
    [read_before] = digests.due(now)
    send_all(now)
    assert not sending.take(digests.row_of(read_before, now), now)
    assert len(mailoutbox) == 1


@pytest.mark.django_db(transaction=True)
def test_three_runs_at_once_send_each_once(virginia, stan, dora, mailoutbox):
    make_item(virginia)
    for n in range(8):
        view = view_of(stan, name=str(n), query="stage=Receive", reach="institution")
        for person in (stan, dora):
            due_of(view, person)

    def run():
        send_all(timezone.now())
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [(mail.to[0], mail.subject) for mail in mailoutbox]
    assert len(told) == len(set(told)) == 16


# No more of it


def stop_link(mail):
    return mail.extra_headers["List-Unsubscribe"].strip("<>").removeprefix(SITE)


def test_one_click_of_a_mail_program_stops_it(stan, dora, failed, mailoutbox):
    view = view_of(stan, reach="institution")
    for person in (stan, dora):
        due_of(view, person)
    call_command("send_digests")
    mails = {mail.to[0]: mail for mail in mailoutbox}
    program = Client(enforce_csrf_checks=True)  # without a session, a cookie or a form
    for _again in range(2):
        response = program.post(stop_link(mails[dora.email]), {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
        assert "You get no more mails about this view" in response.content.decode()
    assert list(Digest.objects.values_list("person__email", flat=True)) == [stan.email]


def test_a_link_that_is_only_opened_asks(stan, failed, mailoutbox):
    """Programs that look for dangerous links open each of them."""
    due_of(view_of(stan), stan)
    call_command("send_digests")
    client = Client()
    asked = client.get(stop_link(mailoutbox[0]))
    assert page(asked).one("h1").words == "No more mails about this view?"
    assert stan.email in page(asked).one("main").words
    assert Digest.objects.exists()
    client.post(stop_link(mailoutbox[0]))
    assert not Digest.objects.exists()
    assert "You get no more mails" in client.get(stop_link(mailoutbox[0])).content.decode()


@pytest.mark.parametrize("token", ["x", "WzEsMV0:abc", "a:b:c", "%00", "..", "💡"])
def test_a_link_that_is_none(client, stan, token):
    due_of(view_of(stan), stan)
    assert client.get(f"/digests/stop/{token}").status_code == 404
    assert client.post(f"/digests/stop/{token}").status_code == 404
    assert Digest.objects.exists()


def test_a_link_is_good_for_nothing_else(client, stan, dora, virginia):
    view = view_of(stan, reach="institution")
    mine, hers = due_of(view, stan), due_of(view, dora)
    swapped = digests.token_of(mine).split(":")[0] + ":" + digests.token_of(hers).split(":")[1]
    assert client.post(f"/digests/stop/{swapped}").status_code == 404
    assert Digest.objects.count() == 2


def test_dead_addresses_keep_nobody_waiting(stan, dora, failed, mailoutbox, monkeypatch):
    view = view_of(stan, reach="institution", query="status=Failed")
    for n in range(sending.PATIENCE + 1):
        due_of(view_of(stan, name=f"dead {n}"), stan)
    due_of(view, dora)
    delivered = sending.EmailMultiAlternatives.send

    def deliver(mail):
        if mail.to == [stan.email]:
            raise smtplib.SMTPRecipientsRefused({stan.email: (550, b"no such mailbox")})
        return delivered(mail)

    monkeypatch.setattr(sending.EmailMultiAlternatives, "send", deliver)
    sent = send_all(timezone.now())
    assert (sent.sent, sent.failed) == (1, sending.PATIENCE + 1)
    assert [mail.to for mail in mailoutbox] == [[dora.email]]


def test_what_has_changed_is_no_more_than_what_is_there(stan, failed, mailoutbox):
    later = timezone.now() + timedelta(minutes=-1)
    due_of(
        view_of(stan, query=f"updated_after={later:%Y-%m-%dT%H:%M:%SZ}&q=bag-0"),
        stan,
        since=timezone.now() - timedelta(days=60),
    )
    call_command("send_digests")
    assert "1 item changed since" in mailoutbox[0].body
