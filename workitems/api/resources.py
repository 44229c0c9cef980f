"""What is not an item: the worker's state of one, the objects that items tell of, and the institutions."""

from typing import Any

from django.http import Http404
from django.utils import timezone

from pharos.accounts.models import Institution

from .. import transitions
from ..database import MAX_BIGINT
from ..listing import Dialect
from ..models import WorkItem
from . import telling
from .base import ApiView
from .bodies import FlatJson
from .fields import as_time
from .listing import asked, envelope
from .objects import object_of
from .replies import Wrong, reply, wrong_fields
from .telling import tells

_STATE_NAMES = ("id", "work_item_id", "action", "state")
PAGES_ONLY = Dialect({"page": "page", "per_page": "per_page"}, per_page=10)
_NO_STATE = "There is no such state."


class OfStates(ApiView):
    """A state's id is its item's. Its text comes inside JSON, so a body may be about twice as long."""

    most_bytes = 2 * transitions.WORKER_STATE_LIMIT + 1024 * 1024
    parser_classes = [FlatJson]
    in_address = {"id": "The number of the item, which is that of its state."}

    def item(self, pk: Any) -> WorkItem:
        visible = WorkItem.objects.visible_to(self.request.user).with_id(pk if 0 <= pk <= MAX_BIGINT else 0)
        item = visible.with_state_id().first()
        if item is None:
            raise Http404(_NO_STATE)
        return item

    def saved(self, item: WorkItem, sent: dict[str, Any]) -> dict[str, Any]:
        """Stores the state that was sent; the record as it is then."""
        try:
            state, _created = transitions.save_worker_state(
                item, text=sent.get("state"), action=sent.get("action"), by=self.request.user, now=timezone.now()
            )
        except transitions.WorkerStateTooLarge as error:
            raise Wrong(413, error.sentence) from None
        return _state(state.pk, state.action, sent.get("state"))

    def sent(self) -> dict[str, Any]:
        sent = self.record(self.request)
        if strays := [name for name in sent if name not in _STATE_NAMES]:
            raise wrong_fields(422, {name: ["There is no field of this name."] for name in strays})
        for name in ("id", "work_item_id"):
            if sent.get(name) not in (None, "") and (type(sent[name]) is not int or sent[name] < 0):
                raise wrong_fields(422, {name: ["Give a whole number."]})
        for name in ("action", "state"):
            if not isinstance(sent.get(name), str | None):
                raise wrong_fields(422, {name: ["Give a text."]})
        return sent


def _state(pk: int, action: str, text: str | None) -> dict[str, Any]:
    return {"id": pk, "work_item_id": pk, "action": action, "state": text or ""}


class NewState(OfStates):
    http_method_names = ["post"]

    @tells("create_state", "Save the state of an item", takes=telling.NewState, answers=telling.State, status=201)
    def post(self, request):
        sent = self.sent()
        try:
            item = self.item(sent.get("work_item_id") or 0)
        except Http404:
            raise wrong_fields(422, {"work_item_id": ["There is no such item."]}) from None
        return reply(self.saved(item, sent), 201)


class State(OfStates):
    http_method_names = ["get", "head", "put"]

    @tells("show_state", "Show the state of an item", answers=telling.State)
    def get(self, request, pk):
        if (found := transitions.read_worker_state(self.item(pk))) is None:
            raise Http404(_NO_STATE)
        return reply(_state(pk, *found))

    @tells("save_state", "Replace the state of an item", takes=telling.StateToSave, answers=telling.State)
    def put(self, request, pk):
        item, sent = self.item(pk), self.sent()
        if item.work_item_state_id is None:
            raise Http404(_NO_STATE)
        for name in ("id", "work_item_id"):
            if sent.get(name) not in (None, "", 0, pk):
                raise wrong_fields(422, {name: [f"This is the state of item {pk}, and stays with it."]})
        return reply(self.saved(item, sent))


class Object(ApiView):
    """An object, as its last successful ingest tells of it."""

    http_method_names = ["get", "head"]

    in_address = {"identifier": "The object's identifier. A slash in it is written %2F."}

    @tells(
        "show_object",
        "Show an object",
        "Read from the object's last successful ingest; what is not known is null.",
        answers=telling.StoredObject,
    )
    def get(self, request, identifier):
        found = object_of(identifier.removesuffix("/"), request.user)
        if found is None:
            raise Http404("There is no such object.")
        return reply(
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


def _institution(one: Institution) -> dict[str, Any]:
    return {"id": one.pk, "name": one.name, "identifier": one.identifier}


class Institutions(ApiView):
    takes_query = True
    http_method_names = ["get", "head"]

    dialect = PAGES_ONLY

    @tells("list_institutions", "List institutions", answers=telling.Institution, many=True)
    def get(self, request):
        listing = asked(request, self.dialect)
        everyone = list(listing.institutions.values())
        start = (listing.page - 1) * listing.per_page
        shown = [_institution(one) for one in everyone[start : start + listing.per_page]]
        return reply(
            envelope(request, listing, shown, count=len(everyone), has_next=len(everyone) > start + len(shown))
        )


class OneInstitution(ApiView):
    http_method_names = ["get", "head"]

    in_address = {"identifier": "The institution's domain."}

    @tells("show_institution", "Show an institution", answers=telling.Institution)
    def get(self, request, identifier):
        found = Institution.objects.visible_to(request.user).with_identifier(identifier)
        if found is None:
            raise Http404("There is no such institution.")
        return reply(_institution(found))
