"""The faults in a note, whatever form it came in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workitems.notes import find_faults

A, B = "data/a.tif is not in the bag", "data/b c.tif is empty"
TRACEBACK = 'Traceback (most recent call last):\n  File "/app/x.py", line 3, in run\n    go()\n    ^^^^\n'

FORMS = {
    "lines": f"{A}\n{B}",
    "CRLF, blank lines": f"\r\n{A}\r\n\r\n{B}\r\n",
    "verdict": f"Bag x.tar is not valid.\n{A}\n{B}",
    "verdict with a colon": f"Bag validation failed: {A}; {B}",
    "verdict with reasons": f"The bag is invalid for the following reasons:\n{A}\n{B}",
    "path before the verdict": f"/mnt/O'Brien papers (1) is invalid: Bag validation failed: {A}; {B}",
    "class of error": f"Error: [BagValidationError] Bag validation failed: {A}; {B}",
    "pipes": f"failed | {A} | {B}",
    "pipes after a verdict": f"Validation failed: {A} | {B}",
    "semicolons": f"{A}; {B}",
    "numbered": f"Errors:\n1. {A}\n2. {B}",
    "bullets": f"2 errors found:\n- {A}\n* {B}",
    "indented after a verdict": f"INVALID: {A}\n  {B}",
    "quoted": f'"{A}"\n"{B}"',
    "JSON list": json.dumps([A, B]),
    "JSON of errors": json.dumps({"valid": False, "errors": [{"message": A}, {"message": B}]}, indent=2),
    "JSON after a verdict": f"Validation failed: {json.dumps([A, B])}",
    "JSON in a JSON text": json.dumps(json.dumps([A, B])),
    "Python's list": repr([A, B]),
    "traceback": f"{TRACEBACK}bagit.BagValidationError: Bag validation failed: {A}; {B}\n",
    "log": f"2026-11-30 10:00:00,123 - INFO - start\n2026-11-30 10:00:01,001 - ERROR - x is invalid: {A}; {B}\n"
    "2026-11-30 10:00:02,001 - ERROR - stopped",
    "levels": f"* error: {A}\n* warning: the clock is off\n* error: {B}",
    "numbered with #": f"Errors:\n#1 {A}\n#2 {B}",
    "reasons in one line": f"Validation failed for the following reasons: {A}; {B}",
    "profile": f"Bag structure does not conform to specified profile: '{A}'; '{B}'",
    "Ruby's log": f"I, [2026-11-30T10:00:00.123456 #42]  INFO -- : start\n"
    f"E, [2026-11-30T10:00:01.123456 #42] ERROR -- : Bag is invalid: {A}; {B}\n"
    "E, [2026-11-30T10:00:02.123456 #42] ERROR -- : stopped",
    "log of several containers": f"worker-1  | 2026-11-30T10:00:00Z ERROR failed: {A} | {B}",
    "log of a web server": f"2026/11/30 10:00:00 [notice] 7#7: start\n2026/11/30 10:00:01 [error] 7#7: failed: {A} | {B}",
    "colors": f"\x1b[31mERROR\x1b[0m {A}\n\x1b[1;31mERROR\x1b[0m {B}",
    "progress": f"10 %\r20 %\r100 %\r\nERROR: {A}\nERROR: {B}",
}


@pytest.mark.parametrize("form", FORMS)
def test_two_faults_are_found_in_every_form(form):
    assert find_faults(FORMS[form]) == ([A, B], 2)


ONE = {
    "": [],
    " \n\t ": [],
    "The disk is full.": ["The disk is full."],
    "The disk is full.\n\ufffd\n---\n": ["The disk is full."],
    "---": ["---"],
    "No space is left; giving up": ["No space is left; giving up"],
    "Bag x.tar is not valid.": ["Bag x.tar is not valid."],
    "3 of 3 done.": ["3 of 3 done."],
    "Restored | as requested": ["Restored", "as requested"],
    "The digest of data/x differs.\n  in the manifest: 1\n  of the file: 2": [
        "The digest of data/x differs.\nin the manifest: 1\nof the file: 2"
    ],
    '{"data/a b.tif": "is empty"}': ["“data/a b.tif”: is empty"],
    '{"data/a": {"expected": "1", "actual": "2", "message": "differs"}}': ["“data/a”: differs"],
    '{"error": {"code": 403, "message": "Forbidden"}}': ["status 403: Forbidden"],
    '{"data/a": "is empty", "data/b": "is mis': ["“data/a”: is empty"],
    '{"level": "info", "msg": "x"}\n{"level": "error", "msg": "redis is gone"}': ["redis is gone"],
    "<?xml version='1.0'?>\n<Error><Code>SlowDown</Code><Message>Wait &amp; see</Message></Error>": [
        "[SlowDown] Wait & see"
    ],
    "<html><head><title>504 Gateway Time-out</title></head></html>": ["504 Gateway Time-out"],
    f"{TRACEBACK}KeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\n{TRACEBACK}"
    "OSError: [Errno 28] No space left": ["OSError: [Errno 28] No space left"],
    "java.lang.RuntimeException: x\n\tat a.B.c(D.java:1)\nCaused by: java.io.IOException: full\n\tat e\n\t... 2 more": [
        "IOException: full"
    ],
    "panic: index out of range\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:3": ["panic: index out of range"],
    '{"level": "info", "ts": 1.5, "msg": "x"}\n{"level": "error", "ts": 2.5, "msg": "redis is gone"}\n'
    '{"level": "error", "ts": 2.5, "msg": "stopped"}': ["redis is gone"],
    "INFO:ingest:start\nERROR:ingest:redis is gone\nERROR:ingest:stopped": ["redis is gone"],
    "I1130 10:00:00.123456    7 x.go:1] start\nE1130 10:00:00.123456    7 x.go:2] gone\nE1130 10:00:00.2    7 x.go:3] stopped": [
        "gone"
    ],
    "2026-11-30 10:00:00,123 ERROR ingest.validator gone": ["gone"],
    "2026-11-30 10:00:00,123 ERROR photo.tif is gone": ["photo.tif is gone"],
    "[2026-11-30 10:00:00,123: ERROR/ForkPoolWorker-5] gone": ["gone"],
    "2026-11-30T10:00:00.123Z ERROR 71 --- [           main] org.example.Task      : gone": ["gone"],
    "2026-11-30T10:00:00.123456Z ERROR ingest::worker: gone": ["gone"],
    "thread 'main' panicked at src/a.rs:1:2:\ngone\nnote: run with `RUST_BACKTRACE=1` to see more": ["gone"],
    "PHP Fatal error:  Uncaught Exception: gone in /x.php:3\nStack trace:\n#0 /x.php(9): run()\n#1 {main}\n  thrown in /x.php on line 3": [
        "Exception: gone in /x.php:3"
    ],
    "Unhandled exception. System.IO.IOException: gone\n   at App.Run() in /src/A.cs:line 9": ["IOException: gone"],
    "/app/a.js:9\n    throw err;\n    ^\n\nError: gone\n    at Object.open (node:fs:9:3) {\n  errno: -2,\n  code: 'X'\n}\n\nNode.js v22.1.0": [
        "gone"
    ],
    "panic: gone\n[signal SIGSEGV: segmentation violation code=0x1]\n\ngoroutine 1 [running]:\nmain.main()": [
        "panic: gone"
    ],
    "data/a, b; c | d.csv: is empty": ["data/a, b; c | d.csv: is empty"],
    "failed: File data/one; two.csv is gone | File data/Vol. 1 | Vol. 2.pdf is gone": [
        "File data/one; two.csv is gone",
        "File data/Vol. 1 | Vol. 2.pdf is gone",
    ],
    "File name `a; b | c` is not allowed": ["File name `a; b | c` is not allowed"],
    "[E042b] Object root includes content path a; b | c.xml here": [
        "[E042b] Object root includes content path a; b | c.xml here"
    ],
    'time="2026-11-30T10:00:00Z" level=info msg="a"\ntime="2026-11-30T10:00:01Z" level=error msg="b \\"c\\" d"': [
        'b \\"c\\" d'
    ],
    "10:00:00.1 [main] ERROR o.e.Reader - gone": ["gone"],
    "Nov 30 10:00:00 host ingest[12]: ERROR: gone": ["gone"],
    "'data/a; b.txt' is missing": ["'data/a; b.txt' is missing"],
    "Bag is incomplete: data/a; b.txt is missing": ["data/a; b.txt is missing"],
}


@pytest.mark.parametrize("note", ONE)
def test_other_notes(note):
    found = find_faults(note)
    assert found.texts == ONE[note]
    assert found.number == len(ONE[note])


@pytest.mark.parametrize(
    ("note", "number"),
    [
        (f"{A} | {B} | There are 58 more errors.", 60),
        (f"{A} | {B} There are 58 more errors", 60),
        (f"{A}\n{B}\n... and 58 more", 60),
        (f"{A}\n{B}\n(+58 more)", 60),
        (f"{A}\n{B}\nShowing the first 2 of 60", 60),
        (f"{A}\n{B}\nTotal errors: 60", 60),
        (f"60 errors found:\n{A}\n{B}", 60),
        (f"Bag x.tar is not valid: too many errors, 60 are listed.\n{A}\n{B}", 60),
        (f"{A}\n{B}\nmore errors were not listed", 2),
        (f"1 error found:\n{A}\n{B}", 2),
    ],
)
def test_faults_that_are_not_listed_are_counted(note, number):
    assert find_faults(note) == ([A, B], number)


def test_names_of_the_item_are_not_split():
    name = "minutes; drafts | scans"
    assert find_faults(f"Bag {name} is not valid: {name} lacks data/x; {name} lacks data/y", [name]).texts == [
        f"{name} lacks data/x",
        f"{name} lacks data/y",
    ]


@pytest.mark.parametrize("name", ["b", "x", "in", "error", "Traceback"])
def test_a_short_name_of_the_item_does_not_break_words(name):
    note = f"{TRACEBACK}bagit.BagValidationError: Bag is invalid: {A}; {B}\n"
    assert find_faults(note, [name]) == ([A, B], 2)


@given(st.text(max_size=500))
def test_any_text_has_faults_that_are_not_blank(note):
    found = find_faults(note)
    assert all(text.strip() for text in found.texts)
    assert found.number >= len(found.texts)
    assert bool(found.texts) == bool(note.strip(" \n\t\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0")) or not found.texts


@given(st.lists(st.sampled_from([A, B, "data/it's (1).pdf has a bad digest"]), min_size=1, max_size=9))
def test_each_fault_of_a_list_is_found(faults):
    assert find_faults("Bag validation failed: " + "; ".join(faults)).texts == faults
    assert find_faults("\n".join(["Errors:", *faults])).texts == faults
    assert find_faults(json.dumps(dict(enumerate(faults)))).number == len(faults)


@pytest.mark.parametrize(
    "piece",
    [
        "'a; ",
        "a | ",
        '{"a":',
        "<Error><Code>",
        "x\n ",
        "\n at x",
        "errors in ",
        "\x1b[",
        "“",
        "a/b; ",
        "a/b c | ",
        " at {\n",
        "a:1\n",
        "a | 10:00:00 ",
    ],
)
def test_hostile_notes_take_linear_time(piece):
    """Quadratic reading would take many minutes for notes of this length."""
    assert find_faults(piece * (200_000 // len(piece))).number >= 0


def test_the_middle_of_a_very_long_list_counts_a_fault_a_line():
    """It isn't read in full, but the end is, where a note says how many faults it doesn't list."""
    lines = [f"data/page {number}.tif is missing" for number in range(5_000)]
    assert find_faults("\n".join(lines)) == (lines, 5_000)
    faults = find_faults("\n".join(["Bag is incomplete:", *lines, "… and 12 more"]))
    assert (faults.texts[:2], faults.texts[-1], faults.number) == (lines[:2], lines[-1], 5_012)
