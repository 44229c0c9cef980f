"""The cost of reading history doesn't depend on how much history there is, measured by query plans rather than time.

Every query that reads history runs on a small table and on one that is twenty times larger. On PostgreSQL the blocks that the
statements touch are counted. On SQLite, whose plans don't depend on sizes, each plan must use an index.
"""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from django.contrib import admin
from django.db import connection

from workitems import transitions
from workitems.audit_log import archiving, latest_entries, read_histories
from workitems.bulk import report, undoing
from workitems.bulk import run as bulk_run
from workitems.listing.conditions import changed_by
from workitems.models import ArchivedEntry, BulkChange, HistoryEntry, WorkItem
from workitems.transitions import related, saving

from .histories import fill_histories, run

SMALL, LARGE = 1_000, 20_000  # items of ten entries each, in either table
ACT = UUID(int=7)
TABLES = ("workitems_historyentry", "workitems_archivedentry")
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)

IN_ARCHIVE = 1_000_000  # above this the items whose history was moved out


def fill(first, last, institution):
    """As many items with their histories at hand as with theirs in the archive."""
    for table, offset in zip(TABLES, (0, IN_ARCHIVE), strict=True):
        fill_histories(first + offset, last + offset, institution, act=ACT, table=table)


@pytest.fixture
def unguarded(db):
    """Both tables can be filled by hand until the end of the test."""
    if connection.vendor == "postgresql":
        for year in {*range(2011, 2021)} - archiving._existing_years():
            archiving._create_partition(year)
        run(
            "SET CONSTRAINTS ALL IMMEDIATE"
        )  # else the guards cannot be lifted while foreign keys are still to be checked
        run("ALTER TABLE workitems_archivedentry DISABLE TRIGGER USER")
    else:
        for name in ("archive_takes_history", "history_gives_to_archive"):
            run(f"DROP TRIGGER {name}")


class Cost(list):
    """The plan of every statement in the block that reads history, and on PostgreSQL the blocks it read."""

    def __enter__(self):
        self._wrapped = connection.execute_wrapper(self._explain)
        self._wrapped.__enter__()
        return self

    def __exit__(self, *error):
        self._wrapped.__exit__(*error)

    def _explain(self, execute, sql, params, many, context):
        if any(table in sql for table in TABLES) and sql.lstrip("(").startswith("SELECT"):
            plain = connection.cursor().cursor
            if connection.vendor == "postgresql":
                plain.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
                [[[told]]] = plain.fetchall()
                self.append(told["Plan"])
            else:
                plain.execute(f"EXPLAIN QUERY PLAN {sql}", params)
                # In the order of ids up to a limit is a scan that ends early, unless it is sorted otherwise first.
                self.append([row[3] for row in plain.fetchall()] + ["LIMIT"] * (" LIMIT " in sql))
            plain.close()
        return execute(sql, params, many, context)

    @property
    def blocks(self):
        return sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in self)


def scans(plan):
    """Returns the tables that a PostgreSQL plan reads in full."""
    if plan["Node Type"] == "Seq Scan":
        yield plan["Relation Name"]
    for child in plan.get("Plans", ()):
        yield from scans(child)


def reads(user):
    """Returns {purpose: a function that reads history}, as the product does it."""
    at_hand, archived = (WorkItem.objects.get(pk=pk) for pk in (50, IN_ARCHIVE + 50))
    cancelled = WorkItem(pk=IN_ARCHIVE + 100 - IN_ARCHIVE % 100, status="Cancelled", stage="Resolve")
    act = BulkChange(pk=ACT, move="review", selection={"undo": str(ACT)}, by=user)
    some = range(40, 60)
    mark = [HistoryEntry.objects.order_by("-pk").values_list("pk", flat=True)[0]]
    request = type("Request", (), {"user": user, "GET": {}})()
    listed = {table: admin.site.get_model_admin(table).get_queryset(request) for table in (HistoryEntry, ArchivedEntry)}
    return {
        "the item's page": lambda: latest_entries(at_hand, 200),
        "the item's page, archived": lambda: latest_entries(archived, 200),
        "export and import": lambda: read_histories(dict.fromkeys(some, 10), ["number", "at"]),
        "export and import, archived": lambda: read_histories({IN_ARCHIVE + n: 10 for n in some}, ["number", "at"]),
        "where a cancelled item stopped": lambda: transitions.find_reached_stage(cancelled),
        "who was told": lambda: related._notified(list(some)),
        "when items were requeued": lambda: saving._last_restarts(
            dict.fromkeys(some, at_hand), {pk: {"stage_started_at": LONG_AGO} for pk in some}
        ),
        "a list's mark": bulk_run.read_marker,
        "what has changed since a mark": lambda: list(
            bulk_run.selected_items({"ids": list(some), "mark": mark}, user).values_list("pk", flat=True)
        ),
        "what an undo must find": lambda: bulk_run._entries_to_undo(str(act.pk), 0),
        "what undoing a cancel would do": lambda: undoing._read(BulkChange(pk=ACT), user),
        "a list of what an act has changed": lambda: list(
            WorkItem.objects.with_ids(some).filter(changed_by([ACT])).values_list("pk")
        ),
        "what an undo has left alone": lambda: list(
            report.left_alone(BulkChange(pk=uuid4(), selection={"undo": str(ACT)}), user)
            .order_by("pk")
            .values_list("pk")[:20]
        ),
        "an act's first page": lambda: report.changed_items(act, user, 0, 20),
        "the item that a client has made": lambda: WorkItem.objects.find_resubmission(
            at_hand, date=at_hand.date, who=user.email, since=LONG_AGO
        ),
        "the admin site": lambda: list(listed[HistoryEntry].order_by("-id")[:50]),
        "the admin site, an item": lambda: list(listed[HistoryEntry].filter(item_id=50).order_by("-id")),
        "the admin site, the archive": lambda: list(listed[ArchivedEntry].order_by("-id")[:50]),
        "a piece of what is to be archived": lambda: list(
            archiving._archivable(datetime(2019, 1, 1, tzinfo=UTC))
            .filter(pk__gt=40, pk__lte=60)
            .values_list("pk", flat=True)
        ),
    }


def cost_of(read):
    read()  # what the planner and Django look up once is not the statement's
    with Cost() as cost:
        read()
    return cost


def test_the_cost_of_reading_history_does_not_depend_on_how_much_there_is(on_postgresql, unguarded, virginia, ada):
    fill(1, SMALL, virginia)
    small = {name: cost_of(read).blocks for name, read in reads(ada).items()}
    fill(SMALL, LARGE, virginia)
    assert HistoryEntry.objects.count() > 190_000 < ArchivedEntry.objects.count()
    large = {name: cost_of(read) for name, read in reads(ada).items()}
    print({name: (small[name], cost.blocks) for name, cost in large.items()})  # noqa: T201  shown with -s
    grown = {name: (small[name], cost.blocks) for name, cost in large.items() if cost.blocks > 3 * small[name] + 10}
    whole_tables = {name: found for name, cost in large.items() if (found := [one for p in cost for one in scans(p)])}
    assert (grown, whole_tables) == ({}, {})


def test_every_read_of_history_uses_an_index_on_sqlite(unguarded, virginia, ada):
    if connection.vendor != "sqlite":
        return  # the test above covers PostgreSQL
    fill(1, SMALL, virginia)
    for analysed in (True, False):
        if not analysed:
            run("DELETE FROM sqlite_stat1")
        for name, read in reads(ada).items():
            plans = cost_of(read)
            assert plans, name
            assert [plan for plan in plans if any(is_full_scan(step, plan) for step in plan)] == [], name


def is_full_scan(step, plan):
    """Returns whether a step of a plan reads a table of entries in full."""
    reads_all = any(step.startswith(f"SCAN {table}") for table in TABLES) and "USING" not in step
    return reads_all and ("LIMIT" not in plan or any("TEMP B-TREE" in other for other in plan))
