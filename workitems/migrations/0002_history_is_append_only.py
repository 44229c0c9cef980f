"""PostgreSQL itself refuses to change or delete history, whoever tries. For SQLite see 0005."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION workitems_history_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The history of work items is only ever added to (% refused).', TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER history_is_append_only BEFORE UPDATE OR DELETE ON workitems_historyentry
    FOR EACH ROW EXECUTE FUNCTION workitems_history_is_append_only();
CREATE TRIGGER history_is_not_emptied BEFORE TRUNCATE ON workitems_historyentry
    FOR EACH STATEMENT EXECUTE FUNCTION workitems_history_is_append_only();
"""
BACKWARD = """
DROP TRIGGER history_is_not_emptied ON workitems_historyentry;
DROP TRIGGER history_is_append_only ON workitems_historyentry;
DROP FUNCTION workitems_history_is_append_only();
"""


def run(sql):
    def on_postgresql(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(sql, params=None)

    return on_postgresql


class Migration(migrations.Migration):
    dependencies = [("workitems", "0001_initial")]
    operations = [migrations.RunPython(run(FORWARD), run(BACKWARD))]
