"""The figures in README.md: a marked block that is made from bench/results.json, so that none is typed by hand.

python bench/readme.py writes the block anew; `make bench` does so, too.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import results  # noqa: E402
from bench.report import figure  # noqa: E402

README = ROOT / "README.md"
BEGIN, END = "<!-- figures: made from bench/results.json by bench/readme.py -->", "<!-- end of figures -->"
_WHO = ("list", "admin", "no filter")


def block(found: results.Results) -> str:
    """What stands between the two marks."""
    return "\n".join([BEGIN, *_lines(found), END])


def _lines(found: results.Results) -> Iterator[str]:
    machine, measured = found["machine"], found["measured"]
    if not measured:
        return
    yield ""
    yield f"Measured on {machine.get('cores')} cores with {machine.get('memory_gb')} GB; medians, each line within one run."
    yield "An admin's list of everything, the whole page in process:"
    yield ""
    yield "| database, items | page | of it the database | Django's admin | Pharos' statements | Registry's | the floor |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for vendor, sizes in measured.items():
        for size, parts in sorted(sizes.items(), key=lambda one: int(one[0])):
            for one in parts.get("pages", []):
                if results.key(one) == _WHO:
                    yield _row(f"{_NAMES[vendor]}, {int(size):,}", one)
    yield ""
    yield "| target | limit | measured | |"
    yield "|---|---:|---:|---|"
    for one in found["targets"]:
        if one["found"] is not None:
            outcome = "reached" if one["reached"] else f"missed by {one['missed_by']}"
            yield f"| {one['target']} | {one['limit']} | {figure(one['found'])} | {outcome} |"
    yield ""


_NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


def _row(name: str, one: dict[str, Any]) -> str:
    names = ("ms", "database_ms", "admin_ms", "pharos_ms", "registry_ms", "floor_ms")
    cells = [f"{figure(one[column])} ms" if one.get(column) is not None else "–" for column in names]
    return f"| {name} | {' | '.join(cells)} |"


def replaced(text: str, found: results.Results) -> str:
    """The README's text with the block in it made anew."""
    before, rest = text.split(BEGIN)
    return before + block(found) + rest.split(END)[1]


def write(found: results.Results) -> None:
    README.write_text(replaced(README.read_text(), found))


if __name__ == "__main__":
    write(results.read())
