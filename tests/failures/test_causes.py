"""Notes about the same faults have the same cause, and notes about different faults don't."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workitems.failures.causes import MAX_LENGTH, extract_cause
from workitems.notes import find_faults


def cause_of(note, *names):
    return extract_cause(find_faults(note, names).texts, names)


SAME = {
    "Bag … is not valid.": [
        "Bag virginia.edu.uva-lib_2274642.tar is not valid.",
        "Bag Drummond Ledgers 84.tar is not valid.",
        "Bag Jørgensen Notebooks is not valid.",
    ],
    "The digest of … in … does not match the file's.": [
        "The digest of data/images/0042.tif in manifest-sha256.txt does not match the file's.",
        "The digest of data/a in manifest-md5.txt does not match the file's.",
        "The digest of data/O'Brien's diary, page 2.txt in manifest-md5.txt does not match the file's.",
        "Bag virginia.edu.x.tar is not valid.\nThe digest of data/x.tif in tagmanifest-md5.txt does not match the file's.",
    ],
    "S3 did not answer within ….": ["S3 did not answer within 60 s.", "S3 did not answer within 2 minutes."],
    "The required tag … has no value.": [
        "The required tag “Title” has no value.",
        'The required tag "Access" has no value.',
        "The required tag 'Source-Organization' has no value.",
        "The required tag Storage-Option has no value.",
        "The required tag Title has no value.",
    ],
    "No space left on … (… are needed).": [
        "No space left on /mnt/efs/apt (12.5 GB are needed).",
        "No space left on /var/tmp/work (900 MB are needed).",
    ],
    "Connection to … was refused.": [
        "Connection to redis.example.org was refused.",
        "Connection to 10.0.0.7:6379 was refused.",
        "Connection to https://s3.example.org/bucket/key was refused.",
    ],
    "The worker's container was killed.": [
        "The worker's container was killed.",
        "\n\n  The worker's container was killed.\n",
        '"The worker\'s container was killed."',
        json.dumps({"error": "The worker's container was killed."}),
    ],
    "Container … was killed (exit code 137)": [
        "Container validator-7f9c was killed (exit code 137)",
        "Container fetcher was killed (exit code 137)",
        "Container 'a b' was killed (exit code 137)",
    ],
    "Cannot read …": [
        "Cannot read 5f2a1c77-8d0e-4a55-9b3a-2f1d7c9e1a10",
        "Cannot read 9e107d9d372bb6826bd81d3542a419d6",
        "Cannot read someone@example.org",
    ],
    "… is in the bag but in no manifest": [
        "data/a.tif is in the bag but in no manifest",
        "data/a b/c; d.xml is in the bag but in no manifest",
        "data/boys' letters/draft 2 (final).docx is in the bag but in no manifest",
        "Bag is incomplete: data/レポート [1].pdf is in the bag but in no manifest; data/README is in the bag but in no manifest",
    ],
    "…: is empty": [
        '{"data/a.tif": "is empty", "data/b": "is empty"}',
        json.dumps({"errors": {"data/it's.tif": "is empty"}}, indent=4),
        "{'data/a.tif': 'is empty'}",
    ],
    "NoSuchKey": [
        "<Error><Code>NoSuchKey</Code><Message>There is no such key</Message><Key>a/b c.tar</Key></Error>",
        "An error occurred (NoSuchKey) when calling the GetObject operation: There is no such key",
        "NoSuchKey: there is no such key\n\tstatus code: 404, request id: 4F2A, host id: a/b=",
        "There is no such key (Service: S3; Status Code: 404; Error Code: NoSuchKey; Request ID: 4F2A; Proxy: null)",
        "Fetching a.tar failed [NoSuchKey]: there is no such key",
    ],
    "StorageIsFull": [
        "<Error><Code>StorageIsFull</Code><Message>Nothing free on disk 7</Message></Error>",
        "An error occurred (StorageIsFull) when calling the PutObject operation: Nothing free",
    ],
    "[E092a] Object": [
        "[E092a] Object root inventory has digest 12ab for file v1/content/a b, not 34cd (see https://example.org/#E092)",
        "The object at /a b/c is INVALID\n[E092a] Object v2 inventory has digest 99 for file v1/content/x, not 34cd\n[W007a] Object x",
    ],
    "OSError: [Errno 28] No space left on device: …": [
        "Traceback (most recent call last):\n  File \"/a.py\", line 3, in f\n    g()\nOSError: [Errno 28] No space left on device: '/a'",
        "OSError: [Errno 28] No space left on device: '/mnt/it's here'",
    ],
    "SocketTimeoutException: Read timed out": [
        "java.net.SocketTimeoutException: Read timed out\n\tat a.B.c(D.java:12)",
        "a.b.CException: x\n\tat y\nCaused by: java.net.SocketTimeoutException: Read timed out\n\tat z\n\t... 3 more",
        'Exception in thread "w-1" java.net.SocketTimeoutException: Read timed out\n\tat q',
    ],
    "disk is read-only: …": [
        "2026-11-30 10:00:00,000 - INFO - hello\n2026-11-30 10:00:01,000 - ERROR - disk is read-only: /dev/sdb1",
        "Nov 30 10:00:00 node-7 ingest[123]: ERROR: disk is read-only: /dev/sdc",
        'time="2026-11-30T10:00:00Z" level=error msg="disk is read-only: /dev/sdd"',
        "ERROR:root:disk is read-only: /dev/sde",
    ],
    "File … in … does not exist": [
        "File data/a.txt in manifest-md5.txt does not exist",
        "File My Photo 12.jpg in manifest-sha256.txt does not exist",
        "File Hathaway's diary, page 3.txt in manifest-sha256.txt does not exist",
    ],
    "… is listed twice": [
        "data/README is listed twice",
        "data/a tree of things/leaf is listed twice",
        "data/notes: with a colon.txt is listed twice",
        "data/a, b; c | d.csv is listed twice",
        "data/plans_v2.final.docx is listed twice",
        "E:\\Scans\\Box 1\\1.TIF is listed twice",
    ],
    "manifest lists … twice": ["manifest lists data/README twice", "manifest lists data/a/tree of things/leaf twice"],
    "More than one top-level directory: …": [
        "More than one top-level directory: photos, a b",
        "More than one top-level directory: Bag of letters",
    ],
    "tag file … is not permitted": ["tag file x.xml is not permitted", "tag file old info.xml is not permitted"],
    "Character … in file name …": ["Character U+E674 in file name 'x'", "Character U+DADC in file name 'y'"],
    "SomethingIsOff2Day": [
        "<Error><Code>SomethingIsOff2Day</Code><Message>x</Message></Error>",
        "operation error S3: PutObject, RequestID: 4F, api error SomethingIsOff2Day: x",
        "Error copying a.tar [SomethingIsOff2Day]: x",
    ],
    "Required tag is missing: …": ["Required tag is missing: Access", "Required tag is missing: bag-info.txt/Title"],
    "The version must be a number, not …": [
        "The version must be a number, not one",
        "The version must be a number, not 1.x",
    ],
}
DIFFERENT = [
    "Server answered 404 to https://example.org/1",
    "Server answered 503 to https://example.org/2",
    "Bag has no manifest",
    "Bag has more than one manifest",
    "Bag is incomplete",
    "Bag is too large",
    "Item has started at Fetch without a queue entry",
    "Item has started twice",
    "Container a1 exited with code 1",
    "Container a2 exited with code 137",
    "Container a3 was killed",
    "[Errno 2] No such file: 'x'",
    "[Errno 13] Not allowed: 'x'",
    "ValueError: 'x'",
    "KeyError: 'x'",
    "AccessDenied: no",
    "SlowDown: no",
    "dial tcp 10.0.0.1:443: i/o timeout",
    "dial tcp 10.0.0.1:443: connection refused",
    "data/a b.txt is in manifest-md5.txt but not in the bag",
    "data/a b.txt is in the bag but not in manifest-md5.txt",
    "Bag validation failed: data/a is empty",
    "[E001a] Object root has an unexpected file: x",
    "[E001b] Object root has an unexpected directory: x",
    "File 'fetch.txt' is not allowed",
    "File 'notes.txt' is missing",
]


@pytest.mark.parametrize(("cause", "note"), [(cause, note) for cause, notes in SAME.items() for note in notes])
def test_a_cause_leaves_out_what_differs(cause, note):
    assert cause_of(note) == cause


def test_different_faults_have_different_causes():
    causes = [*SAME, *map(cause_of, DIFFERENT)]
    assert "" not in causes
    assert len(set(causes)) == len(causes)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "   \n  ",
        "data/a/b.txt",
        "9e107d9d372bb6826bd81d3542a419d6",
        "“Title”",
        "12 345",
        '{"data/a": "data/b"}',
        "…",
        "{}",
        "x/y; z/w",
    ],
)
def test_names_and_numbers_alone_are_no_cause(note):
    assert cause_of(note) == ""


NAMES = [
    "O'Brien papers; drafts | scans",
    "photographs",
    "Letters & Diaries (1931)",
    "港の写真 第3巻",
    "GTM-000119_B50",
    "it's",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "note",
    [
        "Could not find {0} in the receiving bucket",
        "The bag {0} has no manifest",
        "failed: {0}/data/x is empty | virginia.edu/{0} is empty",
        "{0} is not at the place where it was stored",
        '{{"bag": "{0}", "error": "{0} is empty"}}',
        "Bag {0}.tar is not valid.\nThe file untars to {0} and not to virginia.edu",
    ],
)
def test_the_items_own_names_do_not_matter(note, name):
    def cause(name):
        return cause_of(note.format(name), name, f"{name}.tar", f"virginia.edu/{name}", "virginia.edu")

    assert cause(name) == cause("ncsu.1840.16-1004") != ""


def test_a_name_that_is_an_ordinary_word_stays_a_word():
    assert cause_of("The bag has no manifest", "bag", "manifest") == "The bag has no manifest"


FAULTS = {
    "digest": lambda name, digest: f"data/{name}: the digest is {digest}",
    "missing": lambda name, digest: f"data/{name} is missing",
    "unknown": lambda name, digest: f"data/{name} is in no manifest",
    "tag": lambda name, digest: f"tag '{name}' has no value",
}
kinds = st.lists(st.sampled_from(sorted(FAULTS)), min_size=1, max_size=12)
words = st.sampled_from(["a.tif", "it's b.txt", "c d/e f.pdf", "README", "page 2, verso.jpg", "レポート [1].pdf"])
digests = st.integers(min_value=16**31, max_value=16**32 - 1).map("{:x}".format)
joins = st.sampled_from(
    [("Bag validation failed: {}", "; "), ("failed | {}", " | "), ("Bag x.tar is not valid.\n{}", "\n"), ("{}", "\r\n")]
)


@given(kinds, st.data())
def test_only_the_kinds_of_faults_count(chosen, data):
    """Neither their order nor their number, nor names, digests, or the form of the list."""

    def note(chosen):
        form, separator = data.draw(joins)
        return form.format(separator.join(FAULTS[kind](data.draw(words), data.draw(digests)) for kind in chosen))

    shuffled = data.draw(st.permutations([*chosen, *set(chosen)]))
    assert cause_of(note(chosen)) == cause_of(note(shuffled))
    others = set(FAULTS) - set(chosen)
    for other in others:
        assert cause_of(note([*chosen, other])) != cause_of(note(chosen))


def test_very_many_kinds_have_one_short_cause():
    faults = [
        f"{word}{ending} is out of order"
        for word in ("lamp", "door", "shelf", "clock")
        for ending in ("", "s", "let", "er")
    ]
    first = cause_of("\n".join(faults))
    random.Random(1).shuffle(faults)
    assert cause_of("\n".join(faults)) == first
    assert 100 < len(first) <= MAX_LENGTH


def test_the_demos_notes_have_stable_causes():
    from workitems.demo import texts

    notes = [
        value for name in dir(texts) if isinstance(value := getattr(texts, name), str) and not name.startswith("__")
    ]
    for note in notes:
        assert cause_of(cause_of(note)) == cause_of(note)


@given(st.text(max_size=2000))
def test_every_note_has_a_short_cause(note):
    cause = cause_of(note)
    assert len(cause) <= MAX_LENGTH
    assert "\n" not in cause
    assert cause == cause.strip()


def test_hostile_notes_are_parsed_quickly():
    for note in (
        "a." * 20_000,
        "/" * 40_000,
        "“" * 40_000,
        "'" * 40_000,
        "Bag " + "x " * 20_000,
        "1" * 40_000,
        "a/ " * 20_000,
    ):
        assert len(cause_of(note)) <= MAX_LENGTH
