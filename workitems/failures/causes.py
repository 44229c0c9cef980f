"""Extracts the cause of a failure from a note: names, paths, checksums, and numbers are replaced with "…". Pure."""

import re

from ..explanations import first_line

MAX_LENGTH = 200
# The subject of the sentence, whatever it is called in the note.
_SUBJECT = re.compile(
    r"^(Bag|Object|File|Item)\s.+?(?=\s(?:is|has|was|were|did|does|could|cannot|can|contains?|failed)\b)"
)
_SPECIFICS = re.compile(
    r"""
      “[^”]*” | "[^"]*" | (?<![\w])'[^']*'(?!\w)     # quoted text
    | \w+://\S+ | \S+@\S+                            # URLs and email addresses
    | [^\s/]*/\S*[^\s.,;:)] | [^\s\\]*\\\S+          # paths and identifiers
    | \b[\w-]+(?:\.[\w-]+)*\.[a-z]\w{1,5}\b          # files and hosts
    | (?<!\w)(?!(?:S3|MD5|SHA-?\d+)\b)[^\s(]*\d[^\s,;:)]*   # numbers, digests, times, names with numbers
    """,
    re.VERBOSE,
)
_REPEATED = re.compile(r"…(?:[\s,;]*…)+")


def extract_cause(note: str) -> str:
    """Returns the cause in a note, at most MAX_LENGTH characters; empty for an empty note.

    Notes about different items or files can have the same cause.
    """
    line = _SUBJECT.sub(r"\1 …", first_line(note, limit=2 * MAX_LENGTH))
    line = _REPEATED.sub("…", _SPECIFICS.sub("…", line)).strip()
    return line if len(line) <= MAX_LENGTH else f"{line[: MAX_LENGTH - 1].rstrip()}…"
