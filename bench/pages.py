"""How long the pages take, rendered in process through the full Django stack, next to the floor and the baselines."""

import html
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from . import cases
from .baselines import floor, in_process_clients, minimal_views, pharos, registry
from .bulk_loading import ITEMS
from .cases import PER_PAGE, Case, ListRequest, Person
from .raw_sql import RawConnection, where
from .timing import TimedCall, run_interleaved

Progress = Callable[[str], None]
MANY = 1_000_000  # from this size on, Django's admin list is so slow that fewer cases are measured


class DatabaseTimer:
    """An `execute_wrapper` that adds up the seconds Django waits for PostgreSQL.

    SQLite does its work while rows are fetched, not in `execute`, so its database time can't be measured this way.
    """

    def __init__(self, vendor: str) -> None:
        self.spent, self.is_measurable = 0.0, vendor == "postgresql"

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.spent += time.perf_counter() - began

    def take(self) -> float | None:
        spent, self.spent = self.spent, 0.0
        return spent if self.is_measurable else None


def measure(total: int, seconds: float, say: Progress) -> list[dict[str, Any]]:
    """Returns one record per page and person: {"page", "who", "case", "ms", "database_ms", and "…_ms" for each baseline}.

    `seconds` is the time budget of each call; a call is always measured a few times.
    """
    from django.db import connection

    raw, timer = RawConnection(connection.settings_dict), DatabaseTimer(connection.vendor)
    if raw.is_postgresql:
        say("tables of the earlier systems")
        pharos.prepare(raw)
        registry.prepare(raw)
    found = []
    with connection.execute_wrapper(timer):
        for person in cases.PEOPLE:
            benchmark = PersonBenchmark(person, raw, timer, seconds)
            for request in lists(person, raw):
                say(f"list, {person.name}, {request.case.name}")
                found.append(benchmark.list(request, total))
            say(f"counts, {person.name}")
            found.append(benchmark.counts())
            for record in benchmark.other_pages():
                say(f"{record['page']}, {person.name}, {record['case']}")
                found.append(record)
    raw.close()
    return found


def lists(person: Person, raw: RawConnection) -> Iterator[ListRequest]:
    """Every case of the list that exists for this person."""
    scope = {"institution_id": person.institution} if person.institution else {}
    for case in cases.CASES:
        condition, values = where(scope | case.filters)
        [(number,)] = raw.query(f"SELECT COALESCE(SUM(number), 0) FROM bench_cell{condition}", values)
        start = {"first": 0, "middle": int(number) // 2, "last": int(number) - 1}[case.position] // PER_PAGE * PER_PAGE
        if case.position != "first" and start <= 0:
            continue
        yield ListRequest(person, case, _term(case, scope, int(number), raw), start, _before(scope, start, raw))


def _nth(scope: dict[str, Any], number: int, columns: str, raw: RawConnection) -> tuple[Any, ...]:
    condition, values = where(scope)
    order = f"ORDER BY date DESC, id DESC LIMIT 1 OFFSET {number}"
    return raw.query(f"SELECT {columns} FROM {ITEMS}{condition} {order}", values)[0]


def _term(case: Case, scope: dict[str, Any], number: int, raw: RawConnection) -> str | None:
    return case.term(_nth(scope, number // 2, "name", raw)[0]) if case.term else None


def _before(scope: dict[str, Any], start: int, raw: RawConnection) -> tuple[Any, int] | None:
    if not start:
        return None
    moment, pk = _nth(scope, start - 1, "date, id", raw)
    return datetime.fromisoformat(moment).replace(tzinfo=UTC) if isinstance(moment, str) else moment, pk


class PersonBenchmark:
    """One person, signed in to Pharos and to Django's admin, with a client of the minimal views."""

    def __init__(self, person: Person, raw: RawConnection, timer: DatabaseTimer, seconds: float):
        from django.test import Client

        from pharos.accounts.models import User

        from .baselines import django_admin

        self.person, self.raw, self.timer, self.seconds = person, raw, timer, seconds
        self.user = User.objects.get(email=person.email)
        self.client = Client()
        self.client.force_login(self.user)
        self.admin = in_process_clients.client("bench.baselines.django_admin", django_admin.MIDDLEWARE, self.user)
        self.minimal = in_process_clients.client("bench.baselines.minimal_views", [])

    def list(self, request: ListRequest, total: int) -> dict[str, Any]:
        calls = self._ours(self.address(request)) | self._floor(request)
        if self.raw.is_postgresql:
            calls["pharos"] = self._statements(pharos.page(request), self.seconds / 2)
            calls["registry"] = self._statements(registry.page(request), self.seconds / 2)
        is_first = request.case.position == "first" and (total < MANY or request.case.term is None)
        if request.case.name == "no filter" or (self.person.institution is None and is_first):
            calls["admin"] = self._get(self.admin, cases.admin_address(request), self.seconds)
        return self._record("list", request.case.name, calls)

    def counts(self) -> dict[str, Any]:
        """Only the facet counts of the unfiltered list."""
        from workitems.listing import ItemList
        from workitems.pages.list.facets import Facets

        request = ListRequest(self.person, cases.CASES[0], None, 0, None)
        calls = {"": TimedCall(lambda: Facets(ItemList({}, self.user)).groups(), self.seconds, self.timer.take)}
        calls["floor"] = self._statements([floor.ROUND_TRIP, floor.cells(request)], self.seconds / 5)
        if self.raw.is_postgresql:
            calls["pharos_counts"] = self._statements(pharos.counts(request), self.seconds / 2)
        return self._record("counts", request.case.name, calls)

    def other_pages(self) -> Iterator[dict[str, Any]]:
        """The item page of the oldest and the newest item, and every other kind of page."""
        for name, pk in self.items().items():
            calls = self._ours(f"/items/{pk}")
            calls["floor"] = self._statements([floor.ROUND_TRIP, *floor.item(pk)], self.seconds)
            yield self._record("item", name, calls)
        for page, path in self.other_paths().items():
            yield self._record(page, "", self._ours(path))

    def items(self) -> dict[str, int]:
        """The ids of the oldest and the newest item that the person can see."""
        condition, values = where({"institution_id": self.person.institution} if self.person.institution else {})
        return {
            name: self.raw.query(
                f"SELECT id FROM {ITEMS}{condition} ORDER BY date {direction}, id {direction} LIMIT 1", values
            )[0][0]
            for name, direction in {"oldest": "", "newest": "DESC"}.items()
        }

    def other_paths(self) -> dict[str, str]:
        """{page: path} of the overview, of what open pages poll, and of the first item in the review queue if there is one."""
        probe = re.search(r'data-live="([^"]+)"', self.client.get("/items/").content.decode())
        step = self.client.get("/items/review/queue")
        found = {"overview": "/", "icon": "/icon", "changes": html.unescape(probe[1]) if probe else ""}
        found["review queue"] = step["Location"] if step.status_code == 302 else ""
        return {page: path for page, path in found.items() if path}

    def paths(self) -> dict[tuple[str, str, str], str]:
        """Every page to compare: {(page, who, case): path}."""
        who = self.person.name
        found = {("list", who, request.case.name): self.address(request) for request in lists(self.person, self.raw)}
        found |= {("item", who, name): f"/items/{pk}" for name, pk in self.items().items()}
        return found | {("overview", who, ""): "/"}

    def address(self, request: ListRequest) -> str:
        return cases.address(request, lambda path: self.client.get(path).content.decode())

    def _ours(self, path: str) -> dict[str, TimedCall]:
        minimal_views.FIXED_ANSWERS["page"] = self.client.get(path).content
        return {
            "": self._get(self.client, path, self.seconds),
            "same_bytes": self._get(self.minimal, "/page/page", self.seconds / 5),
        }

    def _floor(self, request: ListRequest) -> dict[str, TimedCall]:
        queries = floor.rows(request, self.raw)
        rows = {f"floor_rows_{number}": self._statements(one, self.seconds / 5) for number, one in enumerate(queries)}
        fixed = {"floor_trip": floor.ROUND_TRIP, "floor_cells": floor.cells(request)}
        return {name: self._statements([one], self.seconds / 5) for name, one in fixed.items()} | rows

    def _get(self, client: Any, path: str, budget: float) -> TimedCall:
        def call() -> None:
            response = client.get(path)
            expected = (302,) if path == "/icon" else (200, 204)  # /icon redirects to its image
            assert response.status_code in expected, (path, response.status_code)

        return TimedCall(call, budget, self.timer.take)

    def _statements(self, statements: Any, budget: float) -> TimedCall:
        return TimedCall(lambda: self.raw.run(statements), budget)

    def _record(self, page: str, case: str, calls: dict[str, TimedCall]) -> dict[str, Any]:
        self.timer.take()
        run_interleaved(calls)
        ours = calls.pop("")
        record = {"page": page, "who": self.person.name, "case": case, "ms": ours.ms, "database_ms": ours.database_ms}
        times = {f"{name}_ms": one.ms for name, one in calls.items()}
        rows = [times.pop(name) for name in list(times) if name.startswith("floor_rows_")]
        if rows:
            times["floor_ms"] = round(times.pop("floor_trip_ms") + times.pop("floor_cells_ms") + min(rows), 3)
        return record | times
