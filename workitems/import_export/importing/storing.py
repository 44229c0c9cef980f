"""Stores batches of parsed rows through `transitions`, or works out what storing them would do."""

import pickle
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import DataError, Error, IntegrityError, OperationalError, transaction

from pharos.accounts.models import Institution

from ... import transitions
from ...models import WorkItem, WorkItemState
from ..exporting import clear_query_log
from . import reconciling
from .institutions import Institutions
from .parsing import ImportedItem, InvalidRow
from .raw_rows import ImportStopped, RawRow
from .reconciling import Verdict

Pair = tuple[RawRow, ImportedItem | InvalidRow]
Outcome = Verdict | InvalidRow
_MAX_ATTEMPTS = 3


class Storing:
    """Stores each batch at once, or row by row if the database rejects one of them."""

    def __init__(self, institutions: Institutions, now: datetime) -> None:
        self.institutions = institutions
        self.now = now
        self.institutions_created = 0

    def store(self, waiting: list[Pair], domains: set[str]) -> dict[int, Outcome]:
        """Returns {id() of a raw row: what became of it}. `domains`: institutions that a file names without items."""
        if not waiting and not domains:
            return {}
        good = [(raw, arrival) for raw, arrival in waiting if isinstance(arrival, ImportedItem)]
        outcomes: dict[int, Outcome] = {id(raw): bad for raw, bad in waiting if isinstance(bad, InvalidRow)}
        try:
            outcomes |= self._write(good, domains)
        except (IntegrityError, DataError, ValueError, OverflowError):
            for pair in good:
                try:
                    outcomes |= self._write([pair], domains)
                except (IntegrityError, DataError, ValueError, OverflowError) as error:
                    outcomes[id(pair[0])] = InvalidRow(f"the database rejects it: {str(error).strip().splitlines()[0]}")
        clear_query_log()
        return outcomes

    def _write(self, good: list[tuple[RawRow, ImportedItem]], domains: set[str]) -> dict[int, Outcome]:
        """Stores rows in one transaction. Retries after a deadlock or if the database is busy; a persistent error stops
        the run.
        """
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            plan = _BatchPlan(good, self)
            try:
                with transaction.atomic():
                    for domain in self.institutions.missing(domains):
                        plan.institution_id(domain)
                    if good:
                        ids = [arrival.id for _raw, arrival in good]
                        transitions.store_imported(ids, plan, history=_history_columns(good))
            except OperationalError as error:
                if attempt == _MAX_ATTEMPTS or transaction.get_connection().in_atomic_block:
                    raise ImportStopped(f"Database error: {str(error).strip()}.") from error
            except (IntegrityError, DataError):
                raise
            except Error as error:
                raise ImportStopped(f"Database error: {str(error).strip()}.") from error
            else:
                return self._keep(plan)
        raise AssertionError("the last attempt either returns or raises")

    def _keep(self, plan: "_BatchPlan") -> dict[int, Outcome]:
        self.institutions.ids |= plan.new_institutions
        self.institutions_created += len(plan.new_institutions)
        return plan.outcomes

    def create_institution(self, domain: str) -> int:
        return self.institutions.create(domain)

    def close(self) -> None:
        """Nothing is open between two batches."""


class DryStoring(Storing):
    """Writes nothing to the database. What earlier rows of a run would have stored is kept in a temporary file, because
    a later row with the same id is compared with it.
    """

    def __init__(self, institutions: Institutions, now: datetime) -> None:
        super().__init__(institutions, now)
        self._kept = sqlite3.connect("")  # a temporary database, which vanishes when it is closed
        self._kept.execute("CREATE TABLE kept (id INTEGER PRIMARY KEY, item BLOB)")

    def _write(self, good: list[tuple[RawRow, ImportedItem]], domains: set[str]) -> dict[int, Outcome]:
        plan = _BatchPlan(good, self)
        for domain in self.institutions.missing(domains):
            plan.institution_id(domain)
        ids = [arrival.id for _raw, arrival in good]
        stored, histories = transitions.read_for_import(ids, history=_history_columns(good))
        for number in ids:
            if found := self._kept.execute("SELECT item FROM kept WHERE id = ?", [number]).fetchone():
                stored[number], added = pickle.loads(found[0])  # noqa: S301  written below
                histories[number] = histories.get(number, []) + added
        rows = plan(stored, histories)
        added_to: dict[int, list[Any]] = {}
        for entry in rows.entries:
            added_to.setdefault(entry.item_id, []).append(reconciling.entry_values(entry))
        for item in [*rows.new, *rows.changed]:
            earlier = self._kept.execute("SELECT item FROM kept WHERE id = ?", [item.pk]).fetchone()
            before = pickle.loads(earlier[0])[1] if earlier else []  # noqa: S301  written here
            kept = pickle.dumps((item, before + added_to.get(item.pk, [])))
            self._kept.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", [item.pk, kept])
        return self._keep(plan)

    def create_institution(self, domain: str) -> int:
        return -1 - len(self.institutions.ids)  # no stored institution has a negative number

    def close(self) -> None:
        self._kept.close()


def _history_columns(good: list[tuple[RawRow, ImportedItem]]) -> list[str]:
    brings_history = any(arrival.entries is not None for _raw, arrival in good)
    return reconciling.ENTRY_COLUMNS if brings_history else []


@dataclass
class _BatchPlan:
    """The callback of `transitions.store_imported`: with the stored rows locked, it reconciles each imported item."""

    good: list[tuple[RawRow, ImportedItem]]
    storing: Storing
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    new_institutions: dict[str, int] = field(default_factory=dict)

    def institution_id(self, domain: str) -> int:
        ids = self.storing.institutions.ids
        if domain not in ids and domain not in self.new_institutions:
            self.new_institutions[domain] = self.storing.create_institution(domain)
        return ids.get(domain) or self.new_institutions[domain]

    def __call__(
        self, stored: dict[int, WorkItem], histories: dict[int, list[reconciling.Entry]]
    ) -> transitions.ImportedRows:
        write = transitions.ImportedRows([], [], [])
        for raw, arrival in self.good:
            try:
                verdict = reconciling.reconcile(
                    arrival, stored.get(arrival.id), histories.get(arrival.id, []), self.storing.now
                )
            except InvalidRow as bad:
                self.outcomes[id(raw)] = bad
                continue
            self.outcomes[id(raw)] = verdict
            if verdict.item is not None and verdict.outcome == reconciling.CREATED:
                number = self.institution_id(arrival.domain)
                verdict.item.institution = Institution(pk=number, identifier=arrival.domain)
                write.new.append(verdict.item)
            elif verdict.item is not None:
                write.changed.append(verdict.item)
            write.entries.extend(verdict.entries)
            if verdict.state:
                write.states.append(WorkItemState(item_id=arrival.id, **verdict.state._asdict()))
        return write
