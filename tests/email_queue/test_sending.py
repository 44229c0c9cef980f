"""What becomes of queued emails, with a real mail server that takes them, refuses them, or isn't there."""

import re
import threading
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mail
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from pharos.email_queue.models import STALE_CLAIM_AGE, QueuedEmail
from pharos.email_queue.sending import KEPT_FOR, MAX_AGE, RETRY_AFTER, send_queued

pytestmark = pytest.mark.django_db
NO_MAILBOX = "550 5.1.1 no such mailbox"
SPAM = "554 5.7.1 this looks like spam"
BUSY = "451 4.3.0 try again later"


def queue(*addresses):
    for address in addresses:
        EmailMessage(f"To {address}", "Hello", to=[address]).send()


def send(after=timedelta()):
    return send_queued(timezone.now() + after)


def waiting():
    return [email.to for email in QueuedEmail.objects.waiting().order_by("pk")]


def given_up():
    return {email.to: email.last_error for email in QueuedEmail.objects.given_up()}


def test_emails_are_sent_in_order_by_one_connection_and_leave_nothing_behind(mail_server):
    queue("a@x.org", "b@x.org", "c@x.org")
    result = send()
    assert (result.sent, result.given_up, result.stopped) == (3, [], "")
    assert (mail_server.taken, mail_server.connections) == (["a@x.org", "b@x.org", "c@x.org"], 1)
    assert not QueuedEmail.objects.exists()


@pytest.mark.parametrize("stage", ["at_rcpt", "at_data"])
def test_a_refusal_for_good_belongs_to_one_email(mail_server, stage):
    """However many of them there are: four in a row don't end the run."""
    reply = {"at_rcpt": NO_MAILBOX, "at_data": SPAM}[stage]
    bad = [f"bad{number}@x.org" for number in range(4)]
    getattr(mail_server, stage).update(dict.fromkeys(bad, reply))
    queue("first@x.org", *bad, "last@x.org")
    result = send()
    assert (result.sent, len(result.given_up), result.stopped) == (2, 4, "")
    assert mail_server.taken == ["first@x.org", "last@x.org"]
    assert given_up() == dict.fromkeys(bad, reply)
    assert {(email.text, email.html) for email in QueuedEmail.objects.given_up()} == {("", "")}
    send(timedelta(days=1))
    assert {mail_server.asked[address] for address in bad} == {1}


@pytest.mark.parametrize("stage", ["at_rcpt", "at_data"])
def test_a_server_that_takes_nothing_now_ends_the_run_and_others_go_first_next_time(mail_server, stage):
    getattr(mail_server, stage)["busy@x.org"] = BUSY
    queue("busy@x.org", "next@x.org")
    result = send()
    assert (result.sent, result.stopped, mail_server.taken) == (0, BUSY, [])
    assert waiting() == ["busy@x.org", "next@x.org"]
    assert send().sent == 1
    assert (mail_server.taken, mail_server.asked["busy@x.org"]) == (["next@x.org"], 1)
    getattr(mail_server, stage).clear()
    assert send(RETRY_AFTER[0] + timedelta(seconds=1)).sent == 1
    assert waiting() == []


def test_each_further_attempt_comes_later(mail_server):
    mail_server.at_rcpt["busy@x.org"] = BUSY
    queue("busy@x.org")
    now, times = timezone.now(), []
    for _attempt in range(6):
        send_queued(now)
        times.append(round((QueuedEmail.objects.get().next_attempt_at - now).total_seconds() / 60))
        now = QueuedEmail.objects.get().next_attempt_at
    assert times == [1, 5, 15, 60, 60, 60]
    assert QueuedEmail.objects.get().attempts == 6


def test_a_server_that_is_away_is_asked_once_per_run_and_blames_no_email(settings):
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    queue("a@x.org", "b@x.org")
    for _run in range(3):
        assert "refused" in send().stopped
    assert waiting() == ["a@x.org", "b@x.org"]
    assert [(email.attempts, email.claimed_at) for email in QueuedEmail.objects.all()] == [(0, None)] * 2


def test_after_four_days_an_email_is_given_up(settings):
    settings.EMAIL_DELIVERY_BACKEND = "pharos.email_queue.delivery.NoServer"
    queue("a@x.org")
    send(MAX_AGE - timedelta(minutes=1))
    assert (waiting(), given_up()) == (["a@x.org"], {})
    send(MAX_AGE + timedelta(minutes=1))
    assert (waiting(), given_up()) == ([], {"a@x.org": "EMAIL_HOST isn't set."})
    send(MAX_AGE + KEPT_FOR + timedelta(hours=1))
    assert not QueuedEmail.objects.exists()


def test_a_server_that_limits_emails_per_connection_gets_new_connections(mail_server):
    mail_server.most = 2
    addresses = [f"{number}@x.org" for number in range(5)]
    queue(*addresses)
    assert send().sent == 5
    assert (mail_server.taken, mail_server.connections) == (addresses, 3)


def test_each_recipient_is_refused_or_taken_alone_and_all_are_named(mail_server):
    mail_server.at_rcpt["gone@x.org"] = NO_MAILBOX
    EmailMessage("Both", "Hello", to=["gone@x.org", "here@x.org"]).send()
    assert (send().sent, mail_server.taken) == (1, ["here@x.org"])
    assert mail_server.messages()[0]["To"] == "gone@x.org, here@x.org"
    assert given_up() == {"gone@x.org": NO_MAILBOX}


def test_nobody_is_written_to_in_a_domain_that_cannot_exist(mail_server):
    queue("nobody@example.invalid")
    assert (send().sent, mail_server.connections) == (0, 0)
    assert not QueuedEmail.objects.exists()


def test_a_stale_claim_of_a_crashed_run_is_sent_later(mail_server):
    queue("a@x.org")
    now = timezone.now()
    QueuedEmail.objects.update(claimed_at=now)
    assert send_queued(now + STALE_CLAIM_AGE - timedelta(seconds=1)).sent == 0
    assert send_queued(now + STALE_CLAIM_AGE + timedelta(seconds=1)).sent == 1


@pytest.mark.django_db(transaction=True)
def test_three_concurrent_runs_send_each_email_once(mail_server):
    addresses = [f"{number}@x.org" for number in range(24)]
    queue(*addresses)

    def run():
        send()
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(mail_server.taken) == sorted(addresses)


def test_the_raw_bytes_of_an_email(mail_server, settings):
    settings.SITE_URL = "https://pharos.example.org"
    # Too long to fit into a line, without a space where a line can be broken.
    address = f"https://pharos.example.org/digests/stop/{'x' * 300}"
    headers = {"List-Unsubscribe": f"<{address}>", "List-Id": "<digests.pharos.example.org>"}
    email = EmailMultiAlternatives("Größe", "Grüße", "Pharos <pharos@example.org>", ["a@x.org"], headers=headers)
    email.attach_alternative("<p>Grüße</p>", "text/html")
    email.send()
    [queued] = QueuedEmail.objects.all()
    send()
    [(_address, raw)] = mail_server.raw
    # A header may be folded where it has a space, and only there.
    unfolded = re.sub(rb"\r\n +", b" ", raw.partition(b"\r\n\r\n")[0])
    head = [re.sub(rb": +", b": ", line, count=1) for line in unfolded.split(b"\r\n")]
    assert f"List-Unsubscribe: <{address}>".encode() in head
    assert b"List-Id: <digests.pharos.example.org>" in head
    assert b"Auto-Submitted: auto-generated" in head
    assert f"Message-ID: {queued.headers['Message-ID']}".encode() in head
    assert queued.headers["Message-ID"].endswith("@pharos.example.org>")
    [message] = mail_server.messages()
    assert (message["Subject"], message["From"], message["To"]) == ("Größe", "Pharos <pharos@example.org>", "a@x.org")
    assert message.get_body(["plain"]).get_content().strip() == "Grüße"
    assert message.get_body(["html"]).get_content().strip() == "<p>Grüße</p>"


def test_a_second_attempt_has_the_same_message_id(mail_server):
    queue("a@x.org")
    mail_server.at_data["a@x.org"] = BUSY
    known = QueuedEmail.objects.get().headers["Message-ID"]
    send()
    mail_server.at_data.clear()
    send(timedelta(hours=1))
    assert mail_server.messages()[0]["Message-ID"] == known


def test_the_command_says_what_was_given_up_and_what_waits(mail_server, settings, capsys):
    settings.SITE_URL = "https://pharos.example.org"
    mail_server.at_rcpt["gone@x.org"] = NO_MAILBOX
    queue("gone@x.org", "here@x.org")
    call_command("send_mail_queue")
    said = capsys.readouterr().out
    assert "Sent: 1; nothing to send: 0; given up: 1; waiting: 0." in said
    assert f"Given up, to gone@x.org, “To gone@x.org”: {NO_MAILBOX}" in said
    mail_server.at_rcpt["busy@x.org"] = BUSY
    queue("busy@x.org")
    with pytest.raises(CommandError, match="451"):
        call_command("send_mail_queue")
    assert "Sent: 0; nothing to send: 0; given up: 0; waiting: 1." in capsys.readouterr().out


def test_attachments_and_line_breaks_in_headers_are_refused():
    email = EmailMessage("Report", "Hello", to=["a@x.org"])
    email.attach("report.csv", "1,2", "text/csv")
    with pytest.raises(ValueError, match="attachments"):
        email.send()
    with pytest.raises(ValueError, match="newlines"):
        send_mail("Hello\nBcc: b@x.org", "Hello", None, ["a@x.org"])
    assert not QueuedEmail.objects.exists()
