"""Where a permanent failure comes from, as its note says, and who has to act on it."""

from itertools import product

import pytest

from workitems.lifecycle import PATHS, Origin, Party, read_origin, responsible_party
from workitems.vocabulary import Action

BAG = [
    "Bag validation failed: manifest-md5.txt names data/report.pdf, which is missing.",
    "Checksum of data/report.pdf: expected 7d9f, found 11aa",
    "The required tag Title has no value in aptrust-info.txt",
    "Payload-Oxum: 3 files and 120 bytes expected, 2 files and 80 bytes found",
    "The tar file untars to another directory name than the bag's.",
    "The archive is truncated.",
    "E092a object/v1/content/a.txt digest",
    "File data/no space left on device.txt is missing from the bag",
    "File 'connection timed out.txt' is not listed in the manifest",
    '{"errors": ["The tag Access has an illegal value"]}',
    "'The tag Access has an illegal value'",
    "data/Killed.txt: the sha256 digest does not match",
    'Traceback (most recent call last):\n  File "x.py", line 3\nValueError: the manifest is malformed',
    "The bag does not conform to the profile at https://example.org/timeout/profile.json",
]
MACHINE = [
    "No space left on the work volume: 819 GB are needed, 5 GB are free.",
    "write /mnt/work/bag: no space left on device",
    "The disk is full.",
    "Reading from S3 timed out after 300 s",
    "net/http: request timeout",
    "i/o time-out while copying the manifest",
    "context deadline exceeded",
    "Connection reset by peer",
    "dial tcp 10.0.0.3:6379: connection refused",
    "The container validate-7 was killed.",
    "Killed",
    "signal: killed",
    "Process exited with code 137",
    "SlowDown: Please reduce your request rate.",
    "<Error><Code>InternalError</Code><Message>Try again</Message></Error>",
    "Registry answered 503",
    "Server returned status 500 for the validation of the bag",
    "open /mnt/work/bag.tar: permission denied",
    "Traceback (most recent call last):\n  File \"x.py\", line 3\nKeyError: 'x'",
    "panic: runtime error: index out of range",
]
REPLACED = [
    "A newer version of this bag is in the receiving bucket.",
    "Skipped, because a later upload exists.",
    "The bag was overwritten in the bucket after it was queued.",
    "The etag has changed since the item was created.",
]
GONE = [
    "The bag was deleted from the receiving bucket.",
    "It was deleted from the aptrust.receiving.virginia.edu bucket.",
    "example.edu.bag.tar was not found in the bucket",
    "NoSuchKey: there is nothing at this key",
    "The key does not exist.",
]
UNKNOWN = ["", "Failed.", "Error 17", "See the log of the worker.", "…"]


@pytest.mark.parametrize(
    ("note", "origin"),
    [
        (note, origin)
        for origin, notes in (
            (Origin.BAG, BAG),
            (Origin.MACHINE, MACHINE),
            (Origin.REPLACED, REPLACED),
            (Origin.GONE, GONE),
            (Origin.UNKNOWN, UNKNOWN),
        )
        for note in notes
    ],
)
def test_a_note_says_where_a_failure_comes_from(note, origin):
    assert read_origin(note) is origin
    assert read_origin(note.upper()) is origin or origin is Origin.BAG  # an OCFL code has its own case


def test_the_items_own_names_say_nothing():
    note = "timeout study, newer version: the manifest names a file that is missing"
    assert read_origin(note) is not Origin.BAG
    assert read_origin(note, ["timeout study, newer version", ""]) is Origin.BAG


@pytest.mark.parametrize("names", [[], ["aptrust.receiving.virginia.edu"], ["virginia.edu", "bag.tar"]])
def test_a_bucket_that_is_named_is_a_bucket(names):
    """With and without its name taken out, so that a list and a page say the same."""
    note = "bag.tar was deleted from the aptrust.receiving.virginia.edu bucket"
    assert read_origin(note, names) is Origin.GONE


def test_only_the_beginning_of_a_very_long_note_is_examined():
    assert read_origin("x" * 30_000 + " no space left") is Origin.UNKNOWN


EARLY = ("Receive", "Fetch", "Unpack", "Validate")


@pytest.mark.parametrize(("flag", "origin"), list(product((True, False), Origin)))
@pytest.mark.parametrize("stage", PATHS[Action.INGEST])
def test_an_ingest_belongs_to_the_institution_up_to_validate(stage, flag, origin):
    """Workers set the flag on every fatal error, so it decides nothing here."""
    expected = Party.CONSORTIUM
    if stage in EARLY:
        by_note = {Origin.MACHINE: Party.CONSORTIUM, Origin.REPLACED: Party.NOBODY}
        expected = by_note.get(origin, Party.INSTITUTION)
    assert responsible_party("Ingest", stage, needs_admin_review=flag, reviewed=False, origin=origin) is expected
    is_left = expected is Party.CONSORTIUM and flag
    closed = Party.CONSORTIUM if is_left else Party.NOBODY
    assert responsible_party("Ingest", stage, needs_admin_review=flag, reviewed=True, origin=origin) is closed


@pytest.mark.parametrize("origin", Origin)
@pytest.mark.parametrize(
    ("action", "flag", "party"),
    [
        ("Fixity Check", False, Party.CONSORTIUM),
        ("Fixity Check", True, Party.CONSORTIUM),
        ("Restore", False, Party.INSTITUTION),
        ("Restore", True, Party.INSTITUTION),
        ("Glacier Restore", True, Party.INSTITUTION),
        ("Delete", False, Party.INSTITUTION),
        ("Delete", True, Party.CONSORTIUM),
        ("DPN", True, Party.CONSORTIUM),
    ],
)
def test_other_actions(action, flag, party, origin):
    for stage in PATHS[Action(action)]:
        assert responsible_party(action, stage, needs_admin_review=flag, reviewed=False, origin=origin) is party
