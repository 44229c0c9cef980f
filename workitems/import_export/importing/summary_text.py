"""Formats the results of an import as sentences."""

from collections.abc import Iterator, Sequence

from .raw_rows import printable
from .remarks import Noted, Remark, count_rows, describe_groups, describe_ids
from .summary import Summary

_SEE_EXAMPLES = frozenset(
    {
        Remark.DAMAGED_ETAG,
        Remark.KEPT_ETAG,
        Remark.MENDED_ETAG,
        Remark.SCIENTIFIC,
        Remark.BEYOND_EXACT,
        Remark.NOT_SET,
        Remark.WORD_KEPT,
        Remark.YEAR_2001,
        Remark.CUT_BY_SHEET,
        Remark.SHEET_ERROR,
        Remark.GUARDED,
    }
)
_BY_FIELD = frozenset({Remark.KEPT_NUMBER, Remark.NEWER_HERE, Remark.SAME_TIMES, Remark.SAME_LINE_ENDS})


def summary_lines(summary: Summary) -> Iterator[str]:
    if summary.is_dry_run:
        yield "Dry run: nothing was written. This is what the import would do."
    yield (
        f"{count_rows(summary.read)} read: {summary.created:,} new, {summary.updated:,} updated, {summary.unchanged:,} unchanged, "
        f"{summary.newer_here:,} skipped because they are newer here, {summary.rejected:,} rejected."
    )
    if summary.institutions_created:
        yield f"Institutions added: {summary.institutions_created:,}."
    if summary.states:
        yield f"Worker states in the file: {summary.states:,}."
    yield from map(printable, summary.notices)
    for remark in Remark:
        if remark in summary.remarks:
            yield printable(_remark(remark, summary.remarks[remark]))
    if summary.ignored_columns:
        yield printable(f"Ignored, because there is no field for it: {', '.join(sorted(summary.ignored_columns))}.")
    for table, rows in sorted(summary.ignored_tables.items()):
        yield printable(f"Ignored, because it is not imported: {count_rows(rows)} of {table}.")
    yield from _pages(summary.one_page)
    yield from summary.cut_short
    yield from map(printable, summary.first_rejected)
    if summary.rejects_files:
        yield f"Rejected rows with their reasons: {', '.join(map(str, summary.rejects_files))}."
    if summary.old_rejects:
        yield f"Nothing was rejected; removed the rejects of an earlier run: {', '.join(map(str, summary.old_rejects))}."
    if summary.is_interrupted:
        yield "Interrupted. The rows counted above were imported; run the same command to continue."


def _remark(remark: Remark, noted: Noted) -> str:
    if remark in _BY_FIELD:
        return f"{count_rows(noted.rows)} {remark}: {describe_groups(noted)}."
    examples = ", ".join(noted.examples) if remark in _SEE_EXAMPLES else ""
    if examples and len(noted.examples) == noted.rows:
        return f"{count_rows(noted.rows)} {remark}: {examples}."
    return f"{count_rows(noted.rows)} {remark}: {describe_ids(noted)}{examples and f'; for example {examples}'}."


def _pages(one_page: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Warns about files that are only one page of a longer list."""
    if not one_page:
        return
    name, following = one_page[-1]
    following = printable(following[:300])
    if len(one_page) == 1:
        yield (
            f"{name} is one page of a longer list, so there are more items: its “next” is {following}. Import that page "
            "too, unless you already have."
        )
    else:
        yield (
            f"{len(one_page):,} files are each one page of a longer list. Make sure that all pages were imported; the “next” of "
            f"{name} is {following}."
        )
