"""What browsers are told to refuse and to forget, and cookies that only this host can set."""

import os
import subprocess
import sys

import pytest
from django.conf import settings as project
from django.core import signing
from django.urls import reverse

from pharos import settings as product

from ..emails import sent
from .test_login import ask_for_a_new_one, link_in

ANOTHER_KEY = "another-secret-key-of-the-required-length-0123456789"


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_signing_out_clears_what_the_browser_has_stored(client, cast, who):
    client.force_login(cast[who])
    response = client.post(reverse("account_logout"), secure=True)
    assert response["Clear-Site-Data"] == '"cache", "storage"'
    assert "_auth_user_id" not in client.session


def test_nothing_is_cleared_before_that_or_without_https(client, dora):
    client.force_login(dora)
    for response in (
        client.get("/items/", secure=True),
        client.get(reverse("account_logout"), secure=True),
        client.post(reverse("account_logout")),
    ):
        assert not response.has_header("Clear-Site-Data")


@pytest.mark.parametrize("who", ["nobody", "dora", "ada"])
def test_pages_can_use_only_what_they_need(client, cast, who):
    if who in cast:
        client.force_login(cast[who])
    for url in ("/items/", "/accounts/login/", "/nowhere", "/admin/"):
        policy = dict(part.split("=") for part in client.get(url)["Permissions-Policy"].split(", "))
        assert {name for name, origins in policy.items() if origins != "()"} == {
            "clipboard-write",
            "publickey-credentials-create",
            "publickey-credentials-get",
        }
        assert {"camera", "geolocation", "microphone", "payment", "usb"} <= set(policy)


def names_with(https):
    """Returns the names of the cookies, as a process with this setting reads them."""
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        "from pharos.accounts import known_browsers\n"
        "from pharos.replicas import reading\n"
        "print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, known_browsers.COOKIE, reading.COOKIE)"
    )
    knobs = {
        "DEBUG": "true",
        "HTTPS": https,
        "DJANGO_SETTINGS_MODULE": "pharos.settings",
        "DATABASE_URL": "sqlite:////no",
    }
    environment = {"PATH": os.environ["PATH"], **knobs}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=project.BASE_DIR, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


def test_cookies_can_be_set_only_by_this_host_if_https_is_on():
    names = ["pharos_session", "csrftoken", "pharos_known", "pharos_written"]
    assert names_with("true") == [f"__Host-{name}" for name in names]
    assert names_with("false") == names


def test_what_the_prefix_requires_of_cookies():
    """Browsers drop such a cookie if it has a domain or another path."""
    for kind in ("SESSION", "CSRF"):
        assert getattr(project, f"{kind}_COOKIE_DOMAIN") is None
        assert getattr(project, f"{kind}_COOKIE_PATH") == "/"
    assert not hasattr(product, "SESSION_COOKIE_DOMAIN")


# Another secret key


@pytest.fixture
def new_key(settings):
    """A function that changes the secret key, and keeps the old one as a fallback or not."""

    def change(*, keep):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY] if keep else []
        settings.SECRET_KEY = ANOTHER_KEY

    return change


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("who", ["dora", "ada"])
def test_sessions_survive_a_new_secret_key(client, cast, new_key, keep, who):
    client.force_login(cast[who])
    new_key(keep=keep)
    assert (client.get("/items/").status_code == 200) is keep
    assert ("_auth_user_id" in client.session) is keep


@pytest.mark.parametrize("keep", [True, False])
def test_links_for_a_new_password_survive_a_new_secret_key(client, dora, new_key, keep):
    ask_for_a_new_one(client, dora.email)
    link = link_in(sent()[0])
    new_key(keep=keep)
    assert ("This link no longer works" not in client.get(link, follow=True).text) is keep


@pytest.mark.parametrize("keep", [True, False])
def test_signed_texts_survive_a_new_secret_key(new_key, keep):
    """As in links that stop a digest."""
    token = signing.Signer(salt="any").sign_object([1, 2])
    new_key(keep=keep)
    if keep:
        assert signing.Signer(salt="any").unsign_object(token) == [1, 2]
    else:
        with pytest.raises(signing.BadSignature):
            signing.Signer(salt="any").unsign_object(token)
