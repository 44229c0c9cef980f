"""Notes about the same cause have the same cause, and notes about different causes don't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workitems.failures.causes import MAX_LENGTH, extract_cause

SAME = {
    "Bag … is not valid.": [
        "Bag virginia.edu.uva-lib_2274642.tar is not valid.",
        "Bag Drummond Ledgers 84.tar is not valid.",
        "Bag Jørgensen Notebooks is not valid.",
    ],
    "The digest of … in … does not match the file's.": [
        "The digest of data/images/0042.tif in manifest-sha256.txt does not match the file's.",
        "The digest of data/a in manifest-md5.txt does not match the file's.",
        "Bag virginia.edu.x.tar is not valid.\nThe digest of data/x.tif in tagmanifest-md5.txt does not match the file's.",
    ],
    "S3 did not answer within … s.": [
        "S3 did not answer within 60 s.",
        "S3 did not answer within 120 s.",
    ],
    "The required tag … has no value.": [
        "The required tag “Title” has no value.",
        'The required tag "Access" has no value.',
        "The required tag 'Source-Organization' has no value.",
    ],
    "No space left on … (… GB are needed).": [
        "No space left on /mnt/efs/apt (12.5 GB are needed).",
        "No space left on /var/tmp/work (3 GB are needed).",
    ],
    "Connection to … was refused.": [
        "Connection to redis.example.org was refused.",
        "Connection to 10.0.0.7:6379 was refused.",
        "Connection to https://s3.example.org/bucket/key was refused.",
    ],
    "The worker's container was killed.": [
        "The worker's container was killed.",
        "\n\n  The worker's container was killed.\n",
    ],
    "Cannot read …": [
        "Cannot read 5f2a1c77-8d0e-4a55-9b3a-2f1d7c9e1a10",
        "Cannot read 9e107d9d372bb6826bd81d3542a419d6",
    ],
    "": ["", "   \n  "],
}


@pytest.mark.parametrize(("cause", "note"), [(cause, note) for cause, notes in SAME.items() for note in notes])
def test_a_cause_leaves_out_names_and_numbers(cause, note):
    assert extract_cause(note) == cause


def test_different_causes_stay_different():
    causes = [extract_cause(notes[0]) for notes in SAME.values()]
    assert len(set(causes)) == len(causes)


def test_the_demos_notes_have_few_causes():
    from workitems.demo import texts

    notes = [
        value for name in dir(texts) if isinstance(value := getattr(texts, name), str) and not name.startswith("__")
    ]
    for note in notes:
        assert extract_cause(extract_cause(note)) == extract_cause(note)


@given(st.text(max_size=2000))
def test_every_note_has_a_short_stable_cause(note):
    cause = extract_cause(note)
    assert len(cause) <= MAX_LENGTH
    assert "\n" not in cause
    assert cause == cause.strip()


def test_hostile_notes_are_parsed_quickly():
    for note in ("a." * 20_000, "/" * 40_000, "“" * 40_000, "'" * 40_000, "Bag " + "x " * 20_000, "1" * 40_000):
        assert len(extract_cause(note)) <= MAX_LENGTH
