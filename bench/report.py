"""The report for the terminal: one table of all pages, a line for each other measurement, and the targets."""

from collections.abc import Iterator
from typing import Any

from .results import Results

_COLUMNS = (
    "database",
    "items",
    "page",
    "who",
    "case",
    "ms",
    "in db",
    "÷ floor",
    "Pharos ×",
    "Registry ×",
    "admin ×",
    "÷ 100k",
)
_RATIOS = ("floor", "pharos", "registry", "admin", "growth")


def lines(results: Results) -> Iterator[str]:
    """All lines of the report."""
    yield from _about(results)
    yield ""
    table = [_COLUMNS, *_rows(results)]
    widths = [max(len(row[column]) for row in table) for column in range(len(_COLUMNS))]
    for row in table:
        yield "  ".join(
            cell.ljust(w) if index < 5 else cell.rjust(w)
            for index, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
    yield ""
    yield "÷ floor: database time ÷ the time of minimal prepared statements. Pharos ×, Registry ×: the time of their statements ÷"
    yield "our database time. admin ×: the page in Django's admin ÷ ours. ÷ 100k: growth since 100,000 items, measured interleaved."
    yield ""
    yield from _other_results(results)
    yield ""
    yield "Targets"
    yield from map(_target, results["targets"])


def _about(results: Results) -> Iterator[str]:
    """The machine, the versions, and the data."""
    machine = results["machine"]
    yield f"{machine['cores']} cores, {machine['memory_gb']} GB"
    for vendor, sizes in results["measured"].items():
        for size, parts in sorted(sizes.items(), key=lambda one: int(one[0])):
            if dataset := parts.get("dataset"):
                versions = ", ".join(f"{name} {number}" for name, number in dataset["versions"].items())
                yield (
                    f"{vendor}, {int(size):,} items: {dataset['entries']:,} history entries, {dataset['cells']:,} cells, data"
                    f" {dataset['hash'][:12]}; {versions}"
                )


def _rows(results: Results) -> Iterator[tuple[str, ...]]:
    for vendor, sizes in results["measured"].items():
        for size, parts in sorted(sizes.items(), key=lambda one: int(one[0])):
            for one in parts.get("pages", []):
                ratios = {"pharos": one["ratios"].get("pharos_counts"), **one["ratios"]}
                numbers = (figure(one["ms"]), figure(one["database_ms"]), *(figure(ratios.get(r)) for r in _RATIOS))
                yield vendor, f"{int(size):,}", one["page"], one["who"], one["case"], *numbers


def figure(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _other_results(results: Results) -> Iterator[str]:
    for vendor, sizes in results["measured"].items():
        for size, parts in sorted(sizes.items(), key=lambda one: int(one[0])):
            for text in (text for name, section in _SECTIONS.items() for text in section(parts.get(name))):
                yield f"{vendor}, {int(size):,} items: {text}"


def _writes(found: list[dict[str, Any]] | None) -> Iterator[str]:
    for one in found or []:
        yield (
            f"{one['writers']} writers: {one['writes_per_second']:,} writes/s, {one['without_summary']:,} without the summary:"
            f" it costs {100 * one['cost']:.1f} %"
        )


def _http(found: list[dict[str, Any]] | None) -> Iterator[str]:
    for one in found or []:
        plain = f", a minimal view {one['plain_per_second']:,.0f}/s" if "plain_per_second" in one else ""
        yield f"over HTTP, {one['case']}, {one['clients']} clients: {one['per_second']:,.0f}/s{plain}"


def _bulk(found: dict[str, Any] | None) -> Iterator[str]:
    if found:
        yield f"bulk review of {found['items']:,}: {found['items_per_second']:,} items/s; {_latency(found)}"


def _archive(found: dict[str, Any] | None) -> Iterator[str]:
    if found:
        yield f"archive of {found['entries']:,} entries: {found['entries_per_second']:,} entries/s; {_latency(found)}"


def _latency(found: dict[str, Any]) -> str:
    return (
        f"a worker's save during it {found['busy_p50_ms']} ms (95 %: {found['busy_p95_ms']}), alone {found['quiet_p50_ms']} ms"
        f" ({found['quiet_p95_ms']}): × {found['p50_ratio']} and × {found['p95_ratio']}"
    )


def _export(found: list[dict[str, Any]] | None) -> Iterator[str]:
    for one in found or []:
        yield (
            f"list as {one['form']}: {one['rows']:,} rows, {one['rows_per_second']:,} a second, slowest slice"
            f" × {one['steadiness']} of the median, memory grew by {one['grown_mb']} MB"
        )


def _import(found: dict[str, Any] | None) -> Iterator[str]:
    if found:
        yield (
            f"import of {found['items']:,}: {found['items_per_second']:,} items/s, slowest slice × {found['steadiness']}"
            f" of the median, peak memory {found['peak_mb']} MB"
        )


def _workers(found: dict[str, Any] | None) -> Iterator[str]:
    if found:
        yield f"{found['workers']} workers and an admin at once: {found['saves_per_second']:,.0f} saves/s, {found['faults']} faults"


_SECTIONS: dict[str, Any] = {
    "writes": _writes,
    "http": _http,
    "bulk": _bulk,
    "archive": _archive,
    "export": _export,
    "import": _import,
    "workers": _workers,
}


def _target(one: dict[str, Any]) -> str:
    if one["found"] is None:
        return f"  not measured   {one['target']} {one['limit']}"
    word = "met         " if one["reached"] else f"missed by {one['missed_by']}"
    return f"  {word}   {one['target']} {one['limit']}: {figure(one['found'])} ({one['where']})"
