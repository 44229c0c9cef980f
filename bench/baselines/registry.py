"""Registry's list of work items (since 2022), as the statements its page sends to PostgreSQL. It shows no facet counts.

From APTrust/registry: `WorkItemIndex` (web/webui/work_items_controller.go) loads a page of `work_items_view`, last changed
first, with an offset (`LoadResourceList`, web/webui/request.go; the view, which joins institutions, objects, and files, is in
db/views.sql). If the only filters are institution and action, the total comes from a materialized view that is refreshed
about every hour; otherwise it is counted (pgmodels/counts.go). A search is an ILIKE on the name (pgmodels/query.go). Its
table and indexes are those of Pharos (db/schema.sql); no index starts with the time of the last change.
"""

from ..cases import PER_PAGE, ListRequest
from ..raw_sql import RawConnection, Statement
from . import pharos

VIEW, COUNTS, FILES = "registry_work_items_view", "registry_work_item_counts", "registry_generic_files"
_FROM_COUNTS = {"action", "institution_id"}


def prepare(raw: RawConnection) -> None:
    """Creates the view, the tables it joins, and the materialized counts, unless they exist. Call `pharos.prepare` first."""
    if raw.query("SELECT to_regclass(%s)", [COUNTS]) != [(None,)]:
        return
    raw.query(
        f"CREATE TABLE {pharos.OBJECTS} AS SELECT intellectual_object_id AS id, object_identifier AS identifier,"
        f" ''::text AS alt_identifier, ''::text AS bag_group_identifier, 'Standard'::text AS storage_option"
        f" FROM {pharos.TABLE} WHERE intellectual_object_id IS NOT NULL"
    )
    raw.query(f"ALTER TABLE {pharos.OBJECTS} ADD PRIMARY KEY (id)")
    raw.query(f"CREATE TABLE {FILES} (id bigint PRIMARY KEY, identifier text)")
    raw.query(
        f"CREATE VIEW {VIEW} AS SELECT w.*, i.name AS institution_name, i.identifier AS institution_identifier,"
        " o.identifier AS object, o.alt_identifier, o.bag_group_identifier, o.storage_option, f.identifier AS file"
        f" FROM {pharos.TABLE} w LEFT JOIN accounts_institution i ON i.id = w.institution_id"
        f" LEFT JOIN {pharos.OBJECTS} o ON o.id = w.intellectual_object_id LEFT JOIN {FILES} f ON f.id = w.generic_file_id"
    )
    raw.query(
        f"CREATE MATERIALIZED VIEW {COUNTS} AS SELECT institution_id, COUNT(id) AS row_count, action"
        f" FROM {pharos.TABLE} GROUP BY ROLLUP (institution_id, action)"
    )
    raw.query(f"VACUUM ANALYZE {pharos.OBJECTS}")


def _total(request: ListRequest) -> Statement:
    condition, values = pharos.conditions(request, like="ILIKE")
    chosen = dict(request.case.filters)
    if request.person.institution:
        chosen["institution_id"] = str(request.person.institution)
    if request.term is not None or set(chosen) - _FROM_COUNTS:
        return f"SELECT COUNT(*) FROM {VIEW}{condition}", values
    missing = " AND ".join(f"{name} IS NULL" for name in sorted(_FROM_COUNTS - set(chosen)))
    condition = " AND ".join(part for part in (condition.removeprefix(" WHERE "), missing) if part)
    return f"SELECT row_count FROM {COUNTS} WHERE {condition}", values


def page(request: ListRequest) -> list[Statement]:
    condition, values = pharos.conditions(request, like="ILIKE")
    rows = f"SELECT * FROM {VIEW}{condition} ORDER BY updated_at DESC LIMIT {PER_PAGE} OFFSET {request.start}"
    return [(rows, values), _total(request)]
