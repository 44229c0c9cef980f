"""Parts of split bags in SQL: which items are parts of one bag, and whose bag misses a part.

None of this is stored: a name never changes, so an index on an expression has the parts, with no column to fill beside
writers. It is only on names that contain `.of`, which few have. `lifecycle.split_bags` says the same in Python.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from pharos.accounts.models import Institution

from ..database import HEAD_LENGTH, WORK_ITEMS, PartNameSql, fetch_prepared, read_part_name
from ..lifecycle import PART_WAIT, PartUpload, SplitBag, group_parts, part_status, read_part
from ..vocabulary import Action, Status

_COLUMNS = "SELECT i.institution_id, i.id, i.name, i.status, i.retry, i.date > %s"


def find_split_bags(
    bags: Collection[tuple[int, str]], now: datetime, using: str = DEFAULT_DB_ALIAS
) -> dict[tuple[int, str, int], SplitBag]:
    """Returns {(institution, bag, total): its parts} for these (institution, bag). At most one statement."""
    heads = {f"{bag}.b"[:HEAD_LENGTH] for _owner, bag in bags}
    if not heads:
        return {}
    owners = {owner for owner, _bag in bags}
    names = read_part_name("i.name", connections[using].vendor)
    if names.is_postgresql:
        owned, headed, params = "= ANY(%s::bigint[])", "= ANY(%s::text[])", [sorted(owners), sorted(heads)]
    else:
        owned, headed = f"IN ({_gaps(owners)})", f"IN ({_gaps(heads)})"
        params = [*sorted(owners), *sorted(heads)]
    found = fetch_prepared(
        using,
        f"{_COLUMNS} FROM {WORK_ITEMS} i {_force_index(names)}"
        f" WHERE i.institution_id {owned} AND {names.is_indexed} AND {names.head} {headed} AND i.action = %s"
        " ORDER BY i.date, i.id",
        [_adapted(now - PART_WAIT), *params, Action.INGEST],
    )
    return _grouped(found)


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[int, str, int], SplitBag]:
    uploads: dict[tuple[int, str], list[PartUpload]] = {}
    for owner, pk, name, status, retry, is_recent in rows:
        if part := read_part(name):
            upload = PartUpload(pk, part, part_status(status, retry=bool(retry)), bool(is_recent))
            uploads.setdefault((owner, part.bag), []).append(upload)
    return {(*bag, split.total): split for bag, listed in uploads.items() for split in group_parts(listed)}


def _adapted(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment)


def in_bag_groups(values: Iterable[str]) -> Q:
    """Returns the condition that an ingest is a part of one of these bags.

    A value is the bag's name without part, the object's identifier (with the institution's domain), or the name of a part.
    """
    names = read_part_name("i.name", connection.vendor)
    wanted: list[str] = []
    params: list[str] = []
    for value in values:
        part = read_part(value)
        bag = part.bag if part else value.removesuffix(".tar")
        wanted.append(f"({names.head} = %s AND {names.stem} = %s)")
        params += [f"{bag}.b"[:HEAD_LENGTH], f"{bag}.b"]
        domain, slash, rest = bag.partition("/")
        if slash:
            owner = f"SELECT id FROM {Institution._meta.db_table} WHERE identifier = %s"  # noqa: S608
            wanted.append(f"({names.head} = %s AND {names.stem} = %s AND i.institution_id IN ({owner}))")
            params += [f"{rest}.b"[:HEAD_LENGTH], f"{rest}.b", domain]
    sql = (
        f'"{WORK_ITEMS}".id IN (SELECT i.id FROM {WORK_ITEMS} i {_force_index(names)}'  # noqa: S608  values are parameters
        f" WHERE {names.is_indexed} AND ({' OR '.join(wanted)}) AND {names.is_part} AND i.action = '{Action.INGEST}')"
    )
    return Q(RawSQL(sql, params, BooleanField()))  # noqa: S611


def _gaps(values: Collection[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _force_index(names: PartNameSql) -> str:
    """For SQLite, which without statistics would choose another index."""
    return "" if names.is_postgresql else "INDEXED BY item_part"


@cache
def _missing_sql(vendor: str) -> str:
    mine, other = read_part_name(f'"{WORK_ITEMS}"."name"', vendor), read_part_name("o.name", vendor)
    same_bag = (
        f"SELECT {{}} FROM {WORK_ITEMS} o {_force_index(other)} WHERE {other.is_indexed} AND {other.head} = m.head"  # noqa: S608
        f' AND o.institution_id = "{WORK_ITEMS}".institution_id AND {other.stem} = m.stem AND {other.total} = m.total'
        f" AND {other.is_part} AND o.action = '{Action.INGEST}' AND {{}}"
    )
    # The date is compared alone, too: the index has it.
    later = f'o.date >= "{WORK_ITEMS}".date AND (o.date, o.id) > ("{WORK_ITEMS}".date, "{WORK_ITEMS}".id)'
    later_done = same_bag.format("1", f"{later} AND o.status = '{Status.SUCCESS}' AND {other.is_possible}")
    arrived = same_bag.format(f"COUNT(DISTINCT {other.number})", other.is_possible)
    # LIMIT lets the database work out once what the name says, instead of once for each row of the bag. CASE keeps the
    # order: what is cheap and most often decides comes first.
    said = f"SELECT {mine.head} AS head, {mine.stem} AS stem, {mine.total} AS total LIMIT 1"
    cases = (
        f"WHEN EXISTS ({later_done}) THEN 1 = 0 WHEN EXISTS ({same_bag.format('1', 'o.date > %s')}) THEN 1 = 0"
        f" WHEN LENGTH(m.total) > 9 THEN 1 = 1 WHEN m.total = '' THEN 1 = 0"
        f" ELSE CAST(m.total AS INTEGER) > ({arrived})"
    )
    return (
        f'"{WORK_ITEMS}".date <= %s AND {mine.is_indexed} AND {mine.is_part} AND {mine.is_possible}'  # noqa: S608
        f" AND EXISTS (SELECT 1 FROM ({said}) m WHERE CASE {cases} END)"
    )


def is_part_missing(now: datetime) -> Q:
    """Returns the condition that an item carries that parts of its bag never came, and nobody has reviewed it yet."""
    limit = _adapted(now - PART_WAIT)
    missing = RawSQL(_missing_sql(connection.vendor), [limit, limit], BooleanField())  # noqa: S611  no user input
    return Q(missing, action=Action.INGEST, status=Status.SUCCESS, reviewed=False)


def with_missing_part(now: datetime) -> Q:
    """Returns the same condition for a list of such items alone, which only looks at parts, by their index."""
    names = read_part_name("i.name", connection.vendor)
    sql = f'"{WORK_ITEMS}".id IN (SELECT i.id FROM {WORK_ITEMS} i {_force_index(names)} WHERE {names.is_indexed})'  # noqa: S608
    return Q(RawSQL(sql, [], BooleanField())) & is_part_missing(now)  # noqa: S611  no user input
