"""`manage.py create_api_key`: the key alone on standard output, so that a script can take it."""

import io

import pytest
from django.core.management import CommandError, call_command

from pharos.accounts import api_keys
from pharos.accounts.models import ApiKey


def create(*arguments):
    out, err = io.StringIO(), io.StringIO()
    call_command("create_api_key", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.mark.parametrize("who", ["dora", "stan", "ada", "wally"])
def test_the_key_alone_is_printed(cast, who):
    out, err = create(cast[who].email.upper(), "--label", " ingest  on services-1 ")
    secret = out.removesuffix("\n")
    assert api_keys.KEY_FORMAT.fullmatch(secret)
    found = api_keys.find_key(cast[who].email, secret)
    assert found.user == cast[who]
    assert found.label == "ingest  on services-1"
    assert cast[who].email in err
    assert secret not in err


def test_a_label_is_not_needed(wally):
    create(wally.email)
    assert ApiKey.objects.get().label == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody@virginia.edu"], "nobody@virginia.edu"),
        ([""], "There is no user"),
        (["dora@virginia.edu\x00"], "email"),
        (["\udcff@virginia.edu"], "email"),
        (["dora@virginia.edu", "--label", "x" * 101], "100 characters"),
        (["dora@virginia.edu", "--label", "\udcff"], "--label"),
        (["dora@virginia.edu", "--label", "a\x00b"], "--label"),
        ([], "EMAIL"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(dora, arguments, says):
    with pytest.raises(CommandError, match=f"(?i){says}"):
        create(*arguments)
    assert not ApiKey.objects.exists()


def test_who_is_switched_off_gets_none(dora):
    dora.is_active = False
    dora.save()
    with pytest.raises(CommandError, match=r"dora@virginia\.edu is deactivated"):
        create(dora.email)
    assert not ApiKey.objects.exists()


def test_nobody_gets_too_many(wally):
    for _ in range(api_keys.MAX_ACTIVE_KEYS):
        create(wally.email)
    with pytest.raises(CommandError, match="Revoke one"):
        create(wally.email)
