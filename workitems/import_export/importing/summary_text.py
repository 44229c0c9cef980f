"""The results of an import in plain sentences."""

from collections.abc import Iterator, Sequence

from .raw_rows import printable
from .run import Summary


def summary_lines(summary: Summary) -> Iterator[str]:
    yield (
        f"{_rows(summary.read)} read: {summary.created:,} new, {summary.updated:,} updated, {summary.unchanged:,} unchanged, "
        f"{summary.newer_here:,} newer here and left as they are, {summary.rejected:,} rejected."
    )
    if summary.institutions_created:
        yield f"Institutions that were not known yet and are now: {summary.institutions_created:,}."
    if summary.odd_paths:
        yield f"{_rows(summary.odd_paths)} at a stage or with a success that their action does not have; taken as they are."
    if summary.damaged_etags:
        named = ", ".join(summary.damaged_examples)
        yield f"{_rows(summary.damaged_etags)} with an etag that a spreadsheet has damaged, kept as it is: {named}."
    if summary.without_date:
        yield f"{_rows(summary.without_date)} without the date of receipt; when it was created stands for it."
    if summary.reviewed_dropped:
        yield f"{_rows(summary.reviewed_dropped)} marked reviewed though still open; taken as not reviewed."
    if summary.ignored_columns:
        yield printable(f"Not taken, as there is no place for it here: {', '.join(sorted(summary.ignored_columns))}.")
    yield from _pages(summary.one_page)
    yield from summary.cut_short
    if summary.rejects_files:
        yield f"The rejected rows, with the reasons: {', '.join(map(str, summary.rejects_files))}."
    if summary.old_rejects:
        yield f"Nothing is rejected any more; removed the rejects of an earlier run: {', '.join(map(str, summary.old_rejects))}."
    if summary.is_interrupted:
        yield "Interrupted. What is counted above is in; the same command goes on from there."


def _pages(one_page: Sequence[tuple[str, str]]) -> Iterator[str]:
    """A list reply that names a next page isn't the complete list."""
    if not one_page:
        return
    name, following = one_page[-1]
    following = printable(following[:300])
    if len(one_page) == 1:
        yield (
            f"{name} was one page of a longer list, so more items exist: its “next” is {following}. Import that page, too, "
            "unless you have."
        )
    else:
        yield (
            f"{len(one_page):,} files were each one page of a longer list. See that all pages were imported; the “next” of "
            f"{name} is {following}."
        )


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"
