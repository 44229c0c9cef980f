"""Generates the figures in README.md and docs/performance.md from bench/results.json, so that none is typed by hand.

`make bench` calls this after measuring; `python bench/figures.py` only rewrites the figures.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import results  # noqa: E402
from bench.report import figure  # noqa: E402

README, PERFORMANCE = ROOT / "README.md", ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- figures: generated from bench/results.json by bench/figures.py -->", "<!-- end of figures -->"
_LIST, _COUNTS = ("list", "admin", "no filter"), ("counts", "admin", "no filter")
_NAMES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


def summary(found: results.Results) -> Iterator[str]:
    """The lines with the three figures for README.md. Empty unless pages were measured at two sizes on PostgreSQL."""
    measured = found["measured"].get("postgresql", {})
    sizes = sorted(int(size) for size, parts in measured.items() if parts.get("pages"))
    if len(sizes) < 2:
        return
    small, large = (measured[str(size)]["pages"] for size in (sizes[0], sizes[-1]))
    page, counts = _one(large, _LIST), _one(large, _COUNTS)
    yield f"PostgreSQL with {sizes[-1]:,} items, on {found['machine']['cores']} cores:"
    yield ""
    yield f"- **An admin's list** takes {_time(page['ms'])}. With {sizes[0]:,} items, it takes {_time(_one(small, _LIST)['ms'])}."
    yield (
        f"- **All counts next to it** take {_time(counts['database_ms'])} of database time. The statements that Pharos used for"
        f" them take {_time(counts['pharos_counts_ms'])}."
    )
    yield f"- **Django's own admin** takes {_time(page['admin_ms'])} to list the same items with the same filters and counts."


def tables(found: results.Results) -> Iterator[str]:
    """The lines of the tables for docs/performance.md, including every missed target."""
    machine, measured = found["machine"], found["measured"]
    if not measured:
        return
    yield f"Measured on {machine['cores']} cores with {machine['memory_gb']} GB of memory. Each line is from a single run; times are medians."
    yield ""
    yield "| database, items | page | of which database | Django's admin | Pharos' statements | Registry's statements | the floor |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for vendor, sizes in measured.items():
        for size, parts in sorted(sizes.items(), key=lambda one: int(one[0])):
            for one in parts.get("pages", []):
                if results.key(one) == _LIST:
                    yield _row(f"{_NAMES[vendor]}, {int(size):,}", one)
    yield ""
    yield "| target | limit | measured | result | where |"
    yield "|---|---:|---:|---|---|"
    for one in found["targets"]:
        if one["found"] is not None:
            outcome = "met" if one["reached"] else f"**missed by {one['missed_by']}**"
            yield f"| {one['target']} | {one['limit']} | {figure(one['found'])} | {outcome} | {one['where']} |"


def _one(pages: list[dict[str, Any]], wanted: tuple[str, str, str]) -> dict[str, Any]:
    return next(one for one in pages if results.key(one) == wanted)


def _row(name: str, one: dict[str, Any]) -> str:
    names = ("ms", "database_ms", "admin_ms", "pharos_ms", "registry_ms", "floor_ms")
    return f"| {name} | {' | '.join(_ms(one.get(column)) for column in names)} |"


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{figure(value)} ms"


def _time(ms: float) -> str:
    return f"{ms / 1000:.3g} s" if ms >= 1000 else f"{figure(ms)} ms"


DOCUMENTS = {README: summary, PERFORMANCE: tables}


def replaced(document: Path, found: results.Results) -> str:
    """The document's text with its block of figures regenerated."""
    before, rest = document.read_text().split(BEGIN)
    return "\n".join([f"{before}{BEGIN}", "", *DOCUMENTS[document](found), "", f"{END}{rest.split(END)[1]}"])


def write(found: results.Results) -> None:
    for document in DOCUMENTS:
        document.write_text(replaced(document, found))


if __name__ == "__main__":
    write(results.read())
