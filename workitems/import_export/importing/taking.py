"""The run of an import: files in, batches through the door, and what became of it all."""

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
from ..exporting import forget_statements
from . import formats, judging, rows
from .formats import Recognised
from .institutions import USUAL_NAMES, Institutions, beside
from .raw import CutShort, Raw, Stopped, Unreadable
from .rejects import Rejects, rejects_path
from .rows import Arrival, Bad

BATCH = 1000
STANDARD_INPUT = "-"
_ATTEMPTS = 3
_NAMED_ETAGS = 5


@dataclass
class Summary:
    """What became of the rows. Those that went in are created, updated, unchanged or newer here."""

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
    old_rejects: list[Path] = field(default_factory=list)  # of earlier runs, removed
    one_page: list[tuple[str, str]] = field(
        default_factory=list
    )  # files that hold a part of a list, and what comes next
    is_interrupted: bool = False
    has_histories: bool = False

    @property
    def is_whole(self) -> bool:
        return not (self.rejected or self.cut_short or self.is_interrupted)


Pair = tuple[Raw, Arrival | Bad]


@dataclass
class _Run:
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
    batch: int = BATCH,
    progress: bool = True,
) -> Summary:
    """Takes in every row of the files that can go in; `-` is standard input. Says what became of them.

    Raises Unreadable, before anything is stored, for a file that is not there or is in no format that we know; Stopped where
    the database or the disk fails. Ctrl-C ends it after the last whole batch; the summary then says so.
    """
    run = _Run(Institutions(), Summary(), format, timezone.now(), Path(institution_map) if institution_map else None)
    if run.institution_map:
        run.institutions.read_table(run.institution_map)
    names = [str(path) for path in paths]
    _check_files(names, run)
    paths_of = rejects_path(names, rejects)
    with contextlib.ExitStack() as stack:
        rejects_at = {path: stack.enter_context(Rejects(path)) for path in set(paths_of.values())}
        try:
            for name in names:
                rejected = rejects_at[paths_of[name]]
                rejected.source = name if len(names) > len(rejects_at) else ""
                with _opened(name, stdin) as (stream, size), _bar(name, size, progress) as bar:
                    _take_file(stream, name, bar, rejected, run, batch)
            if not run.summary.cut_short:
                run.summary.old_rejects = sorted(path for path, file in rejects_at.items() if file.remove_old())
        except KeyboardInterrupt:
            run.summary.is_interrupted = True
        except Stopped as stopped:
            stopped.summary = run.summary
            raise
        finally:
            run.summary.rejects_files = sorted(path for path, file in rejects_at.items() if file.is_made)
    if run.summary.has_histories:
        _learn(run, progress)
    return run.summary


def _learn(run: _Run, progress: bool) -> None:
    """What the histories say of how long things take."""
    with _bar("what the histories say of times", None, progress) as bar:
        durations.backfill_stage_entered_at()
        durations.rebuild_durations(run.now, progress=lambda items: bar.update(items - bar.n))


def _check_files(names: Sequence[str], run: _Run) -> None:
    """So that a wrong last name does not show only when all the others are in."""
    for name in names:
        if _is_stream(name):
            continue
        with _opened(name, None) as (stream, _size):
            _find_table(name, formats.recognise(stream, name, wanted=run.format), run)


def _is_stream(name: str) -> bool:
    """Whether it can be read only once: standard input, or a pipe with a name."""
    return name == STANDARD_INPUT or Path(name).is_fifo() or Path(name).is_char_device()


def _find_table(name: str, found: Recognised, run: _Run) -> None:
    """The table of institutions beside a dump; a dump says their numbers only, so there must be one."""
    table = beside(Path(name)) if not _is_stream(name) and not run.institution_map else None
    if table:
        run.institutions.read_table(table)
    if found.format == formats.REGISTRY_CSV and not run.institutions.table:
        raise Unreadable(
            f"{name} names institutions by number. Give Registry's institutions table (id, name, identifier) as CSV: by "
            f"--institution-map, or as {USUAL_NAMES[0]} beside the file."
        )


@contextlib.contextmanager
def _opened(name: str, stdin: BinaryIO | None) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file and its size, if it has one."""
    try:
        if name == STANDARD_INPUT:
            stream = stdin or sys.stdin.buffer
            yield stream, _size(stream)
        else:
            with open(name, "rb", buffering=0) as file:
                yield file, _size(file)
    except OSError as error:
        raise Unreadable(f"{name} cannot be read: {error.strerror or error}.") from error


def _size(stream: Any) -> int | None:
    try:
        status = fstat(stream.fileno())
    except (OSError, AttributeError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _bar(name: str, size: int | None, progress: bool) -> Any:
    unit = {"unit": "B", "total": size} if size else {"unit": " rows"}
    # None: only where a person looks on.
    return tqdm(desc=Path(name).name, unit_scale=True, disable=None if progress else True, file=sys.stderr, **unit)


def _take_file(stream: BinaryIO, name: str, bar: Any, rejects: Rejects, run: _Run, batch: int) -> None:
    by_bytes = bar.total is not None
    advance: Callable[[int], object] = bar.update if by_bytes else lambda size: None
    found = formats.recognise(stream, name, wanted=run.format, advance=advance)
    if _is_stream(name):
        _find_table(name, found, run)
    read = rows.read_export if found.format == formats.PHAROS_EXPORT else _reader(run.institutions)
    waiting: list[Pair] = []
    ids: set[int] = set()
    domains: set[str] = set()

    def flush() -> None:
        _store(waiting, domains, rejects, run)
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
            arrival = _arrival(raw, read, run)
            if isinstance(arrival, Arrival):
                if arrival.id in ids:
                    flush()  # the earlier one must be stored, for this one to be compared with
                ids.add(arrival.id)
            waiting.append((raw, arrival))
            if len(waiting) >= batch:
                flush()
    except CutShort as short:
        run.summary.cut_short.append(f"{name} is cut short: {short}.")
    except OSError as error:
        run.summary.cut_short.append(f"{name} cannot be read on: {error.strerror or error}.")
    flush()
    if found.next_page:
        run.summary.one_page.append((name, found.next_page))


def _reader(institutions: Institutions) -> Callable[[Any], Arrival]:
    def read(row: Any) -> Arrival:
        arrival = rows.read_row(row)
        arrival.domain = institutions.domain_of(row)
        rows.derive_object(arrival)
        return arrival

    return read


def _arrival(raw: Raw, read: Callable[[Any], Arrival], run: _Run) -> Arrival | Bad:
    if raw.problem:
        return Bad(raw.problem)
    try:
        arrival = read(raw.value)
        # An export's line keeps the row apart from its history.
        arrival.domain = arrival.domain or run.institutions.domain_of(raw.value["item"])
    except Bad as bad:
        return bad
    return arrival


def _add_institution(raw: Raw, domains: set[str], waiting: list[Pair], run: _Run) -> None:
    told = raw.value["institution"]
    try:
        domains.add(run.institutions.add(told.get("identifier"), told.get("name")))
    except Bad as bad:
        waiting.append((raw, bad))


def _store(waiting: list[Pair], domains: set[str], rejects: Rejects, run: _Run) -> None:
    """One batch: through the door together, or row by row where the database refuses one of them."""
    if not waiting and not domains:
        return
    good = [(raw, arrival) for raw, arrival in waiting if isinstance(arrival, Arrival)]
    outcomes: dict[int, str | Bad] = {id(raw): bad for raw, bad in waiting if isinstance(bad, Bad)}
    try:
        outcomes |= _take(good, domains, run)
    except (IntegrityError, DataError, ValueError, OverflowError):
        for pair in good:
            try:
                outcomes |= _take([pair], domains, run)
            except (IntegrityError, DataError, ValueError, OverflowError) as error:
                outcomes[id(pair[0])] = Bad(f"the database refuses it: {str(error).strip().splitlines()[0]}")
    for raw, arrival in waiting:
        _count(raw, arrival, outcomes[id(raw)], rejects, run.summary)
    forget_statements()


def _take(good: list[tuple[Raw, Arrival]], domains: set[str], run: _Run) -> dict[int, str | Bad]:
    """In one transaction. A deadlock or a busy database is tried again; what stays broken stops the run."""
    for attempt in range(1, _ATTEMPTS + 1):
        plan = _Plan(good, run)
        try:
            with transaction.atomic():
                for domain in run.institutions.missing(domains):
                    plan.institution(domain)
                if good:
                    brings_history = any(arrival.entries is not None for _raw, arrival in good)
                    history = judging.ENTRY_COLUMNS if brings_history else ()
                    transitions.store_imported([arrival.id for _raw, arrival in good], plan, history=history)
        except OperationalError as error:
            if attempt == _ATTEMPTS or transaction.get_connection().in_atomic_block:
                raise Stopped(f"The database fails: {str(error).strip()}.") from error
        except (IntegrityError, DataError):
            raise
        except Error as error:
            raise Stopped(f"The database fails: {str(error).strip()}.") from error
        else:
            run.institutions.ids |= plan.new_institutions
            run.summary.institutions_created += len(plan.new_institutions)
            return plan.outcomes
    raise AssertionError("the last attempt either returns or raises")


class _Plan:
    """What the door asks, with the stored rows under lock: it judges each arrival."""

    def __init__(self, good: list[tuple[Raw, Arrival]], run: _Run) -> None:
        self.good = good
        self.run = run
        self.outcomes: dict[int, str | Bad] = {}
        self.new_institutions: dict[str, int] = {}

    def institution(self, domain: str) -> int:
        institutions = self.run.institutions
        if domain not in institutions.ids and domain not in self.new_institutions:
            self.new_institutions[domain] = institutions.create(domain)
        return institutions.ids.get(domain) or self.new_institutions[domain]

    def __call__(
        self, stored: dict[int, WorkItem], histories: dict[int, list[judging.Entry]]
    ) -> transitions.ImportedRows:
        write = transitions.ImportedRows([], [], [])
        for raw, arrival in self.good:
            try:
                verdict = judging.judge(arrival, stored.get(arrival.id), histories.get(arrival.id, []), self.run.now)
            except Bad as bad:
                self.outcomes[id(raw)] = bad
                continue
            self.outcomes[id(raw)] = verdict.outcome
            if verdict.item is not None and verdict.outcome == judging.CREATED:
                verdict.item.institution_id = self.institution(arrival.domain)
                write.new.append(verdict.item)
            elif verdict.item is not None:
                write.changed.append(verdict.item)
            write.entries.extend(verdict.entries)
        return write


def _count(raw: Raw, arrival: Arrival | Bad, outcome: str | Bad, rejects: Rejects, summary: Summary) -> None:
    summary.read += 1
    if isinstance(outcome, Bad) or isinstance(arrival, Bad):
        summary.rejected += 1
        rejects.write(raw, str(outcome))
        return
    setattr(summary, outcome, getattr(summary, outcome) + 1)
    is_news = outcome in (judging.CREATED, judging.UPDATED)
    summary.has_histories |= is_news and arrival.entries is not None
    summary.odd_paths += arrival.has_odd_path
    summary.without_date += arrival.has_no_date
    summary.reviewed_dropped += arrival.was_reviewed
    summary.ignored_columns |= arrival.ignored
    if arrival.has_damaged_etag:
        summary.damaged_etags += 1
        if len(summary.damaged_examples) < _NAMED_ETAGS:
            summary.damaged_examples.append(f"{arrival.fields['etag']} (id {arrival.id})")
