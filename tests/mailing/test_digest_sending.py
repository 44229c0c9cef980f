"""Sending digests: each exactly once, whatever goes wrong."""

import smtplib
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from pharos.accounts.models import User
from workitems.mailing import digests, outbox, send_due
from workitems.models import Digest, SavedView

from ..factories import make_item
from ..pages.saving_views import due_of, view_of

pytestmark = pytest.mark.usefixtures("site")


def test_nothing_is_lost_while_the_mail_server_is_down(stan, failures, mailoutbox, monkeypatch):
    for n in range(5):
        due_of(view_of(stan, name=str(n)), stan)

    def away(mail):
        raise smtplib.SMTPServerDisconnected("gone")

    with monkeypatch.context() as patch:
        patch.setattr(outbox.EmailMultiAlternatives, "send", away)
        with pytest.raises(CommandError, match="stopped trying"):
            call_command("send_digests")
    assert Digest.objects.filter(next_at__lte=timezone.now(), claimed_at=None).count() == 5
    call_command("send_digests")
    assert len(mailoutbox) == 5
    call_command("send_digests")
    assert len(mailoutbox) == 5


def test_a_stale_claim_of_a_crashed_run_is_sent_later(stan, failures, mailoutbox):
    due_of(view_of(stan), stan)
    now = timezone.now()
    Digest.objects.update(claimed_at=now)
    send_due(now + outbox.STALE_CLAIM_AGE - timedelta(seconds=1))
    assert mailoutbox == []
    send_due(now + outbox.STALE_CLAIM_AGE + timedelta(seconds=1))
    assert len(mailoutbox) == 1


def test_a_digest_that_cannot_be_rendered_does_not_block_others(stan, failures, mailoutbox, monkeypatch, caplog):
    broken, sound = (due_of(view_of(stan, name=name), stan) for name in ("broken", "sound"))
    written = digests.compose

    def letter(digest, now):
        if digest == broken:
            raise RuntimeError("the cause")
        return written(digest, now)

    monkeypatch.setattr(digests, "compose", letter)
    with pytest.raises(CommandError, match="1 couldn't be created"):
        call_command("send_digests")
    assert [mail.subject for mail in mailoutbox] == ["sound: 2 items"]
    assert "the cause" in caplog.text
    monkeypatch.undo()
    now = timezone.now()
    send_due(now)
    assert len(mailoutbox) == 1
    send_due(now + outbox.STALE_CLAIM_AGE + timedelta(seconds=1))
    # The sound one may be due again by then: it is by the clock.
    assert [mail.subject for mail in mailoutbox if "broken" in mail.subject] == ["broken: 2 items"]
    assert sound.person == stan


def test_claims_of_a_long_run_are_not_stale(stan, failures, monkeypatch):
    """A claim late in a run has that time, not the time when the run started."""
    first, second = (due_of(view_of(stan, name=name), stan) for name in ("first", "second"))
    begun = timezone.now()
    clock = iter([0.0, 1.0, 3600.0])
    monkeypatch.setattr(outbox, "monotonic", lambda: next(clock))
    taken = []

    def letter(digest, now):
        digest.refresh_from_db()
        taken.append((digest, digest.claimed_at))

    monkeypatch.setattr(digests, "compose", letter)
    outbox.deliver(
        digests.due(begun),
        lambda one: digests.claimable_row(one, begun),
        lambda one: letter(one, begun),
        lambda one: None,
        begun,
        outbox.SendSummary(),
    )
    assert taken == [(first, begun + timedelta(seconds=1)), (second, begun + timedelta(hours=1))]


def test_a_late_run_sends_nothing_twice(stan, failures, mailoutbox):
    """It has read the due digests before another run sent them."""
    due_of(view_of(stan), stan)
    now = timezone.now()
    [read_before] = digests.due(now)
    send_due(now)
    assert not outbox.claim(digests.claimable_row(read_before, now), now)
    assert len(mailoutbox) == 1


@pytest.fixture
def meanwhile(monkeypatch):
    """A function that runs something while the first email of a run is sent."""
    deliver = outbox.EmailMultiAlternatives.send

    def do(what):
        def send(mail):
            monkeypatch.setattr(outbox.EmailMultiAlternatives, "send", deliver)
            what()
            return deliver(mail)

        monkeypatch.setattr(outbox.EmailMultiAlternatives, "send", send)

    return do


def test_a_user_who_changes_institution_during_a_run_sees_nothing_forbidden(
    stan, dora, ada, jhu, failures, mailoutbox, meanwhile
):
    due_of(view_of(stan), stan)
    due_of(view_of(ada, reach="everybody"), dora)
    due_of(view_of(ada, name="Institution's", query="", reach="institution"), ada)
    changed = view_of(stan, name="Before", query="status=Failed")
    due_of(changed, stan)

    def move():
        User.objects.filter(pk=dora.pk).update(institution=jhu)
        SavedView.objects.filter(pk=changed.pk).update(name="After", query="status=Failed&name=bag-0.tar")

    meanwhile(move)
    send_due(timezone.now())
    told = {(mail.to[0], mail.subject): mail.body for mail in mailoutbox}
    assert "bag-0.tar" not in told[dora.email, "Failures: 1 item"]
    assert (stan.email, "After: 1 item") in told


def test_a_frequency_chosen_during_a_run_is_kept(stan, failures, mailoutbox, meanwhile):
    view = view_of(stan)
    due_of(view, stan)
    meanwhile(lambda: digests.subscribe(view, stan, "week", timezone.now()))
    send_due(timezone.now())
    digest = Digest.objects.get()
    assert (digest.every, digest.next_at.weekday(), digest.claimed_at) == ("week", 0, None)


def test_a_digest_stopped_during_a_run_is_not_sent(stan, failures, mailoutbox, meanwhile):
    for name in ("one", "two"):
        due_of(view_of(stan, name=name), stan)
    meanwhile(lambda: Digest.objects.filter(view__name="two").delete())
    send_due(timezone.now())
    assert [mail.subject for mail in mailoutbox] == ["one: 2 items"]


@pytest.mark.django_db(transaction=True)
def test_three_concurrent_runs_send_each_digest_once(virginia, stan, dora, mailoutbox):
    make_item(virginia)
    for n in range(8):
        view = view_of(stan, name=str(n), query="stage=Receive", reach="institution")
        for person in (stan, dora):
            due_of(view, person)

    def run():
        send_due(timezone.now())
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = [(mail.to[0], mail.subject) for mail in mailoutbox]
    assert len(told) == len(set(told)) == 16


def test_refused_addresses_do_not_block_others(stan, dora, failures, mailoutbox, monkeypatch):
    view = view_of(stan, reach="institution", query="status=Failed")
    for n in range(outbox.MAX_FAILURES_IN_A_ROW + 1):
        due_of(view_of(stan, name=f"dead {n}"), stan)
    due_of(view, dora)
    delivered = outbox.EmailMultiAlternatives.send

    def deliver(mail):
        if mail.to == [stan.email]:
            raise smtplib.SMTPRecipientsRefused({stan.email: (550, b"no such mailbox")})
        return delivered(mail)

    monkeypatch.setattr(outbox.EmailMultiAlternatives, "send", deliver)
    sent = send_due(timezone.now())
    assert (sent.sent, sent.failed) == (1, outbox.MAX_FAILURES_IN_A_ROW + 1)
    assert [mail.to for mail in mailoutbox] == [[dora.email]]
