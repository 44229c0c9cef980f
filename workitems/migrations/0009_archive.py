"""The archive of old history, and what protects it.

An entry is never changed or lost, and is in exactly one of the two tables. The database itself makes sure of that:
- The archive only accepts what is in the history, column for column, and the entry then leaves the history.
- An entry can be deleted from the history only if the archive has it, column for column. None can be deleted from the archive.

On PostgreSQL, users of a live installation do not notice this migration: the tables are new, the trigger of the history stays
in place (only its function is replaced, which locks no table), and the one lock on items, for the foreign key, is not waited
for longer than `lock_timeout`, because every writer would queue up behind it; then it is tried again.

On SQLite a table's triggers are dropped with the table, and Django remakes the table for most changes of a model. A later
migration that changes HistoryEntry or ArchivedEntry must therefore begin with `guards(SQLITE_BACKWARD)` and end with
`guards(SQLITE_FORWARD)` of this one; tests/database/test_guards.py and tests/audit_log/test_archiving.py fail without it.
"""

import time

import django.core.serializers.json
import django.db.models.deletion
from django.db import OperationalError, migrations, models, transaction

ATTEMPTS = 120  # of a second each
PAUSE = 0.5  # seconds between them, for those who queued up behind us

# CREATE TABLE … (LIKE …): the same columns in the same order, so that rows can be compared as a whole.
POSTGRESQL_FORWARD = """
SET LOCAL lock_timeout = '1s';
CREATE TABLE workitems_archivedentry (
    LIKE workitems_historyentry INCLUDING STORAGE INCLUDING COMPRESSION,
    CONSTRAINT one_archived_entry_per_number PRIMARY KEY (item_id, number, at),
    CONSTRAINT archived_entry_of_item FOREIGN KEY (item_id) REFERENCES workitems_workitem (id)
) PARTITION BY RANGE (at);
CREATE INDEX archived_act ON workitems_archivedentry (act, item_id) WHERE act IS NOT NULL;
CREATE INDEX archived_id ON workitems_archivedentry (id);

CREATE FUNCTION workitems_archive_takes_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM workitems_historyentry h
                   WHERE h.item_id = NEW.item_id AND h.number = NEW.number AND ROW(h.*) IS NOT DISTINCT FROM ROW(NEW.*)) THEN
        RAISE EXCEPTION 'The archive takes only what is in the history (INSERT refused).' USING ERRCODE = 'restrict_violation';
    END IF;
    IF EXISTS (SELECT FROM workitems_archivedentry a WHERE a.item_id = NEW.item_id AND a.number = NEW.number) THEN
        RAISE EXCEPTION 'The archive holds an entry of this number already (INSERT refused).' USING ERRCODE = 'unique_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION workitems_history_gives_to_archive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM workitems_historyentry WHERE item_id = NEW.item_id AND number = NEW.number;
    IF NOT FOUND THEN  -- another one has moved it meanwhile
        RAISE EXCEPTION 'The archive holds this entry already (INSERT refused).' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION workitems_archive_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The archived history of work items is only ever added to (% refused).', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER archive_takes_history BEFORE INSERT ON workitems_archivedentry
    FOR EACH ROW EXECUTE FUNCTION workitems_archive_takes_history();
CREATE TRIGGER history_gives_to_archive AFTER INSERT ON workitems_archivedentry
    FOR EACH ROW EXECUTE FUNCTION workitems_history_gives_to_archive();
CREATE TRIGGER archive_is_append_only BEFORE UPDATE OR DELETE ON workitems_archivedentry
    FOR EACH ROW EXECUTE FUNCTION workitems_archive_is_append_only();
CREATE TRIGGER archive_is_not_emptied BEFORE TRUNCATE ON workitems_archivedentry
    FOR EACH STATEMENT EXECUTE FUNCTION workitems_archive_is_append_only();

-- One plan for all rows. Otherwise the years would be planned for each row, which is six times the work.
CREATE OR REPLACE FUNCTION workitems_history_is_append_only() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM FROM workitems_archivedentry a
            WHERE a.item_id = OLD.item_id AND a.number = OLD.number AND a.at = OLD.at
            AND ROW(a.*) IS NOT DISTINCT FROM ROW(OLD.*);
        IF FOUND THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'The history of work items is only ever added to (% refused).', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""
POSTGRESQL_BACKWARD = """
SET LOCAL lock_timeout = '1s';
DO $$ BEGIN
    IF EXISTS (SELECT FROM workitems_archivedentry) THEN
        RAISE EXCEPTION 'The archive holds entries, which would be lost.' USING ERRCODE = 'restrict_violation';
    END IF;
END $$;
CREATE OR REPLACE FUNCTION workitems_history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The history of work items is only ever added to (% refused).', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
DROP TABLE workitems_archivedentry;
DROP FUNCTION workitems_archive_takes_history();
DROP FUNCTION workitems_history_gives_to_archive();
DROP FUNCTION workitems_archive_is_append_only();
"""

COLUMNS = (
    "id item_id number at who via move stage_before status_before stage_after status_after note changes act".split()
)


def same_in(table, row):
    """The condition that the table has this row of the other one, column for column. NULL equals NULL here."""
    compared = " AND ".join(f'"{column}" IS {row}."{column}"' for column in COLUMNS)
    return f"EXISTS (SELECT 1 FROM {table} WHERE id = {row}.id AND {compared})"


def refuse(who, act):
    return f"BEGIN SELECT RAISE(ABORT, 'The {who} is only ever added to ({act} refused).'); END"


HISTORY, ARCHIVE = "history of work items", "archived history of work items"
SQLITE_TRIGGERS = {
    "history_is_append_only_update": f"BEFORE UPDATE ON workitems_historyentry {refuse(HISTORY, 'UPDATE')}",
    "history_is_append_only_delete": (
        f"BEFORE DELETE ON workitems_historyentry WHEN NOT {same_in('workitems_archivedentry', 'OLD')} "
        f"{refuse(HISTORY, 'DELETE')}"
    ),
    # INSERT OR REPLACE deletes the rows in its way without running the triggers for deletes.
    "history_is_append_only_insert": (
        "BEFORE INSERT ON workitems_historyentry WHEN EXISTS (SELECT 1 FROM workitems_historyentry "
        f"WHERE id = NEW.id OR (item_id = NEW.item_id AND number = NEW.number)) {refuse(HISTORY, 'REPLACE')}"
    ),
    "archive_takes_history": (
        f"BEFORE INSERT ON workitems_archivedentry WHEN NOT {same_in('workitems_historyentry', 'NEW')} "
        "BEGIN SELECT RAISE(ABORT, 'The archive takes only what is in the history (INSERT refused).'); END"
    ),
    "history_gives_to_archive": (
        "AFTER INSERT ON workitems_archivedentry BEGIN DELETE FROM workitems_historyentry WHERE id = NEW.id; END"
    ),
    "archive_is_append_only_update": f"BEFORE UPDATE ON workitems_archivedentry {refuse(ARCHIVE, 'UPDATE')}",
    "archive_is_append_only_delete": f"BEFORE DELETE ON workitems_archivedentry {refuse(ARCHIVE, 'DELETE')}",
}
SQLITE_BACKWARD = [f"DROP TRIGGER IF EXISTS {name}" for name in SQLITE_TRIGGERS]
SQLITE_FORWARD = [*SQLITE_BACKWARD, *(f"CREATE TRIGGER {name} {does}" for name, does in SQLITE_TRIGGERS.items())]
# As migration 0005 has them.
SQLITE_BEFORE = [
    f"CREATE TRIGGER history_is_append_only_{act.lower()} BEFORE {act} ON workitems_historyentry {refuse(HISTORY, act)}"
    for act in ("UPDATE", "DELETE")
]


def guards(statements):
    """Runs the statements if the database is SQLite."""

    def on_sqlite(apps, schema_editor):
        if schema_editor.connection.vendor == "sqlite":
            for statement in statements:
                schema_editor.execute(statement, params=None)

    return on_sqlite


def patiently(schema_editor, sql, pause=time.sleep):
    """Runs the SQL. If it cannot get a lock at once, it releases everything, waits, and tries again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic(schema_editor.connection.alias):
                schema_editor.execute(sql, params=None)
            return
        except OperationalError as error:
            if attempt == ATTEMPTS or getattr(error.__cause__, "sqlstate", "") != "55P03":
                raise
            pause(PAUSE)


class ArchiveTable(migrations.CreateModel):
    """On SQLite the table that the model describes; on PostgreSQL the same, partitioned by year."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            patiently(schema_editor, POSTGRESQL_FORWARD)
        else:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            patiently(schema_editor, POSTGRESQL_BACKWARD)
        else:
            with schema_editor.connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM workitems_archivedentry LIMIT 1")
                if cursor.fetchone():
                    raise RuntimeError("The archive holds entries, which would be lost.")
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    dependencies = [("workitems", "0008_counts_and_search_live")]
    operations = [
        ArchiveTable(
            name="ArchivedEntry",
            fields=[
                ("number", models.PositiveIntegerField()),
                ("at", models.DateTimeField()),
                ("who", models.CharField(max_length=255)),
                ("via", models.CharField(max_length=16)),
                ("move", models.CharField(max_length=16)),
                ("stage_before", models.CharField(blank=True, max_length=32)),
                ("status_before", models.CharField(blank=True, max_length=32)),
                ("stage_after", models.CharField(max_length=32)),
                ("status_after", models.CharField(max_length=32)),
                ("note", models.TextField(blank=True)),
                (
                    "changes",
                    models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("act", models.UUIDField(null=True)),
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "item",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="archived_history",
                        to="workitems.workitem",
                    ),
                ),
            ],
            options={
                "verbose_name": "archived entry",
                "verbose_name_plural": "archived entries",
                "ordering": ["item", "number"],
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("act__isnull", False)), fields=["act", "item"], name="archived_act"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("item", "number"), name="one_archived_entry_per_number")
                ],
            },
        ),
        migrations.RunPython(guards(SQLITE_FORWARD), guards([*SQLITE_BACKWARD, *SQLITE_BEFORE])),
    ]
