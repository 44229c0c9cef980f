"""“Notify me when it's done”: who can request it, what the email says, and that it is sent once."""

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from workitems import transitions
from workitems.models import Watch, WorkItem

from ..emails import send_due
from ..factories import make_item, service
from .page_elements import parse_page

pytestmark = pytest.mark.usefixtures("site")


def ask(client, item, wanted="true", **more):
    return client.post(f"/items/{item.pk}/watch", {"wanted": wanted, **more}, follow=True)


def waiting():
    return set(Watch.objects.values_list("item", "person__email"))


@pytest.mark.parametrize("name", ["dora", "stan", "ada"])
def test_users_can_watch_visible_items_and_stop(cast, signed_in, item, name):
    client, email = signed_in(cast[name]), cast[name].email
    assert "Notify me when it's done" in parse_page(client.get(f"/items/{item.pk}")).one("form", class_="watch").words
    for _again in range(2):
        said = ask(client, item)
        assert f"We'll notify you at {email} when it's done." in parse_page(said).one("body").words
        assert waiting() == {(item.pk, email)}
    assert "Stop notifying me" in parse_page(said).one("form", class_="watch").words
    ask(client, item, wanted="false")
    assert waiting() == set()


def test_other_users_cannot_watch(client, signed_in, olga, wally, item):
    assert ask(signed_in(olga), item).status_code == 404
    assert signed_in(wally).post(f"/items/{item.pk}/watch", {"wanted": "true"}).status_code in (302, 403)
    client.logout()
    assert client.post(f"/items/{item.pk}/watch", {"wanted": "true"}).status_code == 302
    assert waiting() == set()


def test_a_get_changes_nothing(signed_in, dora, item):
    assert signed_in(dora).get(f"/items/{item.pk}/watch").status_code == 302
    assert waiting() == set()


@pytest.mark.parametrize("wanted", ["", "yes", "\0", "1"])
def test_any_value_but_true_stops_watching(signed_in, dora, item, wanted):
    assert ask(signed_in(dora), item, wanted=wanted).status_code == 200
    assert waiting() == set()


def test_closed_items_cannot_be_watched(signed_in, dora, item):
    transitions.succeed(item, stage="Record", by=service())
    said = ask(signed_in(dora), item)
    assert "This item is already done" in said.content.decode()
    assert not parse_page(said).all("form", class_="watch")
    assert waiting() == set()


def test_watching_keeps_the_list(signed_in, dora, item):
    answer = signed_in(dora).post(f"/items/{item.pk}/watch", {"wanted": "true", "list": "stage=Receive"})
    assert answer["Location"] == f"/items/{item.pk}?list=stage%3DReceive"


@pytest.fixture
def watched(item, dora):
    Watch.objects.create(item=item, person=dora)
    return item


def test_nothing_is_sent_while_the_item_is_open(watched, mailoutbox):
    transitions.progress(watched, stage="Fetch", by=service())
    transitions.fail(watched, note="Later.", retry=True, by=service())
    call_command("send_mail_queue")
    assert mailoutbox == []
    assert waiting()


@pytest.mark.parametrize(
    ("end", "subject", "sentences"),
    [
        ("succeed", "Done: ", ["The bag is in preservation storage."]),
        ("fail", "Failed at Receive: ", ["Correct the bag as described in the note", "Bag is not valid: no Title."]),
        ("cancel", "Cancelled: ", ["The note says why", "At your request."]),
    ],
)
def test_the_email(watched, ada, dora, mailoutbox, end, subject, sentences, site):
    if end == "succeed":
        transitions.succeed(watched, stage="Record", by=service())
    elif end == "fail":
        transitions.fail(watched, note="Bag is not valid: no Title.", retry=False, by=service())
    else:
        transitions.cancel(watched, note="At your request.", by=ada)
    call_command("send_mail_queue")
    [mail] = mailoutbox
    assert (mail.to, mail.subject) == ([dora.email], f"{subject}{watched.name}")
    assert f"{site}/items/{watched.pk}" in mail.body
    for sentence in sentences:
        assert sentence in mail.body
    assert waiting() == set()
    call_command("send_mail_queue")
    assert len(mailoutbox) == 1


def test_names_cannot_break_headers(virginia, dora, mailoutbox):
    item = make_item(virginia, name="a\nBcc: b@example.org\r\n.tar")
    Watch.objects.create(item=item, person=dora)
    transitions.succeed(item, stage="Record", by=service())
    call_command("send_mail_queue")
    assert "\n" not in mailoutbox[0].subject
    assert mailoutbox[0].recipients() == [dora.email]


def test_users_who_lost_access_are_not_notified(watched, dora, jhu, mailoutbox, capsys):
    transitions.succeed(watched, stage="Record", by=service())
    dora.institution = jhu
    dora.save()
    call_command("send_mail_queue")
    assert mailoutbox == []
    assert waiting() == set()
    assert "nothing to send: 1" in capsys.readouterr().out


def test_deactivated_users_are_not_notified(watched, dora, mailoutbox):
    transitions.succeed(watched, stage="Record", by=service())
    dora.is_active = False
    dora.save()
    call_command("send_mail_queue")
    assert mailoutbox == []


def test_nothing_is_lost_while_the_mail_server_is_down(virginia, dora, mailoutbox, settings):
    for _ in range(8):
        item = make_item(virginia)
        Watch.objects.create(item=item, person=dora)
        transitions.succeed(item, stage="Record", by=service())
    working = settings.EMAIL_DELIVERY_BACKEND
    settings.EMAIL_DELIVERY_BACKEND = "pharos.email_queue.delivery.NoServer"
    with pytest.raises(CommandError, match="EMAIL_HOST isn't set"):
        call_command("send_mail_queue")
    assert (mailoutbox, waiting()) == ([], set())
    settings.EMAIL_DELIVERY_BACKEND = working
    call_command("send_mail_queue")
    assert len(mailoutbox) == 8


@pytest.mark.django_db(transaction=True)
def test_two_concurrent_runs_send_each_email_once(virginia, dora, stan, mailoutbox):
    for _ in range(10):
        item = make_item(virginia)
        for person in (dora, stan):
            Watch.objects.create(item=item, person=person)
        transitions.succeed(item, stage="Record", by=service())

    def run():
        send_due(timezone.now())
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [(mail.to[0], mail.subject) for mail in mailoutbox]
    assert len(told) == len(set(told)) == 20
    assert waiting() == set()


def test_without_site_url_nothing_is_sent(watched, settings, mailoutbox):
    settings.SITE_URL = ""
    transitions.succeed(watched, stage="Record", by=service())
    with pytest.raises(CommandError, match="SITE_URL"):
        call_command("send_mail_queue")
    assert mailoutbox == []
    assert WorkItem.objects.get(pk=watched.pk).watches.exists()


def test_a_name_adds_no_lines_to_the_email(dora, virginia, mailoutbox):
    item = make_item(virginia, name="bag\n\nAPTrust asks for your password\u202e.tar")
    Watch.objects.create(item=item, person=dora)
    transitions.succeed(item, stage="Record", by=service())
    send_due(timezone.now())
    [message] = mailoutbox
    lines = [line for line in message.body.splitlines() if "password" in line]
    assert lines == ["The Ingest of bag␊␊APTrust asks for your password[U+202E].tar has finished:"]
    assert "\u202e" not in message.body + message.subject


def test_the_email_links_the_upload_that_counts(dora, virginia, wally, mailoutbox):
    """Where the advice says to see another upload."""
    item = make_item(virginia, name="bag.tar", etag="a")
    Watch.objects.create(item=item, person=dora)
    other = make_item(virginia, name="bag.tar", etag="b")
    transitions.cancel(item, note="Replaced by a later upload.", by=wally)
    send_due(timezone.now())
    [message] = mailoutbox
    assert f"/items/{other.pk}\n" in message.body
