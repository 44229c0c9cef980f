"""What each column of an item means, for the documentation of every version of the API."""

from typing import Any

MEANINGS = {
    "id": "The item's number.",
    "created_at": "When the item came into this system.",
    "updated_at": "When anything of it changed last.",
    "name": "The name of the file that was uploaded, or of what is restored or deleted.",
    "etag": "The etag of the uploaded file, as the storage service gave it.",
    "bucket": "The receiving bucket that the file was uploaded to.",
    "user": "Who asked for it, by e-mail.",
    "institution__identifier": "The domain of the institution that owns it.",
    "institution__name": "The name of the institution that owns it.",
    "institution_id": "The number of the institution that owns it.",
    "note": "What happened last, in plain text; of a failure, why.",
    "action": "What is done.",
    "stage": "How far it has come.",
    "status": "How it goes in this stage.",
    "outcome": "Mostly a copy of the status; kept for old programs.",
    "bag_date": "When the bag was made.",
    "date": "When it was received, or asked for.",
    "retry": "Whether it will be tried again.",
    "reviewed": "Whether the institution's staff have looked at its end.",
    "object_identifier": "The object that it made, restores or deletes.",
    "generic_file_identifier": "The file, where it is about one file only.",
    "size": "The size in bytes.",
    "needs_admin_review": "Whether an admin of the consortium has to look at it.",
    "queued_at": "When it was given to the services' queue.",
    "stage_started_at": "When work on this stage began.",
    "inst_approver": "Who approved it at the institution, by e-mail.",
    "aptrust_approver": "Who approved it at the consortium, by e-mail.",
    "node": "The machine that works on it.",
    "pid": "The process that works on it.",
    "work_item_state__item_id": "The number of what the worker keeps of its progress; null where nothing is kept.",
}


def meaning_of(field: Any) -> str:
    """What a field of a record means: as it was declared, or as its column has it. Raises LookupError if nobody has said it."""
    if meaning := field.meaning or MEANINGS.get(field.column):
        return meaning
    raise LookupError(f"Give `meaning=` to the field {field.field_name} of {type(field.parent).__name__}.")
