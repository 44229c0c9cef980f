"""Runs an import: reads the files, stores the items in batches through `transitions`, and counts the results."""

import contextlib
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from os import fstat
from pathlib import Path
from typing import Any, BinaryIO

from django.db import DataError, Error, IntegrityError, OperationalError, transaction
from django.utils import timezone
from tqdm import tqdm

from ... import durations, transitions
from ...models import WorkItem
from ..exporting import clear_query_log
from . import formats, parsing, reconciling
from .formats import DetectedFile
from .institutions import TABLE_NAMES, Institutions, find_table
from .parsing import ImportedItem, InvalidRow
from .raw_rows import ImportStopped, RawRow, TruncatedFile, UnreadableFile
from .rejects import Rejects, rejects_paths

BATCH_SIZE = 1000
STANDARD_INPUT = "-"
_MAX_ATTEMPTS = 3
_MAX_ETAG_EXAMPLES = 5


@dataclass
class Summary:
    """The results of an import. Each accepted row is created, updated, unchanged, or newer here."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    newer_here: int = 0
    rejected: int = 0
    odd_paths: int = 0
    damaged_etags: int = 0
    without_date: int = 0
    reviewed_dropped: int = 0
    institutions_created: int = 0
    damaged_examples: list[str] = field(default_factory=list)
    ignored_columns: set[str] = field(default_factory=set)
    cut_short: list[str] = field(default_factory=list)
    rejects_files: list[Path] = field(default_factory=list)
    old_rejects: list[Path] = field(default_factory=list)  # removed files of earlier runs
    one_page: list[tuple[str, str]] = field(
        default_factory=list
    )  # (file, next page) for files that are only one page of a list
    is_interrupted: bool = False
    has_histories: bool = False

    @property
    def is_whole(self) -> bool:
        return not (self.rejected or self.cut_short or self.is_interrupted)


Pair = tuple[RawRow, ImportedItem | InvalidRow]


@dataclass
class _ImportRun:
    institutions: Institutions
    summary: Summary
    format: str | None
    now: datetime
    institution_map: Path | None


def import_files(
    paths: Sequence[str | Path],
    *,
    format: str | None = None,
    institution_map: str | Path | None = None,
    rejects: str | Path | None = None,
    stdin: BinaryIO | None = None,
    batch: int = BATCH_SIZE,
    progress: bool = True,
) -> Summary:
    """Imports every valid row of the files; `-` is standard input. Returns the summary.

    Raises UnreadableFile, before anything is stored, for a file that is missing or has no known format; ImportStopped
    if the database or the disk fails. Ctrl-C stops after the last complete batch, and the summary says so.
    """
    run = _ImportRun(
        Institutions(), Summary(), format, timezone.now(), Path(institution_map) if institution_map else None
    )
    if run.institution_map:
        run.institutions.read_table(run.institution_map)
    names = [str(path) for path in paths]
    _check_files(names, run)
    paths_of = rejects_paths(names, rejects)
    with contextlib.ExitStack() as stack:
        rejects_at = {path: stack.enter_context(Rejects(path)) for path in set(paths_of.values())}
        try:
            for name in names:
                rejected = rejects_at[paths_of[name]]
                rejected.source = name if len(names) > len(rejects_at) else ""
                with _open_input(name, stdin) as (stream, size), _progress_bar(name, size, progress) as bar:
                    _import_file(stream, name, bar, rejected, run, batch)
            if not run.summary.cut_short:
                run.summary.old_rejects = sorted(path for path, file in rejects_at.items() if file.remove_old())
        except KeyboardInterrupt:
            run.summary.is_interrupted = True
        except ImportStopped as stopped:
            stopped.summary = run.summary
            raise
        finally:
            run.summary.rejects_files = sorted(path for path, file in rejects_at.items() if file.is_made)
    if run.summary.has_histories:
        _update_durations(run, progress)
    return run.summary


def _update_durations(run: _ImportRun, progress: bool) -> None:
    """Updates durations and usual times from the imported histories."""
    with _progress_bar("durations from the histories", None, progress) as bar:
        durations.backfill_stage_entered_at()
        durations.rebuild_durations(run.now, progress=lambda items: bar.update(items - bar.n))


def _check_files(names: Sequence[str], run: _ImportRun) -> None:
    """Checks all files first, so that nothing is stored if one of them can't be read."""
    for name in names:
        if _is_stream(name):
            continue
        with _open_input(name, None) as (stream, _size):
            _find_table(name, formats.detect_format(stream, name, wanted=run.format), run)


def _is_stream(name: str) -> bool:
    """Returns whether it can be read only once, like standard input or a named pipe."""
    return name == STANDARD_INPUT or Path(name).is_fifo() or Path(name).is_char_device()


def _find_table(name: str, found: DetectedFile, run: _ImportRun) -> None:
    """Loads the table of institutions next to a dump. Raises UnreadableFile if a dump has none, because it needs one."""
    table = find_table(Path(name)) if not _is_stream(name) and not run.institution_map else None
    if table:
        run.institutions.read_table(table)
    if found.format == formats.REGISTRY_CSV and not run.institutions.table:
        raise UnreadableFile(
            f"{name} names institutions by number. Provide Registry's institutions table (id, name, identifier) as CSV: with "
            f"--institution-map, or as {TABLE_NAMES[0]} next to the file."
        )


@contextlib.contextmanager
def _open_input(name: str, stdin: BinaryIO | None) -> Iterator[tuple[BinaryIO, int | None]]:
    """Opens the file. Yields it and its size, or None for a pipe."""
    try:
        if name == STANDARD_INPUT:
            stream = stdin or sys.stdin.buffer
            yield stream, _size(stream)
        else:
            with open(name, "rb", buffering=0) as file:
                yield file, _size(file)
    except OSError as error:
        raise UnreadableFile(f"{name} can't be read: {error.strerror or error}.") from error


def _size(stream: Any) -> int | None:
    try:
        status = fstat(stream.fileno())
    except (OSError, AttributeError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _progress_bar(name: str, size: int | None, progress: bool) -> Any:
    unit = {"unit": "B", "total": size} if size else {"unit": " rows"}
    # disable=None: only shown on a terminal
    return tqdm(desc=Path(name).name, unit_scale=True, disable=None if progress else True, file=sys.stderr, **unit)


def _import_file(stream: BinaryIO, name: str, bar: Any, rejects: Rejects, run: _ImportRun, batch: int) -> None:
    by_bytes = bar.total is not None
    advance: Callable[[int], object] = bar.update if by_bytes else lambda size: None
    found = formats.detect_format(stream, name, wanted=run.format, advance=advance)
    if _is_stream(name):
        _find_table(name, found, run)
    read = parsing.parse_export if found.format == formats.PHAROS_EXPORT else _reader(run.institutions)
    waiting: list[Pair] = []
    ids: set[int] = set()
    domains: set[str] = set()

    def flush() -> None:
        _store_batch(waiting, domains, rejects, run)
        if not by_bytes:
            bar.update(len(waiting))
        bar.set_postfix_str(f"{run.summary.read:,} rows", refresh=False)
        waiting.clear()
        ids.clear()
        domains.clear()

    try:
        for raw in found.rows():
            if raw.kind == "institution":
                _add_institution(raw, domains, waiting, run)
                continue
            arrival = _parse(raw, read, run)
            if isinstance(arrival, ImportedItem):
                if arrival.id in ids:
                    flush()  # store the earlier row first, so that this one is compared with it
                ids.add(arrival.id)
            waiting.append((raw, arrival))
            if len(waiting) >= batch:
                flush()
    except TruncatedFile as short:
        run.summary.cut_short.append(f"{name} is incomplete: {short}.")
    except OSError as error:
        run.summary.cut_short.append(f"{name} can't be read any further: {error.strerror or error}.")
    flush()
    if found.next_page:
        run.summary.one_page.append((name, found.next_page))


def _reader(institutions: Institutions) -> Callable[[Any], ImportedItem]:
    def read(row: Any) -> ImportedItem:
        arrival = parsing.parse_row(row)
        arrival.domain = institutions.find_domain(row)
        parsing.derive_object_identifier(arrival)
        return arrival

    return read


def _parse(raw: RawRow, read: Callable[[Any], ImportedItem], run: _ImportRun) -> ImportedItem | InvalidRow:
    if raw.problem:
        return InvalidRow(raw.problem)
    try:
        arrival = read(raw.value)
        # In an export, the row is under "item", next to its history.
        arrival.domain = arrival.domain or run.institutions.find_domain(raw.value["item"])
    except InvalidRow as bad:
        return bad
    return arrival


def _add_institution(raw: RawRow, domains: set[str], waiting: list[Pair], run: _ImportRun) -> None:
    institution = raw.value["institution"]
    try:
        domains.add(run.institutions.add(institution.get("identifier"), institution.get("name")))
    except InvalidRow as bad:
        waiting.append((raw, bad))


def _store_batch(waiting: list[Pair], domains: set[str], rejects: Rejects, run: _ImportRun) -> None:
    """Stores a batch in one transaction, or row by row if the database rejects a row."""
    if not waiting and not domains:
        return
    good = [(raw, arrival) for raw, arrival in waiting if isinstance(arrival, ImportedItem)]
    outcomes: dict[int, str | InvalidRow] = {id(raw): bad for raw, bad in waiting if isinstance(bad, InvalidRow)}
    try:
        outcomes |= _store_in_transaction(good, domains, run)
    except (IntegrityError, DataError, ValueError, OverflowError):
        for pair in good:
            try:
                outcomes |= _store_in_transaction([pair], domains, run)
            except (IntegrityError, DataError, ValueError, OverflowError) as error:
                outcomes[id(pair[0])] = InvalidRow(f"the database rejects it: {str(error).strip().splitlines()[0]}")
    for raw, arrival in waiting:
        _count(raw, arrival, outcomes[id(raw)], rejects, run.summary)
    clear_query_log()


def _store_in_transaction(
    good: list[tuple[RawRow, ImportedItem]], domains: set[str], run: _ImportRun
) -> dict[int, str | InvalidRow]:
    """Stores rows in one transaction. Returns {id(row): outcome}.

    Retries after a deadlock or if the database is busy. Raises ImportStopped for persistent errors.
    """
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        plan = _BatchWriter(good, run)
        try:
            with transaction.atomic():
                for domain in run.institutions.missing(domains):
                    plan.institution_id(domain)
                if good:
                    brings_history = any(arrival.entries is not None for _raw, arrival in good)
                    history = reconciling.ENTRY_COLUMNS if brings_history else ()
                    transitions.store_imported([arrival.id for _raw, arrival in good], plan, history=history)
        except OperationalError as error:
            if attempt == _MAX_ATTEMPTS or transaction.get_connection().in_atomic_block:
                raise ImportStopped(f"Database error: {str(error).strip()}.") from error
        except (IntegrityError, DataError):
            raise
        except Error as error:
            raise ImportStopped(f"Database error: {str(error).strip()}.") from error
        else:
            run.institutions.ids |= plan.new_institutions
            run.summary.institutions_created += len(plan.new_institutions)
            return plan.outcomes
    raise AssertionError("the last attempt either returns or raises")


class _BatchWriter:
    """The callback of `transitions.store_imported`, which reconciles each imported item with the locked stored row."""

    def __init__(self, good: list[tuple[RawRow, ImportedItem]], run: _ImportRun) -> None:
        self.good = good
        self.run = run
        self.outcomes: dict[int, str | InvalidRow] = {}
        self.new_institutions: dict[str, int] = {}

    def institution_id(self, domain: str) -> int:
        institutions = self.run.institutions
        if domain not in institutions.ids and domain not in self.new_institutions:
            self.new_institutions[domain] = institutions.create(domain)
        return institutions.ids.get(domain) or self.new_institutions[domain]

    def __call__(
        self, stored: dict[int, WorkItem], histories: dict[int, list[reconciling.Entry]]
    ) -> transitions.ImportedRows:
        write = transitions.ImportedRows([], [], [])
        for raw, arrival in self.good:
            try:
                verdict = reconciling.reconcile(
                    arrival, stored.get(arrival.id), histories.get(arrival.id, []), self.run.now
                )
            except InvalidRow as bad:
                self.outcomes[id(raw)] = bad
                continue
            self.outcomes[id(raw)] = verdict.outcome
            if verdict.item is not None and verdict.outcome == reconciling.CREATED:
                verdict.item.institution_id = self.institution_id(arrival.domain)
                write.new.append(verdict.item)
            elif verdict.item is not None:
                write.changed.append(verdict.item)
            write.entries.extend(verdict.entries)
        return write


def _count(
    raw: RawRow, arrival: ImportedItem | InvalidRow, outcome: str | InvalidRow, rejects: Rejects, summary: Summary
) -> None:
    summary.read += 1
    if isinstance(outcome, InvalidRow) or isinstance(arrival, InvalidRow):
        summary.rejected += 1
        rejects.write(raw, str(outcome))
        return
    setattr(summary, outcome, getattr(summary, outcome) + 1)
    is_news = outcome in (reconciling.CREATED, reconciling.UPDATED)
    summary.has_histories |= is_news and arrival.entries is not None
    summary.odd_paths += arrival.has_odd_path
    summary.without_date += arrival.has_no_date
    summary.reviewed_dropped += arrival.was_reviewed
    summary.ignored_columns |= arrival.ignored
    if arrival.has_damaged_etag:
        summary.damaged_etags += 1
        if len(summary.damaged_examples) < _MAX_ETAG_EXAMPLES:
            summary.damaged_examples.append(f"{arrival.fields['etag']} (id {arrival.id})")
