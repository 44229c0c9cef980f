"""`bench/results.json`: what was measured, with the ratios within each run. Runs of other sizes are merged into it."""

import json
from pathlib import Path
from typing import Any

PATH = Path(__file__).resolve().parent / "results.json"
BASE = "100000"  # the size that growth is told against
Results = dict[str, Any]


def read(path: Path = PATH) -> Results:
    return json.loads(path.read_text()) if path.exists() else {"machine": {}, "measured": {}, "targets": []}


def write(results: Results, path: Path = PATH) -> None:
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def merge(results: Results, vendor: str, size: int, part: str, found: Any, run: str) -> None:
    """Puts what a run has found of one part in the place of what was there."""
    place = results["measured"].setdefault(vendor, {}).setdefault(str(size), {})
    place[part] = found
    place.setdefault("runs", {})[part] = run


def derive(results: Results) -> None:
    """Adds the ratios: each page to its floor and to each peer, and to itself at the smallest size of the same run."""
    for sizes in results["measured"].values():
        base = sizes.get(BASE, {})
        for size, parts in sizes.items():
            is_same_run = parts.get("runs", {}).get("pages") == base.get("runs", {}).get("pages")
            before = {key(one): one for one in base.get("pages", [])} if is_same_run and size != BASE else {}
            for one in parts.get("pages", []):
                one["ratios"] = _ratios(one) | _growth(one, before.get(key(one)))


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


def _growth(one: dict[str, Any], before: dict[str, Any] | None) -> dict[str, float]:
    return {"growth": _rounded(one["ms"] / before["ms"])} if before else {}


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")
