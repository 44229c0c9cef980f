"""Registry's list of work items (since 2022), as the statements that its page puts to PostgreSQL. It shows no counts beside its filters.

What it asks, from APTrust/registry: `WorkItemIndex` (web/webui/work_items_controller.go) loads a page of `work_items_view`,
last changed first, with an offset (`LoadResourceList`, web/webui/request.go; the view, which joins institutions, objects and
files, is in db/views.sql). The total is taken from a materialized view that is refreshed every hour or so, if nothing but
institution and action are asked for, and counted otherwise (pgmodels/counts.go). A search is an ILIKE on the name
(pgmodels/query.go). Its table and indexes are Pharos' (db/schema.sql): none begins with the time of the last change.
"""

from ..cases import PER_PAGE, Asked
from ..statements import Bare, Statement
from . import pharos

VIEW, COUNTS, FILES = "registry_work_items_view", "registry_work_item_counts", "registry_generic_files"
_FROM_COUNTS = {"action", "institution_id"}


def prepare(bare: Bare) -> None:
    """Makes the view, what it joins, and the kept counts, if they are not there yet. `pharos.prepare` comes first."""
    if bare.ask("SELECT to_regclass(%s)", [COUNTS]) != [(None,)]:
        return
    bare.ask(
        f"CREATE TABLE {pharos.OBJECTS} AS SELECT intellectual_object_id AS id, object_identifier AS identifier,"
        f" ''::text AS alt_identifier, ''::text AS bag_group_identifier, 'Standard'::text AS storage_option"
        f" FROM {pharos.TABLE} WHERE intellectual_object_id IS NOT NULL"
    )
    bare.ask(f"ALTER TABLE {pharos.OBJECTS} ADD PRIMARY KEY (id)")
    bare.ask(f"CREATE TABLE {FILES} (id bigint PRIMARY KEY, identifier text)")
    bare.ask(
        f"CREATE VIEW {VIEW} AS SELECT w.*, i.name AS institution_name, i.identifier AS institution_identifier,"
        " o.identifier AS object, o.alt_identifier, o.bag_group_identifier, o.storage_option, f.identifier AS file"
        f" FROM {pharos.TABLE} w LEFT JOIN accounts_institution i ON i.id = w.institution_id"
        f" LEFT JOIN {pharos.OBJECTS} o ON o.id = w.intellectual_object_id LEFT JOIN {FILES} f ON f.id = w.generic_file_id"
    )
    bare.ask(
        f"CREATE MATERIALIZED VIEW {COUNTS} AS SELECT institution_id, COUNT(id) AS row_count, action"
        f" FROM {pharos.TABLE} GROUP BY ROLLUP (institution_id, action)"
    )
    bare.ask(f"VACUUM ANALYZE {pharos.OBJECTS}")


def _total(asked: Asked) -> Statement:
    condition, values = pharos.conditions(asked, like="ILIKE")
    chosen = dict(asked.case.filters)
    if asked.person.institution:
        chosen["institution_id"] = str(asked.person.institution)
    if asked.term is not None or set(chosen) - _FROM_COUNTS:
        return f"SELECT COUNT(*) FROM {VIEW}{condition}", values
    missing = " AND ".join(f"{name} IS NULL" for name in sorted(_FROM_COUNTS - set(chosen)))
    condition = " AND ".join(part for part in (condition.removeprefix(" WHERE "), missing) if part)
    return f"SELECT row_count FROM {COUNTS} WHERE {condition}", values


def page(asked: Asked) -> list[Statement]:
    condition, values = pharos.conditions(asked, like="ILIKE")
    rows = f"SELECT * FROM {VIEW}{condition} ORDER BY updated_at DESC LIMIT {PER_PAGE} OFFSET {asked.start}"
    return [(rows, values), _total(asked)]
