"""`manage.py create_api_key`: only the key on standard output, so that a script can read it."""

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
def test_only_the_key_is_printed_to_stdout(cast, who):
    out, err = create(cast[who].email.upper(), "--label", " ingest  on services-1 ")
    secret = out.removesuffix("\n")
    assert api_keys.KEY_FORMAT.fullmatch(secret)
    found = api_keys.find_key(cast[who].email, secret)
    assert found.user == cast[who]
    assert found.label == "ingest  on services-1"
    assert cast[who].email in err
    assert secret not in err


def test_the_label_is_optional(wally):
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
def test_invalid_arguments_are_reported(dora, arguments, says):
    with pytest.raises(CommandError, match=f"(?i){says}"):
        create(*arguments)
    assert not ApiKey.objects.exists()


def test_a_deactivated_user_gets_no_key(dora):
    dora.is_active = False
    dora.save()
    with pytest.raises(CommandError, match=r"dora@virginia\.edu is deactivated"):
        create(dora.email)
    assert not ApiKey.objects.exists()


def test_the_limit_of_keys_applies(wally):
    for _ in range(api_keys.MAX_ACTIVE_KEYS):
        create(wally.email)
    with pytest.raises(CommandError, match="Revoke one"):
        create(wally.email)
