"""Pharos' list of work items (2016 to 2022), as the statements that its page puts to PostgreSQL, on a table with its indexes.

What it asks, from APTrust/pharos: `WorkItemsController#index` narrows the items and counts them by status, stage, action and
institution (`filter_count_and_sort` in app/controllers/work_items_controller.rb, with the counting in its concern
FilterCounts), counts them all (`set_page_counts` in app/controllers/application_controller.rb), and takes a page by the
date, newest first, with an offset. A search is a LIKE on the name (`with_name_like`, app/models/work_item.rb). Its columns and
its nine indexes beside the primary key are those of `work_items` in db/schema.rb. Registry's table (see `registry`) has the
same, so one copy serves both.
"""

from ..cases import PER_PAGE, Asked
from ..loading import ITEMS
from ..statements import Bare, Statement, where

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


def prepare(bare: Bare) -> None:
    """Copies the items into a table as Pharos had it, if that is not there yet. PostgreSQL only."""
    if bare.ask("SELECT to_regclass(%s)", [TABLE]) != [(None,)]:
        return
    bare.ask(
        f"CREATE TABLE {TABLE} AS SELECT {_SAME}, CASE WHEN object_identifier <> '' THEN id END AS intellectual_object_id,"
        f" NULL::bigint AS generic_file_id FROM {ITEMS} ORDER BY id"
    )
    bare.ask(f"ALTER TABLE {TABLE} ADD PRIMARY KEY (id)")
    for place, columns in enumerate(INDEXED):
        bare.ask(f"CREATE INDEX {TABLE}_{place} ON {TABLE} ({columns})")
    bare.ask(f"VACUUM ANALYZE {TABLE}")


def conditions(asked: Asked, like: str = "LIKE") -> Statement:
    """Which items, in the words of both of the consortium's earlier systems."""
    scope = {"institution_id": asked.person.institution} if asked.person.institution else {}
    more = [(f"name {like} %s", [f"%{asked.term}%"])] if asked.term is not None else []
    return where({**scope, **asked.case.filters}, more)


def counts(asked: Asked) -> list[Statement]:
    """The four counts of the left column, and the total."""
    condition, values = conditions(asked)
    groups = [(f"SELECT COUNT(*), {name} FROM {TABLE}{condition} GROUP BY {name}", values) for name in COUNTED]
    return [*groups, (f"SELECT COUNT(*) FROM {TABLE}{condition}", values)]


def rows(asked: Asked) -> Statement:
    condition, values = conditions(asked)
    return f"SELECT * FROM {TABLE}{condition} ORDER BY date DESC LIMIT {PER_PAGE} OFFSET {asked.start}", values


def page(asked: Asked) -> list[Statement]:
    return [*counts(asked), rows(asked)]
