"""Where a restored copy is and until when, as notes say it."""

from datetime import UTC, datetime, timedelta

import pytest

from workitems.explanations import find_copy

DONE = datetime(2026, 5, 4, 12, tzinfo=UTC)


def found(note, *, action="Restore", status="Success", finished_at=DONE):
    copy = find_copy(action, status, note, finished_at)
    return copy and (copy.address, copy.until)


@pytest.mark.parametrize(
    ("note", "address"),
    [
        ("Object restored to https://s3.example.org/restore/a%20b.tar", "https://s3.example.org/restore/a%20b.tar"),
        ("The copy is at s3://aptrust.restore.virginia.edu/a.tar.", "s3://aptrust.restore.virginia.edu/a.tar"),
        ('Restored to "https://s3.example.org/a.tar".', "https://s3.example.org/a.tar"),
        ("See <https://s3.example.org/a.tar>; thank you", "https://s3.example.org/a.tar"),
        ("(https://s3.example.org/a.tar)", "https://s3.example.org/a.tar"),
    ],
)
def test_the_address(note, address):
    assert found(note) == (address, None)


@pytest.mark.parametrize(
    "note",
    [
        "Restored to s3://bucket/two words (1).tar. It stays for 3 days.",
        "Restored to s3://bucket/two words (1).tar",
        "Restored to “s3://bucket/two words (1).tar” for you",
    ],
)
def test_the_address_of_a_name_with_spaces(note):
    names = ("two words (1).tar", "two words (1)")
    assert find_copy("Restore", "Success", note, None, names).address == "s3://bucket/two words (1).tar"


@pytest.mark.parametrize(
    ("words", "last", "is_whole_day"),
    [
        ("until 2026-05-18", datetime(2026, 5, 19, tzinfo=UTC), True),
        ("until 2026-05-18T10:00:00Z", datetime(2026, 5, 18, 10, tzinfo=UTC), False),
        ("It stays for 14 days.", datetime(2026, 5, 18, 12, tzinfo=UTC), False),
    ],
)
def test_when_it_is_over(words, last, is_whole_day):
    copy = find_copy("Restore", "Success", f"Restored to s3://bucket/a.tar. {words}", DONE)
    assert copy.is_whole_day is is_whole_day
    assert not copy.is_over(last - timedelta(seconds=1))
    assert copy.is_over(last)


def test_without_an_end_it_is_never_over():
    assert not find_copy("Restore", "Success", "s3://bucket/a.tar", DONE).is_over(datetime(2100, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("words", "until"),
    [
        ("until 2026-05-18", datetime(2026, 5, 18, tzinfo=UTC)),
        ("expires on 2026-05-18T10:00:00Z", datetime(2026, 5, 18, 10, tzinfo=UTC)),
        ('expiry-date="Mon, 18 May 2026 10:20:30 GMT"', datetime(2026, 5, 18, 10, 20, 30, tzinfo=UTC)),
        ("It will be deleted on 18 May 2026.", datetime(2026, 5, 18, tzinfo=UTC)),
        ("It expires May 18, 2026.", datetime(2026, 5, 18, tzinfo=UTC)),
        ("It stays in S3 for 14 days.", datetime(2026, 5, 18, 12, tzinfo=UTC)),
        ("until 2026-13-45", None),
        ("until 45 Foo 2026", None),
        ("until further notice", None),
    ],
)
def test_its_end(words, until):
    assert found(f"Restored to s3://bucket/a.tar. {words}") == ("s3://bucket/a.tar", until)


def test_days_count_from_the_end_of_the_item():
    assert found("It stays in S3 for 14 days.", finished_at=None) is None


@pytest.mark.parametrize(
    ("action", "status"), [("Ingest", "Success"), ("Restore", "Started"), ("Restore", "Failed"), ("Delete", "Success")]
)
def test_only_a_successful_restoration_has_a_copy(action, status):
    assert found("See https://s3.example.org/a.tar", action=action, status=status) is None


def test_only_an_address_over_https_is_a_link():
    assert find_copy("Restore", "Success", "https://s3.example.org/a.tar", DONE).can_be_opened
    for note in ("s3://bucket/a.tar", "http://s3.example.org/a.tar", "It stays for 3 days."):
        assert not find_copy("Restore", "Success", f"{note} until 2026-05-18", DONE).can_be_opened
    assert found("javascript:alert(1)") is None
