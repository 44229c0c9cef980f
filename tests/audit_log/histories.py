"""Long histories, made by the database itself: millions of entries in the time that the verbs take for thousands."""

from django.db import connection

PER_ITEM = 10

SERIES = {
    "postgresql": "SELECT n FROM generate_series({first}, {last}) AS n",
    "sqlite": "SELECT n FROM (WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {last}) SELECT n FROM s)",
}
# Entry n is of item n / 10; each tenth item was requeued, each hundredth cancelled; one act has marked some of the first thousand.
ENTRY = """
INSERT INTO {table} (id, item_id, number, at, who, via, move, stage_before, status_before, stage_after, status_after, note, changes, act)
SELECT n, {item}, n % 10 + 1, {at}, 'wally@aptrust.org', 'api',
    CASE WHEN n % 10 = 0 THEN 'import' WHEN n % 100 = 8 THEN 'requeue' WHEN n % 1000 = 9 THEN 'cancel' ELSE 'progress' END,
    'Receive', 'Pending', 'Fetch', 'Started', 'On its way.', '{{}}', CASE WHEN n % 30 = 5 AND n % 10000000 < 10000 THEN {act} END
FROM ({series}) numbers
"""
ITEM = """
INSERT INTO workitems_workitem (id, created_at, updated_at, name, etag, bucket, "user", institution_id, note, action, stage, status,
    outcome, bag_date, date, retry, reviewed, object_identifier, generic_file_identifier, size, node, pid, needs_admin_review,
    queued_at, stage_started_at, inst_approver, aptrust_approver, version, search_text)
SELECT n, '{day}', '{day}', 'filled-' || n, 'filled', '', '', {institution}, '', 'Ingest', 'Resolve',
    CASE WHEN n % 100 = 0 THEN 'Cancelled' ELSE 'Success' END, '', NULL, '{day}', {false}, {false}, '', '', NULL, '', NULL, {false},
    NULL, NULL, '', '', 10, 'filled'
FROM ({series}) numbers
"""


def run(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def fill_histories(first, last, institution, *, act, table="workitems_historyentry"):
    """Items of these numbers (`last` not included), closed long ago, with ten entries each, over the years 2011 to 2020.

    `act`: the bulk act (UUID) that some of them were changed by. The statistics are taken afterwards.
    """
    is_postgresql = connection.vendor == "postgresql"
    numbers = SERIES[connection.vendor].format(first=first, last=last - 1)
    false = "false" if is_postgresql else "0"
    run(ITEM.format(series=numbers, institution=institution.pk, day="2020-01-01T00:00:00Z", false=false))
    year = "(2011 + n % 10)"
    at = f"make_timestamptz({year}, 1, 2, 0, 0, 0)" if is_postgresql else f"{year} || '-01-02 00:00:00'"
    act = f"'{act}'::uuid" if is_postgresql else f"'{act.hex}'"
    numbers = SERIES[connection.vendor].format(first=first * PER_ITEM, last=last * PER_ITEM - 1)
    run(ENTRY.format(table=table, series=numbers, item=f"n / {PER_ITEM}", at=at, act=act))
    for filled in ("workitems_workitem", table):
        run(f"ANALYZE {filled}")
