"""Signing in and out, and passwords."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pharos.accounts.models import User
from pharos.accounts.roles import Role
from pharos.email_queue.models import QueuedEmail

from ..emails import sent
from ..pages.page_elements import parse_page

PASSWORD = "lighthouse-keeper"
NEW = "another-tower-on-the-shore"


def sign_in(client, email, password=PASSWORD, **more):
    return client.post(reverse("account_login"), {"login": email, "password": password, **more})


def is_signed_in(client):
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("spelling", ["dora@virginia.edu", "Dora@Virginia.EDU", "DORA@VIRGINIA.EDU"])
def test_sign_in_ignores_the_case_of_the_email(client, dora, spelling):
    response = sign_in(client, spelling)
    assert response.status_code == 302
    assert client.session["_auth_user_id"] == str(dora.pk)


def test_sign_in_continues_to_the_requested_page(client, dora):
    asked = client.get("/items/?status=Failed")
    assert asked["Location"] == "/accounts/login/?next=/items/%3Fstatus%3DFailed"
    response = sign_in(client, dora.email, next="/items/?status=Failed")
    assert response["Location"] == "/items/?status=Failed"


def test_sign_in_does_not_continue_to_another_site(client, dora):
    response = sign_in(client, dora.email, next="https://elsewhere.example/")
    assert "elsewhere" not in response["Location"]


@pytest.mark.parametrize(("email", "password"), [("dora@virginia.edu", "wrong"), ("nobody@virginia.edu", PASSWORD)])
def test_a_wrong_password_or_email_is_refused(client, dora, email, password):
    response = sign_in(client, email, password)
    assert response.status_code == 200
    assert not is_signed_in(client)
    said = parse_page(response).one(class_="problem")
    assert "The email or password is incorrect" in said.text
    assert "use the link below to set a new password" in said.text
    assert reverse("account_reset_password") in response.text


@pytest.mark.parametrize("who", ["stan", "olga", "ada"])
def test_people_of_every_role_sign_in(client, cast, who):
    sign_in(client, cast[who].email)
    assert client.get("/items/").status_code == 200


def test_a_service_account_cannot_sign_in(client, wally):
    sign_in(client, wally.email)
    assert not is_signed_in(client)


def test_a_deactivated_user_cannot_sign_in(client, dora):
    User.objects.filter(pk=dora.pk).update(is_active=False)
    sign_in(client, dora.email)
    assert not is_signed_in(client)


@pytest.mark.parametrize("debug", [True, False])
def test_the_demo_password_is_refused_in_production(client, dora, settings, debug):
    settings.DEBUG = debug
    dora.set_password(settings.DEMO_PASSWORD)
    dora.save()
    sign_in(client, dora.email, settings.DEMO_PASSWORD)
    assert is_signed_in(client) is debug


def test_signing_out_requires_a_post(signed_in, dora):
    client = signed_in(dora)
    client.get(reverse("account_logout"))
    assert is_signed_in(client)
    response = client.post(reverse("account_logout"))
    assert response["Location"] == reverse("account_login")
    assert not is_signed_in(client)


# Another password


def test_the_password_rules_are_listed(client, dora):
    sign_in(client, dora.email)
    told = parse_page(client.get(reverse("account_change_password"))).one("div", id="id_password1_helptext")
    assert "at least 10 characters" in told.words
    assert len(told.all("li")) == 4


def test_changing_the_password(client, dora):
    sign_in(client, dora.email)
    url = reverse("account_change_password")
    refused = client.post(url, {"oldpassword": "wrong", "password1": NEW, "password2": NEW})
    assert refused.status_code == 200
    assert "your current password. Check it and try again." in refused.text
    assert User.objects.get(pk=dora.pk).check_password(PASSWORD)
    for weak in ("short", "1234567890123", "password123", "dora@virginia.edu"):
        client.post(url, {"oldpassword": PASSWORD, "password1": weak, "password2": weak})
        assert User.objects.get(pk=dora.pk).check_password(PASSWORD), weak
    cache.clear()  # five tries in a minute are enough for anybody
    assert client.post(url, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}).status_code == 302
    assert User.objects.get(pk=dora.pk).check_password(NEW)
    client.post(reverse("account_logout"))
    sign_in(client, dora.email, NEW)
    assert is_signed_in(client)
    [message] = sent()
    assert_tells_of_a_change(message, dora)


def assert_tells_of_a_change(message, person):
    assert message.subject == "[Pharos] Your password was changed"
    assert message.to == [person.email]  # though nobody has ever told allauth's own list of addresses
    assert "of your Pharos account on testserver was changed on" in message.body
    assert "from the IP address 127.0.0.1." in message.body
    assert "help@aptrust.org" in message.body
    assert_reads_as_a_mail(message)


def assert_reads_as_a_mail(message):
    assert not message.alternatives
    assert not re.search(r"[{}<]|&\w+;|\n\n\n", message.body)
    assert "example.com" not in message.body


def link_in(message):
    return re.search(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", message.body)[1]


def ask_for_a_new_one(client, email):
    response = client.post(reverse("account_reset_password"), {"email": email})
    assert response["Location"] == reverse("account_reset_password_done")
    assert client.get(response["Location"]).status_code == 200


@pytest.mark.parametrize("spelling", ["dora@virginia.edu", "Dora@Virginia.EDU"])
def test_resetting_the_password_by_email(client, dora, spelling):
    ask_for_a_new_one(client, spelling)
    [message] = sent()
    assert [address.lower() for address in message.to] == [dora.email]
    assert message.subject == "[Pharos] Set your password"
    assert "Someone, most likely you, asked to set a new password" in message.body
    assert "help@aptrust.org" in message.body
    assert_reads_as_a_mail(message)
    link = link_in(message)
    page = client.get(link, follow=True)
    assert page.status_code == 200
    where = page.redirect_chain[-1][0]
    assert client.post(where, {"password1": NEW, "password2": NEW + "x"}).status_code == 200
    assert User.objects.get(pk=dora.pk).check_password(PASSWORD)
    response = client.post(where, {"password1": NEW, "password2": NEW})
    assert response["Location"] == reverse("account_reset_password_from_key_done")
    assert client.get(response["Location"]).status_code == 200
    assert_tells_of_a_change(sent()[1], dora)
    client.post(reverse("account_logout"))
    sign_in(client, dora.email, NEW)
    assert is_signed_in(client)
    client.post(reverse("account_logout"))
    again = client.get(link, follow=True)
    client.post(
        again.redirect_chain[-1][0] if again.redirect_chain else link, {"password1": "x" * 20, "password2": "x" * 20}
    )
    assert User.objects.get(pk=dora.pk).check_password(NEW)  # a link works once


def test_a_new_user_sets_the_first_password_by_email(client, virginia):
    new = User.objects.create_user("new@virginia.edu", role=Role.DEPOSITOR, institution=virginia)
    assert not new.has_usable_password()
    ask_for_a_new_one(client, new.email)
    where = client.get(link_in(sent()[0]), follow=True).redirect_chain[-1][0]
    client.post(where, {"password1": NEW, "password2": NEW})
    client.post(reverse("account_logout"))
    sign_in(client, new.email, NEW)
    assert is_signed_in(client)


@pytest.mark.parametrize("who", ["wally", "switched off", "unknown"])
def test_users_who_cannot_reset_a_password(client, cast, who):
    User.objects.filter(pk=cast["dora"].pk).update(is_active=False)
    email = {"wally": cast["wally"].email, "switched off": cast["dora"].email, "unknown": "nobody@virginia.edu"}[who]
    ask_for_a_new_one(client, email)  # and the page does not tell whether there is such a person
    assert sent() == []  # nobody is written to because a stranger typed the address


def test_a_former_email_cannot_reset_the_password(client, dora):
    EmailAddress.objects.create(user=dora, email="former@virginia.edu", verified=True, primary=True)
    ask_for_a_new_one(client, "former@virginia.edu")
    assert sent() == []
    ask_for_a_new_one(client, dora.email)
    assert "/password/reset/key/" in sent()[-1].body


# What is closed; test_sign_in_limits.py has the limits


@pytest.mark.parametrize(
    "name",
    ["account_signup", "account_email", "account_set_password", "account_email_verification_sent"],
)
def test_other_pages_of_allauth_are_closed(client, signed_in, ada, name):
    assert client.get(reverse(name)).status_code == 404
    assert client.post(reverse(name), {"email": "x@virginia.edu", "password1": NEW}).status_code == 404
    assert signed_in(ada).get(reverse(name)).status_code == 404


# While the mail server is away


@pytest.fixture
def mail_is_away(settings):
    settings.EMAIL_DELIVERY_BACKEND = "pharos.email_queue.delivery.NoServer"


def test_a_password_change_does_not_need_the_mail_server(client, dora, mail_is_away, settings):
    sign_in(client, dora.email)
    data = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert client.post(reverse("account_change_password"), data).status_code == 302
    assert is_signed_in(client)
    assert sent() == []
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert [message.to for message in sent()] == [[dora.email]]


def test_a_password_and_the_email_about_it_are_stored_together(client, dora, monkeypatch):
    sign_in(client, dora.email)

    def fail(rows):
        raise OperationalError("the disk is full")

    monkeypatch.setattr(QueuedEmail.objects, "bulk_create", fail)
    client.raise_request_exception = False
    data = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert client.post(reverse("account_change_password"), data).status_code == 503
    assert User.objects.get(pk=dora.pk).check_password(PASSWORD)
    monkeypatch.undo()
    assert client.post(reverse("account_change_password"), data).status_code == 302


@pytest.mark.parametrize("email", ["dora@virginia.edu", "wally@aptrust.org", "nobody@virginia.edu"])
def test_a_request_for_a_password_does_the_same_work_for_every_address(client, cast, email, mail_is_away):
    """So that neither the answer nor its time tells who has an account."""
    ask_for_a_new_one(client, "first@elsewhere.org")  # begins to count the requests of this client
    with CaptureQueriesContext(connection) as queries:
        ask_for_a_new_one(client, email)
    with CaptureQueriesContext(connection) as for_a_stranger:
        ask_for_a_new_one(client, "stranger@elsewhere.org")
    assert statements(queries) == statements(for_a_stranger)
    assert 'INSERT INTO "email_queue_queuedemail"' in statements(queries)


def statements(queries):
    """Returns the beginnings of the SQL, which have no values, without those that count the requests of a client."""
    texts = [re.sub(r"\d", "", query["sql"]) for query in queries]  # cursors are numbered
    return [" ".join(sql.split()[:3]) for sql in texts if "SAVEPOINT" not in sql and "pharos_cache" not in sql]
