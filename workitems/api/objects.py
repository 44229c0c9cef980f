"""Objects in preservation storage, derived from work items, because objects have no table here."""

from typing import Any

from django.http import Http404

from pharos.accounts.models import User

from ..database import MAX_BIGINT
from ..listing import whole_number
from ..models import WorkItem
from . import operations
from .base import ApiView
from .fields import as_time
from .listing import envelope
from .operations import operation
from .plain_lists import Parameter, read_plain_query
from .responses import json_response

# An object's identifier in an address. Like a name, it can contain slashes and even line breaks, which <path:…> doesn't match.
IDENTIFIER = r"(?P<identifier>(?s:.+))\Z"
ACTIVE = "A"
DELETED = "D"
_NONE = "There is no such object."
_STATE = Parameter("A: in storage. D: deleted since its last ingest.", words=(ACTIVE, DELETED))
_IDENTIFIER = Parameter("The complete identifier of an object.")
_ORDERS = {"identifier": "object_identifier", "created_at": "created_at", "updated_at": "updated_at", "id": "id"}


def _record(ingest: Any, timespec: str) -> dict[str, Any]:
    """An object as of its last successful ingest; `id` and the times are that item's. Unknown values are None."""
    return {
        "id": ingest.pk,
        "identifier": ingest.object_identifier,
        "title": None,
        "access": None,
        "state": DELETED if ingest.is_deleted else ACTIVE,
        "storage_option": ingest.storage_option or None,
        "institution_id": ingest.institution_id,
        "etag": ingest.etag,
        "bag_name": ingest.name,
        "size": ingest.size,
        "created_at": as_time(ingest.created_at, timespec),
        "updated_at": as_time(ingest.updated_at, timespec),
    }


def find_object(identifier: str, user: User) -> Any:
    """The last successful ingest of the object with exactly this identifier, as `stored_objects` has it; None if it was
    never ingested, as far as this user can see.
    """
    if not _is_storable(identifier):
        return None
    found = WorkItem.objects.visible_to(user).stored_objects().of_object(identifier)
    # Old data can have the same identifier at two institutions, of which some readers see both.
    return found.order_by("-date", "-id").first()


def _is_storable(identifier: str) -> bool:
    """Whether an item could have this identifier at all; the databases differ in how they treat invalid ones."""
    longest = WorkItem._meta.get_field("object_identifier").max_length or 0
    if not identifier or "\0" in identifier or len(identifier) > longest:
        return False
    try:
        identifier.encode()
    except UnicodeEncodeError:
        return False
    return True


class ObjectList(ApiView):
    """The objects that the caller can see, each as of its last successful ingest."""

    accepts_query = True
    http_method_names = ["get", "head"]
    parameters = {
        "identifier": _IDENTIFIER,
        "object_identifier": Parameter("Another spelling of `identifier`.", alias_of="identifier"),
        "state": _STATE,
        "access": Parameter("Accepted but has no effect: items don't record it."),
        "sort": Parameter("The order; by default, the last ingested first.", words=("date", "identifier", "name")),
    }
    per_page = 10

    @operation(
        "list_objects",
        "List objects",
        "Based on the last successful ingest of each object; unknown values are null.",
        answers=operations.ObjectSerializer,
        many=True,
    )
    def get(self, request):
        query = read_plain_query(request.GET, self.parameters, per_page=self.per_page)
        found = WorkItem.objects.visible_to(request.user).stored_objects()
        if (identifier := query.values.get("identifier")) is not None:
            found = found.of_object(identifier) if _is_storable(identifier) else found.none()
        if state := query.values.get("state"):
            found = found.in_state(deleted=state == DELETED)
        shown, has_next = query.cut(found.order_by(*_columns(query.values.get("sort", "date"))))
        records = [_record(one, self.variant.record.timespec) for one in shown]
        return json_response(envelope(request, query, records, count=found.count(), has_next=has_next))


class RegistryObjectList(ObjectList):
    """The list of version 3, with that version's words for the order."""

    parameters = {
        "identifier": _IDENTIFIER,
        "state": _STATE,
        "sort": Parameter(
            "The order; by default, the last ingested first.",
            words=tuple(f"{name}{way}" for name in _ORDERS for way in ("", "__asc", "__desc")),
        ),
    }
    per_page = 20


def _columns(sort: str) -> tuple[str, str]:
    """The columns of an order, in the words of either version."""
    name, _sep, way = sort.partition("__")
    if name == "date":
        return "-date", "-id"
    column = _ORDERS.get(name, "object_identifier")
    return (f"-{column}", "-id") if way == "desc" else (column, "id")


class ObjectDetail(ApiView):
    """An object as of its last successful ingest."""

    http_method_names = ["get", "head"]

    path_help = {"identifier": "The object's identifier. Write a slash in it as %2F."}

    @operation(
        "show_object",
        "Show an object",
        "Based on the object's last successful ingest; unknown values are null.",
        answers=operations.ObjectSerializer,
    )
    def get(self, request, identifier):
        ingest = self.find(identifier.removesuffix("/"))
        if ingest is None:
            raise Http404(_NONE)
        return json_response(_record(ingest, self.variant.record.timespec))

    def find(self, identifier: str) -> Any:
        return find_object(identifier, self.request.user)


class RegistryObjectDetail(ObjectDetail):
    """In version 3, the address names an object by its number or its identifier."""

    path_help = {"identifier": "The object's number or its identifier. Write a slash in it as %2F."}

    def find(self, identifier: str) -> Any:
        number = whole_number(identifier)
        if number is None:
            return super().find(identifier)
        numbers = [number] if number <= MAX_BIGINT else []
        return WorkItem.objects.visible_to(self.request.user).stored_objects().with_ids(numbers).first()
