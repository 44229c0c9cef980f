"""Version 1, the first member API: an item has the 19 fields of its specification (versions 7 and 8)."""

from typing import Any

from django.urls import path

from pharos.accounts.roles import Permission

from ..listing import IGNORED_NAMES, Dialect
from ..vocabulary import Action, Stage, Status
from . import items
from .authentication import FLUCTUS
from .fields import Flag, Moment, Text, Whole, Word
from .records import Record
from .variants import ApiVariant

# In the parameters of this version's lists, words have keys, such as glacier_restore for Glacier Restore.
ACTIONS = {word.value.lower().replace(" check", "").replace(" ", "_"): word.value for word in Action}
STAGES = {
    key: stage.value
    for key, stage in {
        "requested": Stage.REQUESTED,
        "receive": Stage.RECEIVE,
        "fetch": Stage.FETCH,
        "unpack": Stage.UNPACK,
        "validate": Stage.VALIDATE,
        "store": Stage.STORE,
        "record": Stage.RECORD,
        "clean": Stage.CLEANUP,
        "resolve": Stage.RESOLVE,
        "package": Stage.PACKAGE,
        "restoring": Stage.RESTORING,
        "available_in_s3": Stage.AVAILABLE_IN_S3,
    }.items()
}
STATUSES = {
    "pend": Status.PENDING.value,
    "start": Status.STARTED.value,
    "success": Status.SUCCESS.value,
    "fail": Status.FAILED.value,
    "cancel": Status.CANCELLED.value,
}
# Only these have a user: nobody requests an ingest or a scheduled check.
_REQUESTED = frozenset({Action.RESTORE.value, Action.GLACIER_RESTORE.value, Action.DELETE.value, Action.DPN.value})


class Item(Record):
    id = Whole(read_only=True)
    created_at = Moment(read_only=True)
    updated_at = Moment(read_only=True)
    name = Text(read_only=True)
    etag = Text(read_only=True)
    bucket = Text(read_only=True)
    user = Text(nullable=True, read_only=True)
    institution = Text(column="institution__identifier", read_only=True)
    note = Text(read_only=True)
    action = Word({word.value: word.value for word in Action}, read_only=True)
    stage = Word({word.value: word.value for word in Stage}, read_only=True)
    status = Word({word.value: word.value for word in Status}, read_only=True)
    outcome = Text(nullable=True, read_only=True)
    bag_date = Moment(read_only=True)
    date = Moment(read_only=True)
    retry = Flag(read_only=True)
    reviewed = Flag(read_only=True)
    object_identifier = Text(nullable=True, read_only=True)
    generic_file_identifier = Text(nullable=True, read_only=True)

    @classmethod
    def adjust(cls, shown: dict[str, Any]) -> None:
        if shown["action"] not in _REQUESTED:
            shown["user"] = None


MEMBER = ApiVariant(
    version="v1",
    permission=Permission.BROWSE,
    headers=FLUCTUS,
    dialect=Dialect(
        {
            "page": "page",
            "per_page": "per_page",
            "after": "after",
            "institution": "institution",
            "name_exact": "name",
            "name_contains": "name_like",
            "updated_since": "updated_after",
            "reviewed": "reviewed",
            "item_action": "item_action",
            "stage": "stage",
            "status": "status",
        },
        per_page=10,
        words={"item_action": ACTIONS, "stage": STAGES, "status": STATUSES},
        ignored=IGNORED_NAMES,
    ),
    record=Item,
)

urlpatterns = [path("member-api/v1/items/", items.ListItems.as_view(variant=MEMBER), name="v1_items")]
