"""Runs an import: reads the files, stores the items in batches, and counts the results."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.utils import timezone
from tqdm import tqdm

from ... import durations
from . import export_parsing, formats, parsing
from .formats import DetectedFile
from .institutions import TABLE_NAMES, Institutions, find_table
from .parsing import ImportedItem, InvalidRow
from .raw_rows import ImportStopped, RawRow, TruncatedFile, UnreadableFile
from .rejects import Rejects, rejects_paths
from .remarks import Remark
from .sources import Source, is_stream
from .storing import DryStoring, Outcome, Pair, Storing
from .summary import Summary
from .traces import Traces

BATCH_SIZE = 1000
_SHOWN_REJECTED = 20
_DOUBTFUL = frozenset('\\"')


@dataclass(frozen=True)
class Options:
    """What the user asks for, beside the files. `backslashes`: "plain" or "escaped", for a file that doesn't show it."""

    format: str | None = None
    institution_map: str | Path | None = None
    rejects: str | Path | None = None
    backslashes: str | None = None
    reject_damaged: bool = False
    dry_run: bool = False


@dataclass
class _ImportRun:
    options: Options
    institutions: Institutions
    storing: Storing
    summary: Summary
    now: datetime
    batch: int
    progress: bool
    found: dict[str, tuple[Source, DetectedFile]] = field(default_factory=dict)


def import_files(
    paths: Sequence[str | Path],
    *,
    stdin: BinaryIO | None = None,
    batch: int = BATCH_SIZE,
    progress: bool = True,
    **options: Any,
) -> Summary:
    """Imports every valid row of the files; `-` is standard input. Returns the summary. `options`: see Options.

    Raises UnreadableFile, before anything is stored, for a file that is missing or has no known format; ImportStopped
    if the database or the disk fails. Ctrl-C stops after the last complete batch, and the summary says so.
    """
    wanted, institutions, now = Options(**options), Institutions(), timezone.now()
    storing = (DryStoring if wanted.dry_run else Storing)(institutions, now)
    run = _ImportRun(wanted, institutions, storing, Summary(is_dry_run=wanted.dry_run), now, batch, progress)
    names = [str(path) for path in paths]
    paths_of = rejects_paths(names, wanted.rejects)
    with contextlib.ExitStack() as stack:
        stack.callback(storing.close)
        is_shown = wanted.dry_run and not wanted.rejects
        rejects_at = {} if is_shown else {path: stack.enter_context(Rejects(path)) for path in set(paths_of.values())}
        try:
            if wanted.institution_map:
                institutions.read_table(Path(wanted.institution_map))
            # All files first, so that a wrong last one isn't noticed only when the others are stored.
            for name in names:
                source = stack.enter_context(contextlib.closing(Source(name, stdin)))
                run.found[name] = source, _look_at(source, name, run)
            for name in names:
                rejected = rejects_at.get(paths_of[name])
                if rejected:
                    rejected.source = name if len(names) > len(rejects_at) else ""
                _import_file(name, rejected, run)
            if not run.summary.cut_short and not wanted.dry_run:
                run.summary.old_rejects = sorted(path for path, file in rejects_at.items() if file.remove_old())
        except KeyboardInterrupt:
            run.summary.is_interrupted = True
        except ImportStopped as stopped:
            stopped.summary = run.summary
            raise
        finally:
            run.summary.rejects_files = sorted(path for path, file in rejects_at.items() if file.is_made)
            run.summary.institutions_created = storing.institutions_created
    if run.summary.has_histories and not wanted.dry_run:
        try:
            _update_durations(run)
        except KeyboardInterrupt:
            run.summary.is_interrupted = True
    return run.summary


def _update_durations(run: _ImportRun) -> None:
    """Updates the usual durations from the imported histories."""
    with _progress_bar("what the histories say of times", None, run.progress) as bar:
        durations.backfill_stage_entered_at()
        durations.backfill_finished_at()
        durations.rebuild_durations(run.now, progress=lambda items: bar.update(items - bar.n))


def _look_at(source: Source, name: str, run: _ImportRun) -> DetectedFile:
    """Detects the format of a file, and loads the table of institutions next to it if it needs one."""
    found = formats.detect_format(source, wanted=run.options.format, backslashes=run.options.backslashes)
    table = None if is_stream(name) or run.options.institution_map else find_table(Path(name))
    if table:
        run.institutions.read_table(table)
    if not run.institutions.table and found.format != formats.DUMPDATA and run.institutions.is_number_only(found.first):
        raise UnreadableFile(
            f"{source.name} names institutions by number. Provide Registry's institutions table (id, identifier, name) as CSV or "
            f"JSON: with --institution-map, or as {TABLE_NAMES[0]} next to the file."
        )
    return found


def _progress_bar(name: str, size: int | None, progress: bool) -> Any:
    unit = {"unit": "B", "total": size} if size else {"unit": " rows"}
    # disable=None: only shown on a terminal
    return tqdm(desc=Path(name).name, unit_scale=True, disable=None if progress else True, file=sys.stderr, **unit)


def _import_file(name: str, rejects: Rejects | None, run: _ImportRun) -> None:
    source, found = run.found[name]
    run.summary.notices += found.notices
    with _progress_bar(name, source.size, run.progress) as bar:
        advance: Callable[[int], object] = bar.update if source.size else lambda size: None
        rows = _Rows(source.name, found, rejects, run, bar)
        try:
            for raw in found.rows(advance):
                rows.take(raw)
        except TruncatedFile as short:
            run.summary.cut_short.append(f"{source.name} is incomplete: {short}.")
        except OSError as error:
            run.summary.cut_short.append(f"{source.name} can't be read any further: {error.strerror or error}.")
        rows.flush()
    if found.next_page:
        run.summary.one_page.append((source.name, found.next_page))
    run.summary.notices += rows.traces.sentences()


class _Rows:
    """The rows of one file on their way into the database, a batch at a time."""

    def __init__(self, name: str, found: DetectedFile, rejects: Rejects | None, run: _ImportRun, bar: Any) -> None:
        self.found, self.rejects, self.run, self.bar = found, rejects, run, bar
        self.waiting: list[Pair] = []
        self.ids: set[int] = set()
        self.domains: set[str] = set()
        self.traces = Traces(name, marks_empty=found.marks_empty)

    def take(self, raw: RawRow) -> None:
        if raw.kind == "institution":
            self._add_institution(raw)
            return
        if raw.kind != "item":
            tables = self.run.summary.ignored_tables
            tables[raw.kind] = tables.get(raw.kind, 0) + 1
            return
        arrival = self._parse(raw)
        if isinstance(arrival, ImportedItem):
            if arrival.id in self.ids:
                self.flush()  # the earlier row must be stored first, to be compared with this one
            self.ids.add(arrival.id)
            if self.found.is_dump:
                self.traces.add(arrival, raw.value)
        else:
            self.traces.add_unreadable(raw.source)
        self.waiting.append((raw, arrival))
        if len(self.waiting) >= self.run.batch:
            self.flush()

    def flush(self) -> None:
        outcomes = self.run.storing.store(self.waiting, self.domains)
        for raw, arrival in self.waiting:
            self._count(raw, arrival, outcomes[id(raw)])
        if self.bar.total is None:
            self.bar.update(len(self.waiting))
        self.bar.set_postfix_str(f"{self.run.summary.read:,} rows", refresh=False)
        self.waiting.clear()
        self.ids.clear()
        self.domains.clear()

    def _parse(self, raw: RawRow) -> ImportedItem | InvalidRow:
        if raw.problem:
            return InvalidRow(raw.problem)
        try:
            if self.found.format == formats.PHAROS_EXPORT:
                arrival = export_parsing.parse_export(raw.value)
                arrival.domain, _guessed = self.run.institutions.find_domain(raw.value["item"])
                return arrival
            arrival = parsing.parse_row(raw.value, is_guarded=self.found.format == formats.LIST_CSV)
            arrival.domain, is_guessed = self.run.institutions.find_domain(raw.value)
        except InvalidRow as bad:
            return bad
        if self.run.options.reject_damaged and Remark.DAMAGED_ETAG in arrival.remarks:
            return InvalidRow(f"etag {arrival.remarks[Remark.DAMAGED_ETAG]} was damaged by a spreadsheet")
        if is_guessed:
            arrival.remarks[Remark.OWNER_GUESSED] = ""
        if self.found.is_doubtful and not _DOUBTFUL.isdisjoint(raw.text()):
            arrival.remarks[Remark.BACKSLASHES] = ""
        parsing.derive_object_identifier(arrival)
        return arrival

    def _add_institution(self, raw: RawRow) -> None:
        institution = raw.value["institution"]
        try:
            self.domains.add(self.run.institutions.add(institution.get("identifier"), institution.get("name")))
            if self.found.format == formats.DUMPDATA:
                self.run.institutions.read_line(institution)
        except InvalidRow as bad:
            self.waiting.append((raw, bad))

    def _count(self, raw: RawRow, arrival: ImportedItem | InvalidRow, outcome: Outcome) -> None:
        summary = self.run.summary
        summary.read += 1
        if isinstance(outcome, InvalidRow) or isinstance(arrival, InvalidRow):
            summary.rejected += 1
            self._reject(raw, str(outcome))
            return
        setattr(summary, outcome.outcome, getattr(summary, outcome.outcome) + 1)
        summary.has_histories |= outcome.item is not None and arrival.entries is not None
        summary.states += arrival.state is not None
        summary.ignored_columns |= arrival.ignored
        summary.add(arrival.id, outcome.remarks)

    def _reject(self, raw: RawRow, reason: str) -> None:
        if self.rejects:
            self.rejects.write(raw, reason)
        elif len(self.run.summary.first_rejected) < _SHOWN_REJECTED:
            self.run.summary.first_rejected.append(f"Row {raw.number} would be rejected: {reason}.")
