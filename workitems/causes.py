import re

_N = re.compile(r"\S*\d\S*")


def cause_of(note: str) -> str:
    return _N.sub("…", note.strip().split("\n")[0])[:200]
