"""Emails are sent right after the answer, by the process that queued them, and no answer waits for a mail server."""

import re
import socket
from contextlib import contextmanager

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection

from pharos.accounts.models import User
from pharos.email_queue.models import QueuedEmail

from ..separate_server import Browser
from ..serving import database_url, server
from ..throwaway_postgres import wait_until
from .smtp_server import Rules, smtp_server

pytestmark = pytest.mark.django_db(transaction=True)
OLD = "lighthouse-keeper"
NEW = "another-tower-on-the-shore"


@contextmanager
def serving(port):
    """The production server whose mail server listens on this port."""
    # The same secret key as here, so that sessions created by tests are valid there.
    settings = {
        "SECRET_KEY": django_settings.SECRET_KEY,
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(port),
        "EMAIL_USE_TLS": "false",
    }
    with server(database_url(connection.settings_dict), **settings) as running:
        yield running


@pytest.fixture
def session(signed_in, dora):
    """A session of Dora, whose password is stored as in production."""
    User.objects.filter(pk=dora.pk).update(password=PBKDF2PasswordHasher().encode(OLD, "salt"))
    dora.refresh_from_db()
    return signed_in(dora).cookies["pharos_session"].value


def ask_for_a_password(running, email):
    return Browser(running, "").post("/accounts/password/reset/", email=email)


def test_a_link_to_set_a_password_is_sent_without_a_command(dora):
    rules = Rules()
    with smtp_server(rules) as port, serving(port) as running:
        for number in range(3):
            answer = ask_for_a_password(running, dora.email)
            assert (answer.status, answer.headers["Location"]) == (302, "/accounts/password/reset/done/")
            assert rules.arrived.get(timeout=30) == dora.email
            assert len(rules.raw) == number + 1
        [link] = re.findall(r"/accounts/password/reset/key/\S+", rules.messages()[-1].get_content())
        wait_until(lambda: not QueuedEmail.objects.exists())
        assert "/password/reset/key/" not in running.log()
        assert Browser(running, "").get(link).status == 302  # to the form


def test_a_mail_server_that_hangs_delays_no_answer(dora, session):
    """It takes the connection and says nothing until the answers have come."""
    with socket.create_server(("127.0.0.1", 0)) as silent, serving(silent.getsockname()[1]) as running:
        reset = ask_for_a_password(running, dora.email)
        connected, _address = silent.accept()
        with connected:
            connected.setblocking(False)
            person = Browser(running, session)
            changed = person.post("/accounts/password/change/", oldpassword=OLD, password1=NEW, password2=NEW)
            unknown = ask_for_a_password(running, "nobody@virginia.edu")
            # It is still waiting for the mail server's first word: nothing was sent to it, nor was it left.
            with pytest.raises(BlockingIOError):
                connected.recv(1)
        silent.close()  # so that the server's end needn't wait for a time-out
    assert (reset.status, changed.status, unknown.status) == (302, 302, 302)
    assert (reset.headers["Location"], reset.content) == (unknown.headers["Location"], unknown.content)
    assert PBKDF2PasswordHasher().verify(NEW, User.objects.get(pk=dora.pk).password)
    assert {email.to for email in QueuedEmail.objects.waiting()} >= {dora.email}
