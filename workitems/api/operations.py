"""The operations of the API. Each handler declares itself with `operation`, next to its code, for the documentation."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from rest_framework import serializers

from ..transitions import WORKER_STATE_LIMIT


class BodyShape(Enum):
    """Request and response bodies whose schema depends on the variant and the view."""

    RECORD = "the variant's record"
    NEW = "a record for a new item"
    BATCH = "many records"
    STAGE = "the stage to go back to"


@dataclass(frozen=True)
class Operation:
    """An operation, as a method and address of the API.

    `name`: its name in generated client code. `takes` and `answers`: the bodies of the request and the response.
    `many`: the response is a page of such bodies. `refuses`: statuses that the documentation can't derive from the
    bodies.
    """

    name: str
    summary: str
    more: str
    takes: Any
    answers: Any
    many: bool
    status: int
    refuses: tuple[int, ...]


def operation(
    name: str,
    summary: str,
    more: str = "",
    *,
    takes: Any = None,
    answers: Any = BodyShape.RECORD,
    many: bool = False,
    status: int = 200,
    refuses: tuple[int, ...] = (),
) -> Callable[[Callable], Callable]:
    """Declares the operation of a handler."""

    def mark(handler: Callable) -> Callable:
        handler.operation = Operation(name, summary, more, takes, answers, many, status, refuses)  # type: ignore[attr-defined]
        return handler

    return mark


class StateSerializer(serializers.Serializer):
    """What a worker has saved about its progress with an item. Its id is the item's."""

    id = serializers.IntegerField(help_text="The state's number, which is also its item's.")
    work_item_id = serializers.IntegerField(help_text="The item's number.")
    action = serializers.CharField(help_text="The action it belongs to, as the worker saved it.")
    state = serializers.CharField(help_text="The text as it was saved.")

    class Meta:
        ref_name = "State"


class StateToSaveSerializer(serializers.Serializer):
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


class NewStateSerializer(StateToSaveSerializer):
    id = serializers.IntegerField(required=False, allow_null=True, min_value=0, help_text="Ignored.")
    work_item_id = serializers.IntegerField(min_value=1, help_text="The item's number.")

    class Meta:
        ref_name = "NewState"


class ObjectSerializer(serializers.Serializer):
    """An object in preservation storage, as of its last successful ingest."""

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


class InstitutionSerializer(serializers.Serializer):
    """An institution that owns items."""

    id = serializers.IntegerField(help_text="Its number, as used in institution_id.")
    name = serializers.CharField(help_text="Its name.")
    identifier = serializers.CharField(help_text="Its domain.")

    class Meta:
        ref_name = "Institution"
