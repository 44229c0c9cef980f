"""Sample data for the documentation: one typical item, from which the examples of every version are built."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from ...lifecycle import first_stage
from ...listing import Dialect
from ...vocabulary import Action, Status
from ..fields import as_time

ID = 4711
EMAIL = "dora@virginia.edu"
BAG_DATE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
_ARRIVED = datetime(2026, 3, 5, 9, 30, tzinfo=UTC)
_NOW = datetime(2026, 3, 5, 10, 12, 44, tzinfo=UTC)
# {column: value}
ITEM: dict[str, Any] = {
    "id": ID,
    "created_at": _ARRIVED,
    "updated_at": _NOW,
    "name": "virginia.edu.uva-lib_2274642.tar",
    "etag": "9c5a3e2b7d1f4860a1b2c3d4e5f60718",
    "bucket": "aptrust.receiving.virginia.edu",
    "user": EMAIL,
    "institution_id": 1,
    "institution__identifier": "virginia.edu",
    "institution__name": "University of Virginia",
    "note": "Validating the bag.",
    "action": "Ingest",
    "stage": "Validate",
    "status": "Started",
    "outcome": "",
    "bag_date": BAG_DATE,
    "date": _ARRIVED,
    "retry": True,
    "reviewed": False,
    "object_identifier": "",
    "generic_file_identifier": "",
    "intellectual_object_id": None,
    "generic_file_id": None,
    "deletion_request_id": None,
    "storage_option": "Standard",
    "finished_at": None,
    "size": 90_700_000,
    "needs_admin_review": False,
    "queued_at": _ARRIVED,
    "stage_started_at": _NOW,
    "inst_approver": "",
    "aptrust_approver": "",
    "node": "services-1.example.org",
    "pid": 3120,
    "work_item_state__item_id": ID,
}
OBJECT_IDENTIFIER = "virginia.edu/virginia.edu.uva-lib_2274642"
_STATE = {"id": ID, "work_item_id": ID, "action": "Ingest", "state": '{"files": 12}'}
_INSTITUTION = {
    "id": 1,
    "name": "University of Virginia",
    "identifier": "virginia.edu",
    "receiving_bucket": "aptrust.receiving.virginia.edu",
    "restore_bucket": "aptrust.restore.virginia.edu",
}
_OBJECT = {
    "id": ID,
    "identifier": OBJECT_IDENTIFIER,
    "title": None,
    "access": None,
    "state": "A",
    "storage_option": None,
    "institution_id": 1,
    "etag": ITEM["etag"],
    "bag_name": ITEM["name"],
    "size": ITEM["size"],
    "created_at": as_time(_ARRIVED, "milliseconds"),
    "updated_at": as_time(_NOW, "milliseconds"),
}
BY_SERIALIZER = {
    "State": _STATE,
    "NewState": {"work_item_id": ID, "action": "Ingest", "state": '{"files": 12}'},
    "StateToSave": _STATE,
    "Institution": _INSTITUTION,
    "StoredObject": _OBJECT,
}
STAGE = "Fetch"
CLAIM = '{"stage": "Fetch", "status": "Started", "node": "services-1.example.org", "pid": 3120}'
# {filter: value} of the example lists.
_QUERY: dict[str, Any] = {"status": "Started", "per_page": 50}
# The columns that the examples send for a new item; the ones below for a save.
_NEW = ("name", "etag", "bucket", "institution_id", "action", "stage", "status", "bag_date", "date", "size", "note")
_NEW_VALUES = {
    "stage": first_stage(Action.INGEST).value,
    "status": Status.PENDING.value,
    "note": "The bag is in the receiving bucket.",
}
_SAVED = ("stage", "status", "note", "retry", "node", "pid")


def sample_query(dialect: Dialect) -> dict[str, Any]:
    """{parameter: value} of a typical list, with the names and words of the dialect."""
    found = {}
    for name, value in _QUERY.items():
        given = next((given for given, means in dialect.names.items() if means == name), None)
        if given is not None:
            words = {means: word for word, means in dialect.words.get(given, {}).items()}
            found[given] = words.get(value, value)
    return found


def sample_path_value(part: str, meaning: str) -> Any:
    """A value for a parameter in an address; `identifier` is an object's or an institution's."""
    if part == "identifier":
        return OBJECT_IDENTIFIER if "object" in meaning else "virginia.edu"
    values = {
        "id": ID,
        "institution_id": 1,
        "etag": ITEM["etag"],
        "name": ITEM["name"],
        "bag_date": as_time(BAG_DATE, "seconds"),
    }
    return values[part]


def sample_new(record_class: Any, without: set[str]) -> dict[str, Any]:
    """What a client sends to create the sample item, `without` the columns given by the address."""
    changed = {record_class.name_of(column): value for column, value in _NEW_VALUES.items()}
    sent = _part(record_class, [column for column in _NEW if column not in without])
    return {name: changed.get(name, value) for name, value in sent.items()}


def sample_save(record_class: Any) -> dict[str, Any]:
    """What a client sends to save its progress with the sample item."""
    return _part(record_class, _SAVED)


def sample_batch(record_class: Any) -> dict[str, Any]:
    return {"work_items": {"items": [{"id": ID} | sample_save(record_class)]}}


def _part(record_class: Any, columns: Iterable[str]) -> dict[str, Any]:
    record = sample_record(record_class)
    return {name: record[name] for name in map(record_class.name_of, columns)}


def sample_record(record_class: Any) -> dict[str, Any]:
    """The sample item as a version's record shows it."""
    fields = record_class.by_name.items()
    shown = {
        name: value if field.show is None else field.show(value) for name, field in fields for value in [_of(field)]
    }
    record_class.adjust(shown)
    return shown


def _of(field: Any) -> Any:
    """The stored value of a field in the sample item: the field's own example or, by default, that of its column."""
    if field.example is None and field.column not in ITEM:
        raise LookupError(f"Give `example=` to the field {field.field_name} of {type(field.parent).__name__}.")
    return ITEM[field.column] if field.example is None else field.example
