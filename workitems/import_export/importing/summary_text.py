"""Formats the results of an import as sentences."""

from collections.abc import Iterator, Sequence

from .raw_rows import printable
from .run import Summary


def summary_lines(summary: Summary) -> Iterator[str]:
    yield (
        f"{_rows(summary.read)} read: {summary.created:,} new, {summary.updated:,} updated, {summary.unchanged:,} unchanged, "
        f"{summary.newer_here:,} skipped because they are newer here, {summary.rejected:,} rejected."
    )
    if summary.institutions_created:
        yield f"Institutions added: {summary.institutions_created:,}."
    if summary.odd_paths:
        yield f"{_rows(summary.odd_paths)} with a stage or a success that their action does not have; imported as they are."
    if summary.damaged_etags:
        named = ", ".join(summary.damaged_examples)
        yield f"{_rows(summary.damaged_etags)} with an etag damaged by a spreadsheet; imported as it is: {named}."
    if summary.without_date:
        yield f"{_rows(summary.without_date)} without a date of receipt; the creation date is used instead."
    if summary.reviewed_dropped:
        yield f"{_rows(summary.reviewed_dropped)} marked as reviewed but still open; imported as not reviewed."
    if summary.ignored_columns:
        yield printable(f"Ignored, because there is no field for it: {', '.join(sorted(summary.ignored_columns))}.")
    yield from _pages(summary.one_page)
    yield from summary.cut_short
    if summary.rejects_files:
        yield f"Rejected rows with their reasons: {', '.join(map(str, summary.rejects_files))}."
    if summary.old_rejects:
        yield f"Nothing was rejected; removed the rejects of an earlier run: {', '.join(map(str, summary.old_rejects))}."
    if summary.is_interrupted:
        yield "Interrupted. The rows counted above were imported; run the same command to continue."


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


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"
