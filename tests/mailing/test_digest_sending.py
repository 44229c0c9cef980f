"""Sending digests: each exactly once, whatever goes wrong."""

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from pharos.accounts.models import User
from pharos.email_queue.models import QueuedEmail
from workitems.mailing import digests, queueing
from workitems.models import Digest, SavedView

from ..emails import send_due
from ..factories import make_item
from ..pages.saving_views import due_of, view_of

pytestmark = pytest.mark.usefixtures("site")


def test_nothing_is_lost_while_the_mail_server_is_down(stan, failures, mailoutbox, settings):
    for n in range(5):
        due_of(view_of(stan, name=str(n)), stan)
    working = settings.EMAIL_DELIVERY_BACKEND
    settings.EMAIL_DELIVERY_BACKEND = "pharos.email_queue.delivery.NoServer"
    for _run in range(2):
        with pytest.raises(CommandError, match="The mail server didn't accept email"):
            call_command("send_mail_queue")
    assert (Digest.objects.filter(next_at__lte=timezone.now()).count(), QueuedEmail.objects.waiting().count()) == (0, 5)
    settings.EMAIL_DELIVERY_BACKEND = working
    call_command("send_mail_queue")
    assert len(mailoutbox) == 5
    call_command("send_mail_queue")
    assert len(mailoutbox) == 5


def test_a_digest_that_cannot_be_rendered_does_not_block_others(stan, failures, mailoutbox, monkeypatch, caplog):
    broken, sound = (due_of(view_of(stan, name=name), stan) for name in ("broken", "sound"))
    written = digests.compose

    def letter(digest, now):
        if digest == broken:
            raise RuntimeError("the cause")
        return written(digest, now)

    monkeypatch.setattr(digests, "compose", letter)
    with pytest.raises(CommandError, match="1 couldn't be created"):
        call_command("send_mail_queue")
    assert [mail.subject for mail in mailoutbox] == ["sound: 2 items"]
    assert "the cause" in caplog.text
    assert not broken.has_begun
    monkeypatch.undo()
    call_command("send_mail_queue")
    assert [mail.subject for mail in mailoutbox] == ["sound: 2 items", "broken: 2 items"]
    assert sound.person == stan


def test_a_late_run_sends_nothing_twice(stan, failures, mailoutbox):
    """It has read the due digests before another run sent them."""
    due_of(view_of(stan), stan)
    now = timezone.now()
    [read_before] = digests.due(now)
    send_due(now)
    assert not digests.due_row(read_before, now).exists()
    assert len(mailoutbox) == 1


@pytest.fixture
def meanwhile(monkeypatch):
    """A function that runs something after the first email of a run is queued."""
    put = queueing.put

    def do(what):
        def put_and(email):
            monkeypatch.setattr(queueing, "put", put)
            put(email)
            what()

        monkeypatch.setattr(queueing, "put", put_and)

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
    assert (digest.every, digest.next_at.weekday()) == ("week", 0)


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
