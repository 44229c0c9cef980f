"""Passwords that are refused because others would guess them."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from pharos.accounts.models import User
from pharos.accounts.password_rules import GuessablePasswordValidator
from pharos.accounts.roles import Role

from ..pages.page_elements import problems
from .test_login import PASSWORD

SAID = "This password is too easy to guess"


def is_refused(password, user=None):
    try:
        GuessablePasswordValidator().validate(password, user)
    except ValidationError as error:
        return SAID in error.messages[0]
    return False


@pytest.fixture
def joan(virginia, consortium):
    return User(
        email="j.miller@library.virginia.edu", name="Joan of Árc-Miller", role=Role.DEPOSITOR, institution=virginia
    )


@pytest.mark.parametrize(
    "password",
    [
        "password123",
        "Pharos2026!",
        "pharos-pharos-pharos",
        "Ph4r0s-2026",
        "WorkItems!!!",
        "work items 2026",
        "aptrust.org",
        "APTrust2026!",
        "@ptru5t2026!",
        "aptrustpassword",
        "University of Virginia",
        "universityofvirginia1",
        "Virginia-2026",
        "virginia.edu/2026",
        "monkey-virginia",
        "Joan.Miller.99",
        "JoanArc2026",
        "j.miller@library.virginia.edu",
        "Miller&Library",
        "monkey12345",
        "m0nkey-12345",
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(joan, password):
    assert is_refused(password, joan)


@pytest.mark.parametrize(
    "password",
    [
        "a quite new passphrase",
        "another-tower-on-the-shore",
        "lighthouse-keeper",
        "virginia creeper on the wall",
        "93847love28374",
        "uR7x-kk2Q-pharos",
        "Johns-Hopkins-ledger",  # not her institution
        "дальний маяк у моря",
    ],
)
def test_a_good_password_is_accepted_even_with_a_word_of_the_place(joan, password):
    assert not is_refused(password, joan)


def test_the_words_of_another_institution_are_refused_for_its_own_people(olga, stan):
    assert is_refused("JohnsHopkins2026", olga)
    assert not is_refused("JohnsHopkins2026", stan)


@pytest.mark.parametrize("user", [None, User(email="new@example.org")])
def test_without_a_complete_account(db, user):
    """As while createsuperuser asks for one."""
    assert is_refused("Pharos2026!", user)
    assert not is_refused("a quite new passphrase", user)


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_the_page_refuses_it_and_the_password_stays(client, cast, who):
    person = cast[who]
    client.force_login(person)
    guess = f"{person.institution.identifier}-2026"
    sent = {"oldpassword": PASSWORD, "password1": guess, "password2": guess}
    response = client.post(reverse("account_change_password"), sent)
    assert SAID in response.text
    assert User.objects.get(pk=person.pk).check_password(PASSWORD)
    assert guess not in response.text
    assert problems(response)
