"""The meaning of each column of an item, for the documentation of every version of the API."""

from typing import Any

MEANINGS = {
    "id": "The item's number.",
    "created_at": "When the item was created in this system.",
    "updated_at": "When the item last changed.",
    "name": "The name of the uploaded file, or of what is restored or deleted.",
    "etag": "The etag of the uploaded file, as returned by the storage service.",
    "bucket": "The receiving bucket that the file was uploaded to.",
    "user": "The email of the person who requested it.",
    "institution__identifier": "The domain of the institution that owns it.",
    "institution__name": "The name of the institution that owns it.",
    "institution_id": "The number of the institution that owns it.",
    "note": "What happened last, in plain text; for a failure, the reason.",
    "action": "What is being done.",
    "stage": "How far it has progressed.",
    "status": "How the current stage is going.",
    "outcome": "Usually a copy of the status; kept for older programs.",
    "bag_date": "When the bag was created.",
    "date": "When it was received or requested.",
    "retry": "Whether it will be retried.",
    "reviewed": "Whether the institution's staff have reviewed the result.",
    "object_identifier": "The object that it created, restores, or deletes.",
    "generic_file_identifier": "The file, if the item is about a single file.",
    "size": "The size in bytes.",
    "needs_admin_review": "Whether a consortium admin needs to look at it.",
    "queued_at": "When it was added to the services' queue.",
    "stage_started_at": "When work on this stage started.",
    "inst_approver": "The email of the person who approved it at the institution.",
    "aptrust_approver": "The email of the person who approved it at the consortium.",
    "node": "The machine that is working on it.",
    "pid": "The process that is working on it.",
    "work_item_state__item_id": "The number of the worker state; null if there is none.",
}


def meaning_of(field: Any) -> str:
    """The meaning of a record's field: its own or, by default, its column's. Raises LookupError if it has none."""
    if meaning := field.meaning or MEANINGS.get(field.column):
        return meaning
    raise LookupError(f"Give `meaning=` to the field {field.field_name} of {type(field.parent).__name__}.")
