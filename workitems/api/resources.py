"""The views of everything except items: worker states, objects, and institutions."""

from typing import Any

from django.http import Http404
from django.utils import timezone

from pharos.accounts.models import Institution

from .. import transitions
from ..database import MAX_BIGINT
from ..listing import Dialect
from ..models import WorkItem
from . import operations
from .base import ApiView
from .bodies import FlatJsonParser
from .fields import as_time
from .listing import envelope, read_listing
from .objects import find_object
from .operations import operation
from .responses import ApiError, field_errors, json_response

_STATE_NAMES = ("id", "work_item_id", "action", "state")
PAGING_ONLY = Dialect({"page": "page", "per_page": "per_page"}, per_page=10)
_NO_STATE = "There is no such state."


class WorkerStateView(ApiView):
    """The base of the worker state views. A state has the number of its item."""

    # The text is encoded in JSON, so a body can be about twice as long.
    max_bytes = 2 * transitions.WORKER_STATE_LIMIT + 1024 * 1024
    parser_classes = [FlatJsonParser]
    path_help = {"id": "The number of the item, which is also the number of its state."}

    def item(self, pk: Any) -> WorkItem:
        """The item with this number. Raises Http404 if the caller can't see such an item."""
        visible = WorkItem.objects.visible_to(self.request.user).with_id(pk if 0 <= pk <= MAX_BIGINT else 0)
        item = visible.with_state_id().first()
        if item is None:
            raise Http404(_NO_STATE)
        return item

    def save(self, item: WorkItem, sent: dict[str, Any]) -> dict[str, Any]:
        """Saves the state in the request, and returns its record."""
        try:
            state, _created = transitions.save_worker_state(
                item, text=sent.get("state"), action=sent.get("action"), by=self.request.user, now=timezone.now()
            )
        except transitions.WorkerStateTooLarge as error:
            raise ApiError(413, error.sentence) from None
        return _state_record(state.pk, state.action, sent.get("state"))

    def read_state(self) -> dict[str, Any]:
        """The state in the request. Raises ApiError if it is invalid."""
        sent = self.record(self.request)
        if unknown := [name for name in sent if name not in _STATE_NAMES]:
            raise field_errors(422, {name: ["There is no field with this name."] for name in unknown})
        for name in ("id", "work_item_id"):
            if sent.get(name) not in (None, "") and (type(sent[name]) is not int or sent[name] < 0):
                raise field_errors(422, {name: ["Use a whole number."]})
        for name in ("action", "state"):
            if not isinstance(sent.get(name), str | None):
                raise field_errors(422, {name: ["Use text."]})
        return sent


def _state_record(pk: int, action: str, text: str | None) -> dict[str, Any]:
    return {"id": pk, "work_item_id": pk, "action": action, "state": text or ""}


class CreateWorkerState(WorkerStateView):
    http_method_names = ["post"]

    @operation(
        "create_state",
        "Save the state of an item",
        takes=operations.NewStateSerializer,
        answers=operations.StateSerializer,
        status=201,
    )
    def post(self, request):
        sent = self.read_state()
        try:
            item = self.item(sent.get("work_item_id") or 0)
        except Http404:
            raise field_errors(422, {"work_item_id": ["There is no such item."]}) from None
        return json_response(self.save(item, sent), 201)


class WorkerStateDetail(WorkerStateView):
    http_method_names = ["get", "head", "put"]

    @operation("show_state", "Show the state of an item", answers=operations.StateSerializer)
    def get(self, request, pk):
        if (found := transitions.read_worker_state(self.item(pk))) is None:
            raise Http404(_NO_STATE)
        return json_response(_state_record(pk, *found))

    @operation(
        "save_state",
        "Replace the state of an item",
        takes=operations.StateToSaveSerializer,
        answers=operations.StateSerializer,
    )
    def put(self, request, pk):
        item, sent = self.item(pk), self.read_state()
        if item.work_item_state_id is None:
            raise Http404(_NO_STATE)
        for name in ("id", "work_item_id"):
            if sent.get(name) not in (None, "", 0, pk):
                raise field_errors(
                    422, {name: [f"This state belongs to item {pk} and can't be moved to another item."]}
                )
        return json_response(self.save(item, sent))


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
        found = find_object(identifier.removesuffix("/"), request.user)
        if found is None:
            raise Http404("There is no such object.")
        return json_response(
            {
                "id": found.id,
                "identifier": found.identifier,
                "title": found.title,
                "access": found.access,
                "state": found.state,
                "storage_option": found.storage_option,
                "created_at": as_time(found.created_at),
                "updated_at": as_time(found.updated_at),
            }
        )


def _institution_record(one: Institution) -> dict[str, Any]:
    return {"id": one.pk, "name": one.name, "identifier": one.identifier}


class InstitutionList(ApiView):
    accepts_query = True
    http_method_names = ["get", "head"]

    dialect = PAGING_ONLY

    @operation("list_institutions", "List institutions", answers=operations.InstitutionSerializer, many=True)
    def get(self, request):
        listing = read_listing(request, self.dialect)
        institutions = list(listing.institutions.values())
        start = (listing.page - 1) * listing.per_page
        shown = [_institution_record(one) for one in institutions[start : start + listing.per_page]]
        return json_response(
            envelope(request, listing, shown, count=len(institutions), has_next=len(institutions) > start + len(shown))
        )


class InstitutionDetail(ApiView):
    http_method_names = ["get", "head"]

    path_help = {"identifier": "The institution's domain."}

    @operation("show_institution", "Show an institution", answers=operations.InstitutionSerializer)
    def get(self, request, identifier):
        found = Institution.objects.visible_to(request.user).with_identifier(identifier)
        if found is None:
            raise Http404("There is no such institution.")
        return json_response(_institution_record(found))
