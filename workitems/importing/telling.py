"""What an import has done, in plain sentences."""

from collections.abc import Iterator

from .taking import Summary


def sentences(summary: Summary) -> Iterator[str]:
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
        yield f"Not taken, as there is no place for it here: {', '.join(sorted(summary.ignored_columns))}."
    yield from summary.cut_short
    if summary.rejects_files:
        yield f"The rejected rows, with the reasons: {', '.join(map(str, summary.rejects_files))}."
    if summary.is_interrupted:
        yield "Interrupted. What is counted above is in; the same command goes on from there."


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"
