"""What each handler says of itself for the description of the API: beside the code, so that neither changes alone."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rest_framework import serializers

from ..transitions import WORKER_STATE_LIMIT


class Shape(Enum):
    """What is sent or answered, where the edition and the view decide what that is."""

    RECORD = "the edition's record"
    NEW = "a record for a new item"
    BATCH = "many records"
    STAGE = "the stage to go back to"


@dataclass(frozen=True)
class Told:
    """`name`: of the operation, in code that is made from the description. `many`: a page of what `answers` names.

    `refuses`: statuses that the description could not work out by itself from what is taken and answered.
    """

    name: str
    summary: str
    more: str
    takes: Any
    answers: Any
    many: bool
    status: int
    refuses: tuple[int, ...]


def tells(
    name: str,
    summary: str,
    more: str = "",
    *,
    takes: Any = None,
    answers: Any = Shape.RECORD,
    many: bool = False,
    status: int = 200,
    refuses: tuple[int, ...] = (),
) -> Callable[[Callable], Callable]:
    """Marks a handler with what it does, in words and in shapes."""

    def mark(handler: Callable) -> Callable:
        handler.told = Told(name, summary, more, takes, answers, many, status, refuses)  # type: ignore[attr-defined]
        return handler

    return mark


class State(serializers.Serializer):
    """What a worker keeps of its progress with an item. Its id is the item's."""

    id = serializers.IntegerField(help_text="The state's number, which is also its item's.")
    work_item_id = serializers.IntegerField(help_text="The item's number.")
    action = serializers.CharField(help_text="The action it belongs to, as the worker saved it.")
    state = serializers.CharField(help_text="The text as it was saved.")

    class Meta:
        ref_name = "State"


class StateToSave(serializers.Serializer):
    id = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, help_text="The same as in the address, or 0."
    )
    work_item_id = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, help_text="The same as in the address, or 0."
    )
    action = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, max_length=32, help_text="Blank: the item's action."
    )
    state = serializers.CharField(
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text=f"Text, mostly JSON, of up to {WORKER_STATE_LIMIT:,} bytes.",
    )

    class Meta:
        ref_name = "StateToSave"


class NewState(StateToSave):
    id = serializers.IntegerField(required=False, allow_null=True, min_value=0, help_text="Ignored.")
    work_item_id = serializers.IntegerField(min_value=1, help_text="The item's number.")

    class Meta:
        ref_name = "NewState"


class StoredObject(serializers.Serializer):
    """An object in preservation storage, as its last successful ingest tells of it."""

    id = serializers.IntegerField(help_text="The number of the ingest's item.")
    identifier = serializers.CharField(help_text="The owner's domain, a slash, and the bag's name.")
    title = serializers.CharField(allow_null=True, help_text="Its title; null, because items don't record it.")
    access = serializers.CharField(allow_null=True, help_text="Who can see it; null, because items don't record it.")
    state = serializers.ChoiceField(["A", "D"], help_text="A: in storage. D: deleted since then.")
    storage_option = serializers.CharField(
        allow_null=True, help_text="Where it is stored; null, because items don't record it."
    )
    created_at = serializers.DateTimeField(help_text="When its last successful ingest was created in this system.")
    updated_at = serializers.DateTimeField(help_text="When that ingest last changed.")

    class Meta:
        ref_name = "Object"


class Institution(serializers.Serializer):
    """An institution that owns items."""

    id = serializers.IntegerField(help_text="Its number, as used in institution_id.")
    name = serializers.CharField(help_text="Its name.")
    identifier = serializers.CharField(help_text="Its domain.")

    class Meta:
        ref_name = "Institution"
