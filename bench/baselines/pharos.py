"""The list of work items in the consortium's Pharos (2016 to 2022), as the statements its page sends to PostgreSQL.

From APTrust/pharos: `WorkItemsController#index` filters the items and counts them by status, stage, action, and institution
(`filter_count_and_sort` in app/controllers/work_items_controller.rb, with the counting in its concern FilterCounts), counts
them all (`set_page_counts` in app/controllers/application_controller.rb), and selects a page by date, newest first, with an
offset. A search is a LIKE on the name (`with_name_like`, app/models/work_item.rb). The columns and the nine indexes next to
the primary key are those of `work_items` in db/schema.rb. Registry's table (see `registry`) has the same ones, so one copy
serves both.
"""

from ..bulk_loading import ITEMS
from ..cases import PER_PAGE, ListRequest
from ..raw_sql import RawConnection, Statement, where

TABLE, OBJECTS = "pharos_work_items", "pharos_intellectual_objects"
INDEXED = (
    "action",
    "date",
    "etag, name",
    "generic_file_id",
    "institution_id, date",
    "institution_id",
    "intellectual_object_id",
    "stage",
    "status",
)
_SAME = (
    'id, created_at, updated_at, name, etag, bucket, "user", institution_id, note, action, stage, status, outcome, bag_date, '
    "date, retry, object_identifier, generic_file_identifier, node, pid, needs_admin_review, queued_at, size, "
    "stage_started_at, inst_approver, aptrust_approver"
)
COUNTED = ("status", "stage", "action", "institution_id")


def prepare(raw: RawConnection) -> None:
    """Copies the items into a table like that of Pharos, unless it exists. PostgreSQL only."""
    if raw.query("SELECT to_regclass(%s)", [TABLE]) != [(None,)]:
        return
    raw.query(
        f"CREATE TABLE {TABLE} AS SELECT {_SAME}, CASE WHEN object_identifier <> '' THEN id END AS intellectual_object_id,"
        f" NULL::bigint AS generic_file_id FROM {ITEMS} ORDER BY id"
    )
    raw.query(f"ALTER TABLE {TABLE} ADD PRIMARY KEY (id)")
    for number, columns in enumerate(INDEXED):
        raw.query(f"CREATE INDEX {TABLE}_{number} ON {TABLE} ({columns})")
    raw.query(f"VACUUM ANALYZE {TABLE}")


def conditions(request: ListRequest, like: str = "LIKE") -> Statement:
    """The WHERE clause that both earlier systems use for this list."""
    scope = {"institution_id": request.person.institution} if request.person.institution else {}
    more = [(f"name {like} %s", [f"%{request.term}%"])] if request.term is not None else []
    return where({**scope, **request.case.filters}, more)


def counts(request: ListRequest) -> list[Statement]:
    """The four facet counts and the total."""
    condition, values = conditions(request)
    groups = [(f"SELECT COUNT(*), {name} FROM {TABLE}{condition} GROUP BY {name}", values) for name in COUNTED]
    return [*groups, (f"SELECT COUNT(*) FROM {TABLE}{condition}", values)]


def rows(request: ListRequest) -> Statement:
    condition, values = conditions(request)
    return f"SELECT * FROM {TABLE}{condition} ORDER BY date DESC LIMIT {PER_PAGE} OFFSET {request.start}", values


def page(request: ListRequest) -> list[Statement]:
    return [*counts(request), rows(request)]
