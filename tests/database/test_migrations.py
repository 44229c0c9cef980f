"""The migrations create what the code expects, and call no code that can change later."""

import ast
import re
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import psycopg
import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.migration import Migration
from django.db.migrations.operations import AddConstraint, RemoveConstraint
from django.db.migrations.state import ProjectState

from workitems import migrations
from workitems.counts import install_triggers
from workitems.database import VocabularyCheck
from workitems.models import WorkItem
from workitems.vocabulary import Stage

from ..factories import make_item
from ..serving import database_url

# What a migration may use of ours: fields and lists of words that its models name, and what is made for migrations.
FOR_MIGRATIONS = {
    "workitems.vocabulary.action_choices",
    "workitems.vocabulary.stage_choices",
    "workitems.vocabulary.status_choices",
    "workitems.search.text.SearchTextField",
    "workitems.database",
}
FILES = {
    f"{folder.name}/{file.name}": ast.parse(file.read_text())
    for folder in (resources.files(migrations), resources.files(migrations) / "frozen")
    for file in folder.iterdir()
    if file.name.endswith(".py")
}


def dotted(node):
    """Returns the dotted name of an expression like `a.b.c`, or None for any other."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted(node.value) if isinstance(node, ast.Attribute) else None
    return inner and f"{inner}.{node.attr}"


def ours_in(tree):
    """Returns everything from this project that a file uses, except from its own folder."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and node.module.split(".")[0] in ("workitems", "pharos"):
            yield node.module
        elif (
            isinstance(node, ast.Attribute) and (name := dotted(node)) and name.split(".")[0] in ("workitems", "pharos")
        ):
            yield name


def test_migrations_call_no_code_that_can_change():
    """Write terms as they are stored, and copy longer code into `migrations/frozen/`."""
    modules = {"workitems", "workitems.vocabulary", "workitems.search", "workitems.search.text"}
    found = {
        (file, name)
        for file, tree in FILES.items()
        for name in ours_in(tree)
        if name not in FOR_MIGRATIONS | modules and not name.startswith("workitems.database.")
    }
    assert found == set()


def test_the_check_of_migrations_detects_a_call():
    tree = ast.parse(
        "from workitems.counts import repair\nimport workitems.vocabulary\nworkitems.vocabulary.Status['X']"
    )
    assert set(ours_in(tree)) == {"workitems.counts", "workitems.vocabulary", "workitems.vocabulary.Status"}
    assert len(FILES) > 20


def test_the_migrations_create_the_current_models():
    loader = MigrationLoader(None)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    assert detector.changes(graph=loader.graph) == {}


def tables():
    return [model for label in ("accounts", "workitems") for model in apps.get_app_config(label).get_models()]


@pytest.mark.parametrize("model", tables(), ids=lambda model: model.__name__)
def test_every_table_matches_its_model(db, model):
    with connection.cursor() as cursor:
        columns = {
            one.name: one for one in connection.introspection.get_table_description(cursor, model._meta.db_table)
        }
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    fields = {field.column: field for field in model._meta.local_concrete_fields}
    assert set(columns) == set(fields)
    assert [
        name for name, field in fields.items() if not field.primary_key and columns[name].null_ok != field.null
    ] == []
    named = {one.name for one in [*model._meta.constraints, *model._meta.indexes]}
    assert named <= set(found)
    by_field = {field.column for field in model._meta.local_concrete_fields if field.unique or field.db_index}
    indexes = {name for name, one in found.items() if one["index"] and not by_field & {*(one["columns"] or ())}}
    assert indexes <= named | BESIDE_THE_MODELS


# What Django does not know of (migrations 0008 to 0010).
BESIDE_THE_MODELS = {"item_searched", "item_searched_of_institution", "searched_text_trigrams", "archived_id"}


def test_every_constraint_holds_for_every_row(on_postgresql, db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint WHERE NOT convalidated")
        assert cursor.fetchall() == []


def schema():
    """Returns {name: definition} of the triggers, their functions, and the indexes and constraints of the items table."""
    if connection.vendor == "sqlite":
        query = "SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    else:
        query = """
            SELECT 'trigger ' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 'function ' || proname, pg_get_functiondef(oid) FROM pg_proc WHERE proname LIKE 'workitems%'
            UNION ALL SELECT 'index ' || indexname, indexdef FROM pg_indexes WHERE tablename = 'workitems_workitem'
            UNION ALL SELECT 'constraint ' || conname, pg_get_constraintdef(oid) || convalidated FROM pg_constraint
                WHERE conrelid = 'workitems_workitem'::regclass
        """
    with connection.cursor() as cursor:
        cursor.execute(query)
        # In a table of SQLite's, what was changed last stands last.
        return {name: sorted(re.split(r", CONSTRAINT |\)$", sql)) for name, sql in cursor.fetchall()}


def test_the_triggers_match_the_products_code(db):
    before = schema()
    assert {"trigger count_new", "trigger count_changed", "trigger count_gone"} <= set(before)
    install_triggers(connection)
    assert schema() == before


# A stage more


def migration(words):
    """Returns what `makemigrations` writes for an added or removed stage."""
    changed = Migration("0099_stages", "workitems")
    changed.operations = [
        RemoveConstraint("workitem", "known_stage"),
        AddConstraint("workitem", VocabularyCheck(field="stage", words=words)),
    ]
    return changed


def migrate(words):
    with connection.schema_editor(atomic=True) as editor:
        migration(words).apply(MigrationLoader(None).project_state(), editor)


def is_taken(item):
    try:
        with transaction.atomic():
            return bool(WorkItem.objects.filter(pk=item.pk).update(stage="Weigh"))
    except IntegrityError:
        return False


def test_makemigrations_writes_the_migration_for_a_new_stage(monkeypatch):
    others = [one for one in WorkItem._meta.constraints if one.name != "known_stage"]
    monkeypatch.setattr(
        WorkItem._meta, "constraints", [*others, VocabularyCheck(field="stage", words=[*Stage, "Weigh"])]
    )
    loader = MigrationLoader(None)
    now = ProjectState.from_apps(apps)
    now.models["workitems", "workitem"].options["constraints"] = WorkItem._meta.constraints
    [found] = MigrationAutodetector(loader.project_state(), now).changes(graph=loader.graph)["workitems"]
    expected = migration([*Stage, "Weigh"]).operations
    assert [one.deconstruct() for one in found.operations] == [one.deconstruct() for one in expected]


def test_a_new_stage_only_changes_its_check(transactional_db, virginia):
    item, before = make_item(virginia), schema()
    assert not is_taken(item)
    migrate([*Stage, "Weigh"])
    try:
        assert is_taken(item)
        after = schema()
        assert after.keys() == before.keys()
        assert {name for name in before if before[name] != after[name]} == {CHECKED[connection.vendor]}
    finally:
        WorkItem.objects.filter(pk=item.pk).update(stage="Store")
        migrate(Stage)
    assert schema() == before
    assert not is_taken(item)


CHECKED = {"sqlite": "table workitems_workitem", "postgresql": "constraint known_stage"}


def test_existing_rows_are_checked_without_locking_the_table(on_postgresql, db):
    with connection.schema_editor(collect_sql=True) as editor:
        migration([*Stage, "Weigh"]).apply(MigrationLoader(None).project_state(), editor, collect_sql=True)
    told = "\n".join(editor.collected_sql)
    assert told.index("NOT VALID") < told.index("VALIDATE CONSTRAINT")
    assert told.count("lock_not_available") == 2


@pytest.mark.django_db(transaction=True)
def test_writers_do_not_wait_for_the_migration_of_a_new_stage(on_postgresql, virginia):
    """During a long read, the migration lets writers pass and continues as soon as it can."""
    item = make_item(virginia)
    url = database_url(connection.settings_dict)

    def migrating():
        try:
            migrate([*Stage, "Weigh"])
        finally:
            connection.close()

    with psycopg.connect(url) as reading, ThreadPoolExecutor(1) as pool:
        reading.execute("LOCK TABLE workitems_workitem IN ROW EXCLUSIVE MODE")
        done = pool.submit(migrating)
        with psycopg.connect(url, autocommit=True) as writing:
            writing.execute("SET lock_timeout = '20s'")
            for _ in range(20):
                writing.execute("SELECT pg_sleep(0.1)")
                writing.execute("UPDATE workitems_workitem SET bucket = 'seen'")
        assert not done.done()
        reading.rollback()
        done.result(timeout=60)
    assert is_taken(item)
    WorkItem.objects.filter(pk=item.pk).update(stage="Store")
    migrate(Stage)
