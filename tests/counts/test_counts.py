"""The summary table is right after every kind of write, whenever it is read, and can be checked and repaired."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Event

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from workitems import transitions
from workitems.counts import read_summary, repair, triggers
from workitems.lifecycle import PATHS, phase_of
from workitems.models import CountDelta, HistoryEntry, ItemCount, WorkItem
from workitems.vocabulary import Action, Stage, Status

from ..conftest import history_guards
from ..factories import InstitutionFactory, make_item
from ..many_items import make_items

TABLE = "workitems_workitem"


def count_items():
    """Returns {(institution, action, stage, status, reviewed, retry): number} by counting the items."""
    return Counter(WorkItem.objects.values_list("institution_id", "action", "stage", "status", "reviewed", "retry"))


def read_counts():
    """Returns the same from the summary, read for each institution separately."""
    return Counter(
        {
            (owner, *kind): number
            for owner in set(WorkItem.objects.values_list("institution_id", flat=True))
            for kind, number in read_summary([owner], None, None).kinds.items()
        }
    )


def check_counts_match():
    assert repair.find_differences() == []
    assert read_counts() == count_items()
    everything = read_summary(None, None, [{}])
    assert sum(everything.kinds.values()) == sum(everything.institutions.values()) == WorkItem.objects.count()


def run_sql(sql, *params):
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)


words = {
    "action": st.sampled_from([*Action]),
    "stage": st.sampled_from([*Stage]),
    "status": st.sampled_from([*Status]),
    "retry": st.booleans(),
    "which": st.integers(0, 6),
    "reviewed": st.booleans(),
}
steps = st.tuples(
    st.sampled_from(
        ["update", "raw update", "bulk create", "raw insert", "raw delete", "move owner", "upsert", "save"]
    ),
    st.fixed_dictionaries(words),
)


def make_valid(values):
    """Only closed items can be reviewed; the database enforces it."""
    closed = phase_of(values["status"], retry=values["retry"]) == "closed"
    return {**values, "reviewed": values["reviewed"] and closed}


def write(name, values, owners, rows):
    values = make_valid(values)
    which = values.pop("which")
    some = WorkItem.objects.filter(pk__in=[pk for pk in rows if pk % 7 == which])
    if name == "update":
        some.update(**values)
    elif name == "raw update":
        run_sql(
            f"UPDATE {TABLE} SET action = %s, stage = %s, status = %s, retry = %s, reviewed = %s WHERE id %% 7 = %s",
            *(str(values[word]) for word in ("action", "stage", "status")),
            values["retry"],
            values["reviewed"],
            which,
        )
    elif name == "bulk create":
        make_items(which, owners, seed=which, **values)
    elif name == "raw insert":
        columns = [column.column for column in WorkItem._meta.concrete_fields if not column.primary_key]
        listed = ", ".join(f'"{column}"' for column in columns)
        run_sql(f"INSERT INTO {TABLE} ({listed}) SELECT {listed} FROM {TABLE} WHERE id %% 7 = %s", which)
    elif name == "raw delete":
        # Raw SQL, because the ORM refuses; items with a history can't be deleted.
        kept = f"SELECT item_id FROM {HistoryEntry._meta.db_table}"
        run_sql(f"DELETE FROM {TABLE} WHERE id %% 7 = %s AND id NOT IN ({kept})", which)
    elif name == "move owner":
        some.update(institution=owners[which % len(owners)])
    elif name == "upsert":
        changed = list(some)
        for row in changed:
            for column, value in values.items():
                setattr(row, column, value)
        WorkItem.objects.bulk_create(
            changed, update_conflicts=True, unique_fields=["id"], update_fields=[*values, "search_text"]
        )
    else:
        for row in some:
            for column, value in values.items():
                setattr(row, column, value)
            row.save()


@settings(max_examples=30)
@given(plan=st.lists(steps, min_size=1, max_size=6))
def test_the_summary_is_right_after_every_kind_of_write(db, virginia, jhu, plan):
    with transaction.atomic():
        rows = [item.pk for item in make_items(21, [virginia, jhu])]
        for name, values in plan:
            write(name, dict(values), [virginia, jhu], rows)
            check_counts_match()
        transaction.set_rollback(True)


def test_the_summary_is_right_after_transitions(virginia, ada, wally, stan):
    item = make_item(virginia)
    transitions.progress(item, by=wally, stage="Fetch", node="w1")
    check_counts_match()
    transitions.fail(item, by=wally, stage="Validate", note="no manifest", retry=False)
    check_counts_match()
    transitions.review(item, by=stan)
    check_counts_match()
    transitions.requeue(item, by=ada, stage="Fetch")
    check_counts_match()
    transitions.cancel(item, by=ada, note="enough")
    check_counts_match()
    assert read_summary(None, None, None).kinds == {("Ingest", "Resolve", "Cancelled", False, False): 1}


def test_rolled_back_writes_are_not_counted(virginia):
    make_items(5, [virginia])
    with transaction.atomic():
        make_items(50, [virginia], status=Status.SUCCESS, retry=False)
        transaction.set_rollback(True)
    check_counts_match()
    assert sum(read_summary(None, None, None).kinds.values()) == 5


@pytest.mark.django_db(transaction=True)
def test_truncating_the_items_empties_the_summary(on_postgresql, virginia):
    make_items(30, [virginia])
    lift, guard = history_guards()
    for statement in [*lift, f"TRUNCATE {TABLE} CASCADE", *guard]:
        run_sql(statement)
    assert read_summary(None, None, None).kinds == {}
    assert repair.find_differences() == []


@pytest.mark.django_db(transaction=True)
def test_deltas_are_folded_into_the_summary(on_postgresql, virginia):
    """Otherwise readers would add up every delta that ever was."""
    make_items(triggers.FOLD_EVERY * 3, [virginia], status=Status.SUCCESS, retry=False)
    assert CountDelta.objects.count() < triggers.FOLD_EVERY
    assert ItemCount.objects.exists()
    check_counts_match()


@pytest.mark.django_db(transaction=True)
def test_no_fold_in_repeatable_read_transactions(on_postgresql, virginia):
    """There, deltas folded by others since its first statement would raise an error."""
    with transaction.atomic():
        run_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        make_items(triggers.FOLD_EVERY * 2, [virginia], status=Status.SUCCESS, retry=False)
    assert CountDelta.objects.count() >= triggers.FOLD_EVERY
    check_counts_match()


@pytest.fixture
def crowd(transactional_db):
    """Returns a function that runs calls at the same time, each in a thread with its own connection; none may fail."""

    def together(*calls):
        def one(call):
            try:
                return call()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result(timeout=120) for future in [pool.submit(one, call) for call in calls]]

    return together


WRITERS = 16
ROUNDS = 40


def test_readers_see_exact_counts_while_many_write(crowd):
    """No deadlocks, no lost writes, and readers always see the exact number of items, even during a fold."""
    owners = [InstitutionFactory(), InstitutionFactory()]
    rows = [item.pk for item in make_items(WRITERS * 20, owners)]
    done = Event()

    def writer(number):
        draw = random.Random(number)
        mine = rows[number::WRITERS]
        for _ in range(ROUNDS):
            action = draw.choice([*Action])
            values = {
                "action": action,
                "stage": draw.choice(PATHS[action]),
                "status": draw.choice([Status.SUCCESS, Status.SUCCESS, Status.CANCELLED, Status.STARTED]),
                "retry": False,
                "reviewed": False,
            }
            with transaction.atomic():
                # All of this writer's items at once, or one.
                WorkItem.objects.filter(pk__in=mine if draw.random() < 0.3 else [draw.choice(mine)]).update(**values)

    def reader():
        seen = set()
        while not done.is_set():
            seen.add(sum(read_summary(None, None, None).kinds.values()))
        return seen

    def all_writers():
        try:
            crowd(*[lambda number=number: writer(number) for number in range(WRITERS)])
        finally:
            done.set()

    _none, seen = crowd(all_writers, reader)
    assert seen == {len(rows)}
    check_counts_match()


def test_repair_while_others_write(crowd):
    """Concurrent writes are neither lost nor counted twice."""
    owner = InstitutionFactory()
    rows = [item.pk for item in make_items(200, [owner])]
    ItemCount.objects.all().delete()
    CountDelta.objects.all().delete()

    def writer(number):
        for status in (Status.SUCCESS, Status.CANCELLED) * ROUNDS:
            WorkItem.objects.filter(pk__in=rows[number::4][:3]).update(status=status, retry=False, reviewed=False)

    crowd(
        *[lambda number=number: writer(number) for number in range(4)],
        repair.repair_counts,
        repair.repair_counts,
    )
    check_counts_match()


def command(*args):
    out, err = StringIO(), StringIO()
    call_command("check_counts", *args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_check_counts_finds_and_repairs_wrong_counts(virginia):
    make_items(60, [virginia])
    assert command() == ("Counting every item …\nAll counts are correct.\n", "")
    cell = {"institution_id": virginia.pk, "action": "DPN", "stage": "Fetch", "status": "Success"}
    ItemCount.objects.update_or_create(**cell, reviewed=True, retry=True, defaults={"number": 7})
    with pytest.raises(CommandError, match="1 of the counts is wrong"):
        command()
    out, err = command("--repair")
    assert f"{virginia.pk} / DPN / Fetch / Success / " in err
    assert "Corrected: 1 of the counts." in out
    assert command()[0].endswith("All counts are correct.\n")
    check_counts_match()


def test_check_counts_reports_missing_triggers(virginia):
    name = sorted(triggers.TRIGGERS[connection.vendor])[-1]
    on = f" ON {triggers.TRIGGERS[connection.vendor][name]}" if connection.vendor == "postgresql" else ""
    run_sql(f"DROP TRIGGER {name}{on}")
    make_items(40, [virginia])
    with pytest.raises(CommandError, match=name):
        command()
    assert f"Reinstalled: {name}." in command("--repair")[0]
    assert triggers.missing_triggers(connection) == set()
    make_items(40, [virginia])
    check_counts_match()


def test_a_cell_has_only_one_count(virginia):
    make_items(20, [virginia], status=Status.SUCCESS, retry=False)
    ItemCount.objects.create(
        institution_id=virginia.pk, action="a", stage="b", status="c", reviewed=False, retry=False, number=1
    )
    with pytest.raises(DatabaseError), transaction.atomic():
        ItemCount.objects.create(
            institution_id=virginia.pk, action="a", stage="b", status="c", reviewed=False, retry=False, number=1
        )
