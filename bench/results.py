"""`bench/results.json`: what was measured, with the ratios within each run. Runs of other sizes are merged into it."""

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
    """Puts what a run has found of one part in the place of what was there."""
    results["measured"].setdefault(vendor, {}).setdefault(str(size), {})[part] = found


def derive(results: Results) -> None:
    """Adds the ratios of each page to its floor and to each peer, and its growth since the smallest size, measured in turns."""
    grown = {key(one): one["growth"] for one in results.get("turns", [])}
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
    """`floor`: the database's time ÷ the floor; of peers that are bare statements, their time ÷ the database's; of whole
    pages, their time ÷ the page's."""
    found = {}
    if one.get("floor_ms") and one.get("database_ms"):
        found["floor"] = one["database_ms"] / one["floor_ms"]
    for peers, beside in ((("pharos", "pharos_counts", "registry"), "database_ms"), (("admin", "same_bytes"), "ms")):
        for peer in peers:
            if one.get(f"{peer}_ms") and one.get(beside):
                found[peer] = one[f"{peer}_ms"] / one[beside]
    return {name: _rounded(value) for name, value in found.items()}


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
