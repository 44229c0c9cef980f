"""Reads and writes `bench/results.json`: all measurements, and ratios within each run. New runs are merged into it."""

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).resolve().parent / "results.json"
Results = dict[str, Any]


def read(path: Path = PATH) -> Results:
    return json.loads(path.read_text()) if path.exists() else {"machine": {}, "measured": {}, "targets": []}


def write(results: Results, path: Path = PATH) -> None:
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def merge(results: Results, vendor: str, size: int, part: str, found: Any) -> None:
    """Replaces the results of one part at one size."""
    results["measured"].setdefault(vendor, {}).setdefault(str(size), {})[part] = found


def derive(results: Results) -> None:
    """Adds each page's ratios to its floor and baselines, and its growth since the smallest size from the interleaved part."""
    grown = {key(one): one["growth"] for one in results.get("interleaved", [])}
    for vendor, sizes in results["measured"].items():
        for size, parts in sizes.items():
            for one in parts.get("pages", []):
                one["ratios"] = _ratios(one)
                growth = grown.get(key(one), {}).get(f"{vendor} {size}")
                if growth is not None:
                    one["ratios"]["growth"] = growth


def key(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["page"], record["who"], record["case"]


def _ratios(one: dict[str, Any]) -> dict[str, float]:
    """`floor` is our database time ÷ the floor. The other ratios are a baseline's time ÷ ours: database time for baselines
    that are statements, page time for those that are pages.
    """
    found = {}
    if one.get("floor_ms") and one.get("database_ms"):
        found["floor"] = one["database_ms"] / one["floor_ms"]
    for baselines, ours in ((("pharos", "pharos_counts", "registry"), "database_ms"), (("admin", "same_bytes"), "ms")):
        for baseline in baselines:
            if one.get(f"{baseline}_ms") and one.get(ours):
                found[baseline] = one[f"{baseline}_ms"] / one[ours]
    return {name: _rounded(value) for name, value in found.items()}


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
