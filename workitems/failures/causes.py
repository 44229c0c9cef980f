"""What a note says of why something failed, without what is its own: names, addresses, digests and numbers become "…". Pure."""

import re

from ..explanations import first_line

LONGEST = 200
# Whatever a worker calls the thing that the sentence is about.
_SUBJECT = re.compile(
    r"^(Bag|Object|File|Item)\s.+?(?=\s(?:is|has|was|were|did|does|could|cannot|can|contains?|failed)\b)"
)
_OWN = re.compile(
    r"""
      “[^”]*” | "[^"]*" | (?<![\w])'[^']*'(?!\w)     # what is quoted
    | \w+://\S+ | \S+@\S+                            # addresses
    | [^\s/]*/\S*[^\s.,;:)] | [^\s\\]*\\\S+          # paths and identifiers
    | \b[\w-]+(?:\.[\w-]+)*\.[a-z]\w{1,5}\b          # files and hosts
    | (?<!\w)(?!(?:S3|MD5|SHA-?\d+)\b)[^\s(]*\d[^\s,;:)]*   # numbers, digests, times, names with numbers
    """,
    re.VERBOSE,
)
_REPEATED = re.compile(r"…(?:[\s,;]*…)+")


def cause_of(note: str) -> str:
    """The cause that a note names, at most LONGEST characters; the same for notes that differ only in what they are about.

    An empty note has the empty cause.
    """
    line = _SUBJECT.sub(r"\1 …", first_line(note, limit=2 * LONGEST))
    line = _REPEATED.sub("…", _OWN.sub("…", line)).strip()
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1].rstrip()}…"
