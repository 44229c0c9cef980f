"""Subscribing to a saved view by email, and unsubscribing."""

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from workitems.mailing import digests
from workitems.models import Digest, SavedView

from .page_elements import parse_page
from .saving_views import due_of, view_of

pytestmark = pytest.mark.usefixtures("site")


def ask(client, view, every="day"):
    return client.post(f"/views/{view.pk}/digest", {"every": every})


# Asking for it


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_users_can_subscribe_to_visible_views(cast, signed_in, who):
    view = view_of(cast["ada"], reach="everybody")
    client = signed_in(cast[who])
    for every, label in (("day", "daily"), ("week", "weekly")):
        response = client.post(f"/views/{view.pk}/digest", {"every": every}, follow=True)
        assert ("daily at 7 a.m." if every == "day" else "every Monday at 7 a.m.") in response.content.decode()
        assert list(Digest.objects.values_list("person__email", "every")) == [(cast[who].email, every)]
        chosen = [one for one in parse_page(response).all("option", selected=True) if one.words]
        assert [one.words for one in chosen] == [label]
    ask(client, view, "")
    assert not Digest.objects.exists()


def test_other_users_and_invalid_values_are_refused(client, signed_in, stan, olga, dora):
    view = view_of(stan)
    assert ask(client, view).status_code == 302
    for person in (olga, dora):
        assert ask(signed_in(person), view).status_code == 404
    for every in ("hour", "\0", "DAY"):
        response = signed_in(stan).post(f"/views/{view.pk}/digest", {"every": every}, follow=True)
        assert "Choose how often to receive the email: daily, weekly, or never." in response.content.decode()
    assert signed_in(stan).get(f"/views/{view.pk}/digest").status_code == 302
    assert not Digest.objects.exists()


def test_changing_the_frequency_reschedules_the_digest(signed_in, stan):
    view = view_of(stan)
    former = due_of(view, stan, every="week")
    ask(signed_in(stan), view, "day")
    digest = Digest.objects.get()
    assert (digest.pk, digest.every) == (former.pk, "day")
    assert digest.next_at > timezone.now()


def test_the_same_subscription_again_changes_nothing(signed_in, stan, failures, mailoutbox):
    """It may be due right now and would be lost."""
    view = view_of(stan)
    due = due_of(view, stan)
    ask(signed_in(stan), view, "day")
    assert Digest.objects.get().next_at == due.next_at
    call_command("send_mail_queue")
    assert len(mailoutbox) == 1


def test_the_digest_is_deleted_with_its_view(signed_in, stan, dora):
    view = view_of(stan, reach="institution")
    for person in (stan, dora):
        ask(signed_in(person), view)
    signed_in(stan).post(f"/views/{view.pk}/delete")
    assert not Digest.objects.exists()
    assert not SavedView.objects.exists()


# No more of it


def stop_link(mail):
    return mail.extra_headers["List-Unsubscribe"].strip("<>")


def test_one_click_unsubscribe(stan, dora, failures, mailoutbox):
    view = view_of(stan, reach="institution")
    for person in (stan, dora):
        due_of(view, person)
    call_command("send_mail_queue")
    mails = {mail.to[0]: mail for mail in mailoutbox}
    program = Client(enforce_csrf_checks=True)  # without a session, a cookie or a form
    for _again in range(2):
        response = program.post(stop_link(mails[dora.email]), {"List-Unsubscribe": "One-Click"})
        assert response.status_code == 200
        assert "receive any more emails about this view" in response.content.decode()
    assert list(Digest.objects.values_list("person__email", flat=True)) == [stan.email]


def test_opening_the_link_asks_for_confirmation(stan, failures, mailoutbox):
    """Email scanners open every link."""
    due_of(view_of(stan), stan)
    call_command("send_mail_queue")
    client = Client()
    asked = client.get(stop_link(mailoutbox[0]))
    assert parse_page(asked).one("h1").words == "Unsubscribe from this view?"
    assert stan.email in parse_page(asked).one("main").words
    assert Digest.objects.exists()
    client.post(stop_link(mailoutbox[0]))
    assert not Digest.objects.exists()
    assert "receive any more emails" in client.get(stop_link(mailoutbox[0])).content.decode()


@pytest.mark.parametrize("token", ["x", "WzEsMV0:abc", "a:b:c", "%00", "..", "💡"])
def test_an_invalid_link(client, stan, token):
    due_of(view_of(stan), stan)
    assert client.get(f"/digests/stop/{token}").status_code == 404
    assert client.post(f"/digests/stop/{token}").status_code == 404
    assert Digest.objects.exists()


def test_the_link_only_unsubscribes(client, stan, dora, virginia):
    view = view_of(stan, reach="institution")
    mine, hers = due_of(view, stan), due_of(view, dora)
    swapped = digests.sign_token(mine).split(":")[0] + ":" + digests.sign_token(hers).split(":")[1]
    assert client.post(f"/digests/stop/{swapped}").status_code == 404
    assert Digest.objects.count() == 2
