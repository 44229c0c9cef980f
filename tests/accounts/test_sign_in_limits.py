"""Who is locked out after wrong passwords: those who try, not the person they try for."""

import contextlib
import re

import pytest
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from pharos import settings as product
from pharos.accounts.known_browsers import COOKIE, LIFETIME
from pharos.accounts.models import User

from ..emails import sent
from ..pages.page_elements import find_form, parse_page, problems
from .clock import clock  # noqa: F401  a fixture
from .test_login import NEW, PASSWORD, ask_for_a_new_one, is_signed_in, link_in

HOME, OFFICE, ELSEWHERE = "192.0.2.10", "192.0.2.20", "203.0.113.7"


@pytest.fixture(autouse=True)
def _no_counts_yet(db):
    """Clears what tests with a real server have left: the cache isn't the table of a model."""
    cache.clear()


def attempt(client, email, password=PASSWORD, *, at=HOME, **more):
    data = {"login": email, "password": password, **more}
    return client.post(reverse("account_login"), data, REMOTE_ADDR=at)


def signs_in(client, email, *, at=HOME):
    response = attempt(client, email, at=at)
    return response.status_code == 302 and is_signed_in(client)


def attack(email, times, *, at=ELSEWHERE):
    """Tries wrong passwords, each time with a fresh browser."""
    return [attempt(Client(), email, "wrong", at=at).status_code for _ in range(times)]


def attack_from_everywhere(email, times, *, network="198.51.100"):
    """Tries wrong passwords, five from each address."""
    for number in range(times):
        assert attack(email, 1, at=f"{network}.{number // 5}") == [200]


def known_browser_of(person, *, at=HOME):
    """A browser that the person has signed in with, and has signed out again."""
    client = Client()
    assert signs_in(client, person.email, at=at)
    client.post(reverse("account_logout"))
    return client


# Who is locked out


def test_the_sixth_failure_from_an_address_is_refused_and_so_is_the_right_password(client, dora):
    assert attack(dora.email, 7) == [200] * 5 + [429] * 2
    assert not signs_in(client, dora.email, at=ELSEWHERE)


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_a_person_at_another_address_is_not_locked_out(cast, client, who):
    attack(cast[who].email, 7)
    assert signs_in(client, cast[who].email, at=HOME)


def test_other_people_at_the_same_address_are_not_locked_out(client, dora, stan):
    attack(dora.email, 7, at=HOME)
    assert signs_in(client, stan.email, at=HOME)


def test_a_spread_attack_is_limited(client, dora, stan):
    attack_from_everywhere(dora.email, 50)
    assert attack(dora.email, 1, at=OFFICE) == [429]
    assert not signs_in(client, dora.email, at=HOME)
    assert signs_in(client, stan.email, at=HOME)


def test_many_people_tried_from_one_address_are_limited(client, dora):
    tried = [attempt(client, f"{number}@virginia.edu", "wrong", at=ELSEWHERE).status_code for number in range(11)]
    assert tried == [200] * 10 + [429]
    assert "Too many attempts from your network." in problems(attempt(client, dora.email, at=ELSEWHERE))[0]
    assert signs_in(client, dora.email, at=HOME)


def test_all_attempts_of_an_address_are_limited(client, dora, settings):
    settings.ACCOUNT_RATE_LIMITS = product.ACCOUNT_RATE_LIMITS | {"sign_in": "3/m/ip"}
    assert [attempt(Client(), dora.email).status_code for _ in range(4)] == [302, 302, 302, 429]
    assert signs_in(client, dora.email, at=OFFICE)


def test_signing_in_is_no_failure(client, dora):
    for _ in range(8):
        assert signs_in(Client(), dora.email)
    assert attack(dora.email, 4, at=HOME) == [200] * 4
    assert signs_in(client, dora.email)
    assert attack(dora.email, 2, at=HOME) == [200, 429]  # signing in does not take earlier failures back


@pytest.mark.parametrize(("proxies", "counted"), [(0, [200] * 5 + [429]), (1, [200] * 6)])
def test_the_address_is_that_of_the_client_behind_the_trusted_proxies(client, dora, settings, proxies, counted):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    answers = [
        client.post(
            reverse("account_login"),
            {"login": dora.email, "password": "wrong"},
            headers={"X-Forwarded-For": f"203.0.113.99, 192.0.2.{number}"},
        ).status_code
        for number in range(6)
    ]
    assert answers == counted


def test_a_forged_address_does_not_help(client, dora, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    answers = [
        client.post(
            reverse("account_login"),
            {"login": dora.email, "password": "wrong"},
            headers={"X-Forwarded-For": f"192.0.2.{number}, {ELSEWHERE}"},
        ).status_code
        for number in range(6)
    ]
    assert answers == [200] * 5 + [429]


def test_the_limits_of_an_installation():
    limits = {name: rate for name, rate in product.ACCOUNT_RATE_LIMITS.items() if rate}
    assert limits == {
        "sign_in": "30/m/ip",
        "sign_in_failed": "10/m/ip",
        "sign_in_failed_at_place": "5/5m/key",
        "sign_in_failed_in_total": "50/h/key",
    }


# Known browsers


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_a_known_browser_passes_the_total_and_the_failures_at_its_address(cast, who):
    known = known_browser_of(cast[who])
    attack_from_everywhere(cast[who].email, 50)
    attack(cast[who].email, 7, at=HOME)
    assert not signs_in(Client(), cast[who].email, at=OFFICE)
    for at in (HOME, OFFICE):
        assert signs_in(known, cast[who].email, at=at)


def test_a_known_browser_has_a_limit_of_its_own(dora):
    known = known_browser_of(dora)
    tries = [attempt(known, dora.email, "wrong", at=f"192.0.2.{number}").status_code for number in range(6)]
    assert tries == [200] * 5 + [429]
    assert signs_in(Client(), dora.email)


def test_a_browser_is_known_only_to_those_who_have_signed_in_with_it(dora, stan, olga):
    shared = known_browser_of(dora)
    assert signs_in(shared, stan.email)
    shared.post(reverse("account_logout"))
    for number, person in enumerate((dora, stan, olga)):
        attack_from_everywhere(person.email, 50, network=f"198.51.{number}")
    for person, is_known in ((dora, True), (stan, True), (olga, False)):
        assert signs_in(shared, person.email, at=OFFICE) is is_known
        shared.post(reverse("account_logout"))


def test_the_cookie_is_signed_long_lived_and_out_of_reach_of_scripts(client, dora):
    attempt(client, dora.email)
    cookie = client.cookies[COOKIE]
    assert (cookie["max-age"], cookie["httponly"], cookie["samesite"], cookie["path"]) == (LIFETIME, True, "Lax", "/")
    assert LIFETIME == 400 * 86_400
    assert dora.email not in cookie.value
    assert str(User.objects.get(pk=dora.pk).password) not in cookie.value


@pytest.mark.parametrize("forged", ["", "x", "a b", "a b:c:d", "é", "\x00", "x" * 4000])
def test_a_forged_cookie_is_worth_nothing(dora, forged):
    attack_from_everywhere(dora.email, 50)
    client = Client()
    client.cookies[COOKIE] = forged
    assert not signs_in(client, dora.email, at=OFFICE)


def test_a_changed_cookie_is_worth_nothing(dora, stan):
    known = known_browser_of(stan)
    browser, proof = known.cookies[COOKIE].value.strip('"').split(" ")[:2]
    known.cookies[COOKIE] = f"{browser}x {proof}"
    attack_from_everywhere(stan.email, 50)
    assert not signs_in(known, stan.email, at=OFFICE)


def change_password(client, person):
    assert signs_in(client, person.email)
    data = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert client.post(reverse("account_change_password"), data, REMOTE_ADDR=HOME).status_code == 302
    client.post(reverse("account_logout"))


def test_a_new_password_makes_other_browsers_unknown(dora):
    mine, other = known_browser_of(dora), known_browser_of(dora)
    change_password(mine, dora)
    attack_from_everywhere(dora.email, 50)
    assert attempt(other, dora.email, NEW, at=OFFICE).status_code == 429
    assert attempt(mine, dora.email, NEW, at=OFFICE).status_code == 302


def test_a_new_password_by_email_makes_the_browser_known(client, dora):
    """Whoever is locked out has a way in that nobody else can close."""
    attack_from_everywhere(dora.email, 50)
    ask_for_a_new_one(client, dora.email)
    where = client.get(link_in(sent()[0]), follow=True).redirect_chain[-1][0]
    client.post(where, {"password1": NEW, "password2": NEW})
    assert attempt(client, dora.email, NEW, at=OFFICE).status_code == 302


def test_a_browser_stays_known_when_the_secret_key_changes(dora, settings):
    known = known_browser_of(dora)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 8, [settings.SECRET_KEY]
    attack_from_everywhere(dora.email, 50)
    assert signs_in(known, dora.email, at=OFFICE)
    settings.SECRET_KEY_FALLBACKS = []  # it was signed again when the person signed in
    known.post(reverse("account_logout"))
    assert signs_in(known, dora.email, at=OFFICE)


# What is said


def test_the_page_says_why_until_when_and_keeps_what_was_typed(client, dora, clock):  # noqa: F811
    attack(dora.email, 5, at=HOME)
    clock(minutes=1, seconds=30)
    response = attempt(client, dora.email, next="/items/?q=tar")
    assert response.status_code == 429
    until = clock(minutes=5)
    [said] = problems(response)
    shown = re.fullmatch(
        r"Too many failed attempts with this email\. Try again in 4 minutes \((\d\d):(\d\d) UTC\), or set a new password by "
        r"email\.",
        said,
    )
    late = (int(shown[1]) * 60 + int(shown[2])) - (until.hour * 60 + until.minute)
    assert late % (24 * 60) in (0, 1)  # rounded up, never too early
    fields = find_form(response).fields()
    assert (fields["login"], fields["next"]) == (dora.email, "/items/?q=tar")
    assert parse_page(response).one("main").all("a", href=reverse("account_reset_password"))
    assert response["Retry-After"].endswith(f"{until:%H:%M:%S} GMT")


def test_it_is_over_when_the_page_said(client, dora, clock):  # noqa: F811
    attack(dora.email, 5, at=HOME)
    clock(minutes=4, seconds=59)
    assert not signs_in(client, dora.email)
    clock(minutes=5, seconds=1)
    assert signs_in(client, dora.email)


def test_waiting_helps_even_those_who_cannot_wait(client, dora, clock):  # noqa: F811
    """Attempts during the lock don't renew it."""
    attack(dora.email, 5, at=HOME)
    clock(minutes=4)
    attack(dora.email, 9, at=HOME)
    clock(minutes=5, seconds=1)
    assert signs_in(client, dora.email)


def test_a_spread_attack_is_explained_to_the_person(client, dora):
    attack_from_everywhere(dora.email, 50)
    [said] = problems(attempt(client, dora.email))
    assert "Someone keeps trying wrong passwords for this email." in said
    assert "only browsers that have signed in with it before" in said
    assert re.search(r"Try again in (59|60) minutes \(\d\d:\d\d UTC\), or set a new password by email\.", said)


def test_an_attempt_that_cannot_be_counted_is_refused(client, dora, monkeypatch):
    """As while the database takes no changes."""
    monkeypatch.setattr(ratelimit, "cache_lock", lambda key: contextlib.nullcontext(False))
    response = attempt(client, dora.email)
    assert response.status_code == 429
    assert problems(response)[0].startswith("Signing in isn't possible right now. Try again in 1 minute (")
    assert not is_signed_in(client)


def test_one_minute_is_said_as_one(client, dora, clock):  # noqa: F811
    attack(dora.email, 5, at=HOME)
    clock(minutes=4, seconds=30)
    assert "Try again in 1 minute (" in problems(attempt(client, dora.email))[0]


@pytest.mark.parametrize("email", ["dora@virginia.edu", "wally@aptrust.org", "nobody@virginia.edu"])
@pytest.mark.parametrize("failures", [0, 5])
def test_neither_the_answer_nor_the_work_tells_who_has_an_account(cast, email, failures):
    stranger = "someone@elsewhere.org"
    for one in (email, stranger):
        attack(one, failures)
    known = known_browser_of(cast["stan"], at=OFFICE)  # so that a cookie is looked up
    answers, work = [], []
    for one in (email, stranger):
        with CaptureQueriesContext(connection) as queries:
            response = attempt(known, one, "wrong", at=ELSEWHERE if failures else OFFICE)
        answers.append((response.status_code, [re.sub(r"\d+", "", said) for said in problems(response)]))
        work.append(sorted(" ".join(query["sql"].split()[:3]) for query in queries if "SAVEPOINT" not in query["sql"]))
    assert answers[0] == answers[1]
    assert answers[0][0] == (429 if failures else 200)
    assert work[0] == work[1]


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_a_locked_attempt_looks_at_no_password(client, dora, password, monkeypatch):
    """So the answer doesn't tell whether it was the right one."""
    attack(dora.email, 5, at=HOME)
    asked = []
    monkeypatch.setattr(User, "check_password", lambda user, raw: asked.append(raw))
    assert attempt(client, dora.email, password).status_code == 429
    assert asked == []


def test_confirming_the_password_is_limited_too(client, dora):
    assert signs_in(client, dora.email)
    url = reverse("account_reauthenticate")
    tries = [client.post(url, {"password": "wrong"}, REMOTE_ADDR=HOME) for _ in range(6)]
    assert "your password. Check it and try again." in tries[4].text
    assert "Too many failed attempts with this email." in tries[5].text
