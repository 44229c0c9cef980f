"""What the pages cost, in process, through the whole of Django, beside the floor and the peers."""

import html
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from . import cases
from .cases import PER_PAGE, Asked, Case, Person
from .loading import ITEMS
from .peers import bare as bare_views
from .peers import beside, floor, pharos, registry
from .statements import Bare, where
from .timing import Timed, take_turns

Progress = Callable[[str], None]
MANY = 1_000_000  # from here on the admin's list is so slow that it is asked for less


class Watch:
    """The seconds that PostgreSQL takes of what Django asks it. SQLite works while the rows are fetched, not while it is asked:
    there nothing is told apart."""

    def __init__(self, vendor: str) -> None:
        self.spent, self.tells = 0.0, vendor == "postgresql"

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.spent += time.perf_counter() - began

    def take(self) -> float | None:
        spent, self.spent = self.spent, 0.0
        return spent if self.tells else None


def measure(total: int, seconds: float, say: Progress) -> list[dict[str, Any]]:
    """`seconds`: for each call, if three times take no longer. One record per page and person: {"page", "who", "case", "ms", "database_ms", and "…_ms" of what stands beside}."""
    from django.db import connection

    measured, watch = Bare(connection.settings_dict), Watch(connection.vendor)
    if measured.is_postgresql:
        say("the peers' table")
        pharos.prepare(measured)
        registry.prepare(measured)
    found = []
    with connection.execute_wrapper(watch):
        for person in cases.PEOPLE:
            looker = Looker(person, measured, watch, seconds)
            for asked in lists(person, measured):
                say(f"list, {person.name}, {asked.case.name}")
                found.append(looker.list(asked, total))
            say(f"counts, {person.name}")
            found.append(looker.counts())
            for record in looker.further():
                say(f"{record['page']}, {person.name}, {record['case']}")
                found.append(record)
    measured.close()
    return found


def lists(person: Person, measured: Bare) -> Iterator[Asked]:
    """Every case of the list as this person meets it."""
    scope = {"institution_id": person.institution} if person.institution else {}
    for case in cases.CASES:
        condition, values = where(scope | case.filters)
        [(number,)] = measured.ask(f"SELECT COALESCE(SUM(number), 0) FROM bench_cell{condition}", values)
        start = {"first": 0, "middle": int(number) // 2, "last": int(number) - 1}[case.place] // PER_PAGE * PER_PAGE
        if case.place != "first" and start <= 0:
            continue
        yield Asked(person, case, _term(case, scope, int(number), measured), start, _before(scope, start, measured))


def _nth(scope: dict[str, Any], number: int, columns: str, measured: Bare) -> tuple[Any, ...]:
    condition, values = where(scope)
    order = f"ORDER BY date DESC, id DESC LIMIT 1 OFFSET {number}"
    return measured.ask(f"SELECT {columns} FROM {ITEMS}{condition} {order}", values)[0]


def _term(case: Case, scope: dict[str, Any], number: int, measured: Bare) -> str | None:
    return case.term(_nth(scope, number // 2, "name", measured)[0]) if case.term else None


def _before(scope: dict[str, Any], start: int, measured: Bare) -> tuple[Any, int] | None:
    if not start:
        return None
    moment, pk = _nth(scope, start - 1, "date, id", measured)
    return datetime.fromisoformat(moment).replace(tzinfo=UTC) if isinstance(moment, str) else moment, pk


class Looker:
    """One person with a client of the product, of Django's admin and of bare views."""

    def __init__(self, person: Person, measured: Bare, watch: Watch, seconds: float):
        from django.test import Client

        from pharos.accounts.models import User

        from .peers import admin

        self.person, self.measured, self.watch, self.seconds = person, measured, watch, seconds
        self.user = User.objects.get(email=person.email)
        self.client = Client()
        self.client.force_login(self.user)
        self.admin = beside.client("bench.peers.admin", admin.MIDDLEWARE, self.user)
        self.bare = beside.client("bench.peers.bare", [])

    def list(self, asked: Asked, total: int) -> dict[str, Any]:
        calls = self._ours(self.address(asked)) | self._floor(asked)
        if self.measured.is_postgresql:
            calls["pharos"] = self._statements(pharos.page(asked), self.seconds / 2)
            calls["registry"] = self._statements(registry.page(asked), self.seconds / 2)
        is_first = asked.case.place == "first" and (total < MANY or asked.case.term is None)
        if asked.case.name == "no filter" or (self.person.institution is None and is_first):
            calls["admin"] = self._get(self.admin, cases.admin_address(asked), self.seconds)
        return self._record("list", asked.case.name, calls)

    def counts(self) -> dict[str, Any]:
        """The counts of the left column alone, as the list of everything has them."""
        from workitems.listing import ItemList
        from workitems.pages.list.facets import Facets

        asked = Asked(self.person, cases.CASES[0], None, 0, None)
        calls = {"": Timed(lambda: Facets(ItemList({}, self.user)).groups(), self.seconds, self.watch.take)}
        calls["floor"] = self._statements([floor.ROUND_TRIP, floor.cells(asked)], self.seconds / 5)
        if self.measured.is_postgresql:
            calls["pharos_counts"] = self._statements(pharos.counts(asked), self.seconds / 2)
        return self._record("counts", asked.case.name, calls)

    def further(self) -> Iterator[dict[str, Any]]:
        """The item's page, of the oldest item and of the newest; and what stands beside lists and items."""
        for name, pk in self.items().items():
            calls = self._ours(f"/items/{pk}")
            calls["floor"] = self._statements([floor.ROUND_TRIP, *floor.item(pk)], self.seconds)
            yield self._record("item", name, calls)
        for page, path in self.others().items():
            yield self._record(page, "", self._ours(path))

    def items(self) -> dict[str, int]:
        """The numbers of the oldest item that the person sees, and of the newest."""
        condition, values = where({"institution_id": self.person.institution} if self.person.institution else {})
        return {
            name: self.measured.ask(f"SELECT id FROM {ITEMS}{condition} ORDER BY date {way}, id {way} LIMIT 1", values)[
                0
            ][0]
            for name, way in {"oldest": "", "newest": "DESC"}.items()
        }

    def others(self) -> dict[str, str]:
        """{page: address} of the overview, what open pages ask again and again, and a step of the review queue, if there is one."""
        probe = re.search(r'data-live="([^"]+)"', self.client.get("/items/").content.decode())
        step = self.client.get("/items/review/queue")
        found = {"overview": "/", "icon": "/icon", "changes": html.unescape(probe[1]) if probe else ""}
        found["review queue"] = step["Location"] if step.status_code == 302 else ""
        return {page: path for page, path in found.items() if path}

    def paths(self) -> dict[tuple[str, str, str], str]:
        """Every page that is measured, {(page, who, case): address}."""
        who = self.person.name
        found = {("list", who, asked.case.name): self.address(asked) for asked in lists(self.person, self.measured)}
        found |= {("item", who, name): f"/items/{pk}" for name, pk in self.items().items()}
        return found | {("overview", who, ""): "/"}

    def address(self, asked: Asked) -> str:
        return cases.address(asked, lambda path: self.client.get(path).content.decode())

    def _ours(self, path: str) -> dict[str, Timed]:
        bare_views.KEPT["page"] = self.client.get(path).content
        return {
            "": self._get(self.client, path, self.seconds),
            "same_bytes": self._get(self.bare, "/page/page", self.seconds / 5),
        }

    def _floor(self, asked: Asked) -> dict[str, Timed]:
        ways = floor.rows(asked, self.measured)
        rows = {f"floor_rows_{place}": self._statements(way, self.seconds / 5) for place, way in enumerate(ways)}
        begin = {"floor_trip": floor.ROUND_TRIP, "floor_cells": floor.cells(asked)}
        return {name: self._statements([one], self.seconds / 5) for name, one in begin.items()} | rows

    def _get(self, client: Any, path: str, budget: float) -> Timed:
        def call() -> None:
            response = client.get(path)
            expected = (302,) if path == "/icon" else (200, 204)  # its picture is another file
            assert response.status_code in expected, (path, response.status_code)

        return Timed(call, budget, self.watch.take)

    def _statements(self, statements: Any, budget: float) -> Timed:
        return Timed(lambda: self.measured.all(statements), budget)

    def _record(self, page: str, case: str, calls: dict[str, Timed]) -> dict[str, Any]:
        self.watch.take()
        take_turns(calls)
        ours = calls.pop("")
        record = {"page": page, "who": self.person.name, "case": case, "ms": ours.ms, "database_ms": ours.database_ms}
        times = {f"{name}_ms": one.ms for name, one in calls.items()}
        rows = [times.pop(name) for name in list(times) if name.startswith("floor_rows_")]
        if rows:
            times["floor_ms"] = round(times.pop("floor_trip_ms") + times.pop("floor_cells_ms") + min(rows), 3)
        return record | times
