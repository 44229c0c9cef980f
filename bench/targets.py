"""The performance targets: what was measured for each, and whether it is met."""

from collections.abc import Iterator
from typing import Any

from .results import Results, key

Found = tuple[float, str]  # a figure, and the case it was measured in


def judge(results: Results) -> list[dict[str, Any]]:
    """Returns per target: {"target", "limit", "found", "where", "reached", "missed_by"}; `found` is None if it was not measured."""
    measured = results["measured"]
    postgresql = measured.get("postgresql", {})
    at = {size: postgresql.get(size, {}).get("pages", []) for size in ("100000", "10000000")}
    everywhere = [(size, one) for size, parts in postgresql.items() for one in parts.get("pages", [])]
    return [
        _at_most(
            "page at 10,000,000 items ÷ at 100,000, worst case without search",
            1.10,
            _growth(results, "postgresql 10000000"),
        ),
        _at_most(
            "page at 1,000,000 items ÷ at 100,000, worst case without search",
            1.10,
            _growth(results, "postgresql 1000000"),
        ),
        _at_most("database time of a list ÷ its floor, worst case without search", 3.0, _floors(everywhere)),
        _at_least("Django's admin ÷ the list, 100,000 items", 12, _unfiltered(at["100000"], "admin")),
        _at_least("Django's admin ÷ the list, 10,000,000 items", 1_000, _unfiltered(at["10000000"], "admin")),
        _at_least(
            "Pharos' counts ÷ ours, 10,000,000 items", 1_000, _unfiltered(at["10000000"], "pharos_counts", "counts")
        ),
        _at_most("page on SQLite ÷ on PostgreSQL, 1,000,000 items, worst case", 3.0, _sqlite_ratio(results, "1000000")),
        _at_most("a move ÷ the same move without the summary table, worst case", 1.25, _writes(postgresql)),
        _at_most("a worker's save during a bulk review ÷ without one, 95th percentile", 2.0, _bulk(postgresql)),
        _at_least("speed of an import, slowest tenth ÷ median tenth", 0.8, _steady(measured, "import")),
        _at_least("speed of a list's export, slowest tenth ÷ median tenth", 0.8, _steady(measured, "export")),
    ]


def _at_most(target: str, limit: float, found: Iterator[Found]) -> dict[str, Any]:
    worst = max(found, default=None)
    return _outcome(target, f"≤ {limit:g}", worst, lambda value: value / limit)


def _at_least(target: str, limit: float, found: Iterator[Found]) -> dict[str, Any]:
    worst = min(found, default=None)
    return _outcome(target, f"≥ {limit:,g}", worst, lambda value: limit / value)


def _outcome(target: str, limit: str, worst: Found | None, over: Any) -> dict[str, Any]:
    value, where = worst or (None, "")
    missed = over(value) if value is not None else None
    reached = None if missed is None else missed <= 1
    by = f"{100 * (missed - 1):.0f} %" if missed is not None and missed > 1 else ""
    return {"target": target, "limit": limit, "found": value, "where": where, "reached": reached, "missed_by": by}


def _name(one: dict[str, Any]) -> str:
    return ", ".join(part for part in key(one) if part)


def _growth(results: Results, name: str) -> Iterator[Found]:
    for one in results.get("interleaved", []):
        # Skip lists that render fewer rows at the smaller size.
        has_equal_rows = len(set(one["rows"].values())) == 1 or one["page"] != "list"
        if "search" not in one["case"] and has_equal_rows and name in one["growth"]:
            yield one["growth"][name], _name(one)


def _floors(records: list[tuple[str, dict[str, Any]]]) -> Iterator[Found]:
    for size, one in records:
        if one["page"] == "list" and "search" not in one["case"] and "floor" in one["ratios"]:
            yield one["ratios"]["floor"], f"{_name(one)}, {int(size):,} items"


def _unfiltered(records: list[dict[str, Any]], baseline: str, page: str = "list") -> Iterator[Found]:
    """The ratio for an admin's unfiltered list."""
    for one in records:
        if (one["page"], one["who"], one["case"]) == (page, "admin", "no filter") and baseline in one["ratios"]:
            yield one["ratios"][baseline], _name(one)


def _sqlite_ratio(results: Results, size: str) -> Iterator[Found]:
    for one in results.get("interleaved", []):
        if size in one["sqlite"]:
            yield one["sqlite"][size], _name(one)


def _writes(postgresql: dict) -> Iterator[Found]:
    for size, parts in postgresql.items():
        for one in parts.get("writes", []):
            yield one["time_ratio"], f"{one['writers']} writer{'s' if one['writers'] > 1 else ''}, {int(size):,} items"


def _bulk(postgresql: dict) -> Iterator[Found]:
    for size, parts in postgresql.items():
        if found := parts.get("bulk"):
            yield found["p95_ratio"], f"{found['items']:,} of {int(size):,} items marked"


def _steady(measured: dict, part: str) -> Iterator[Found]:
    for vendor, sizes in measured.items():
        for parts in sizes.values():
            found = parts.get(part, [])
            for one in found if isinstance(found, list) else [found]:
                what = one.get("form", "")
                yield one["steadiness"], f"{vendor}, {one.get('rows', one.get('items')):,} {what}".strip()
