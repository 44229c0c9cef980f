"""static/check_etag.py, which people run on servers."""

import ast
import hashlib
import subprocess
import sys

import pytest
from django.conf import settings

SCRIPT = settings.BASE_DIR / "static/check_etag.py"
MIB = 2**20
CONTENTS = bytes(range(256)) * (17 * MIB // 256) + b"the end"


def md5(contents):
    return hashlib.md5(contents, usedforsecurity=False)


PLAIN = md5(CONTENTS).hexdigest()


def in_parts(part_size):
    """Returns the etag of CONTENTS when they are sent in parts of this size."""
    digests = [md5(CONTENTS[start : start + part_size]).digest() for start in range(0, len(CONTENTS), part_size)]
    return f"{md5(b''.join(digests)).hexdigest()}-{len(digests)}"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("bags") / "a bag.tar"
    path.write_bytes(CONTENTS)
    return path


def run(*arguments):
    """Runs the script and returns its exit code, what it says, and its errors."""
    done = subprocess.run([sys.executable, "-I", SCRIPT, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


@pytest.mark.parametrize(
    ("etag", "sentence"),
    [
        (PLAIN, "This is the file."),
        (f'W/"{PLAIN.upper()}"', "This is the file."),
        (in_parts(50 * MIB), "This is the file."),
        (in_parts(8 * MIB), "This is the file, sent in 3 parts of 8 MiB."),
        (in_parts(15 * MIB), "This is the file, sent in 2 parts of 15 MiB."),
        (in_parts(7 * MIB), "This is the file, sent in 3 parts of 7 MiB."),
        (in_parts(MIB // 2), "This is the file, sent in 35 parts of 0.5 MiB."),
    ],
)
def test_the_file_that_was_uploaded(file, etag, sentence):
    assert run(file, etag) == (0, sentence, "")


@pytest.mark.parametrize(
    ("etag", "sentence"),
    [
        ("a" * 32, "This isn't the file that was uploaded."),
        ("a" * 32 + "-1", "This isn't the file that was uploaded."),
        ("a" * 32 + "-3", "This isn't the file that was uploaded, or the part size is unusual."),
        ("a" * 32 + "-9000", "This isn't the file that was uploaded, or the part size is unusual."),
    ],
)
def test_another_file(file, etag, sentence):
    assert run(file, etag) == (1, sentence, "")


def test_an_empty_file(tmp_path):
    (tmp_path / "empty").touch()
    for etag in (md5(b"").hexdigest(), f"{md5(md5(b'').digest()).hexdigest()}-1"):
        assert run(tmp_path / "empty", etag) == (0, "This is the file.", "")


def test_wrong_use(file):
    for arguments in ((), (file,), (file, "12345"), (file, PLAIN, PLAIN), (file, f"{PLAIN}-0"), (file.parent, PLAIN)):
        assert run(*arguments) == (2, "", "Use: python3 check_etag.py FILE ETAG")


def test_it_has_the_syntax_of_python_3_8():
    ast.parse(SCRIPT.read_text(), feature_version=(3, 8))
