"""The views of items: list, show, create, save one or many, requeue. Each version uses them with its own variants."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import Http404

from pharos.accounts.models import Institution

from .. import mailing, transitions
from ..database import MAX_BIGINT
from ..lifecycle import Refused
from ..listing import match_word
from ..models import WorkItem
from ..vocabulary import Action, Stage
from .base import ApiView
from .bodies import FlatFormParser, JsonParser
from .fields import read_time
from .listing import list_page
from .operations import BodyShape, operation
from .responses import ApiError, field_errors, json_response, status_of

# A client that didn't receive the response to its POST is expected to send it again within this time.
REPEAT_WINDOW = timedelta(minutes=1)
REQUIRED_COLUMNS = ("name", "action", "institution_id")
MAX_IN_BATCH = 1000
_NOT_FOUND = "There is no such item."


class ItemView(ApiView):
    """The base of the item views. It finds items only among those that the caller can see."""

    path_help = {"id": "The item's number.", "institution_id": "The number of the institution that owns the item."}

    @property
    def visible_items(self):
        return WorkItem.objects.visible_to(self.request.user)

    def get_record(self, pk: int) -> dict[str, Any]:
        """The item's current record. Raises Http404 if the caller can't see such an item."""
        if pk not in (found := self.get_records([pk])):
            raise Http404(_NOT_FOUND)
        return found[pk]

    def get_records(self, pks: Iterable[int]) -> dict[int, dict[str, Any]]:
        """{id: record} of those of these items that the caller can see, by one query."""
        rows = self.visible_items.with_ids([pk for pk in pks if 0 <= pk <= MAX_BIGINT])
        return {record["id"]: record for record, _extra in self.variant.record.serialize(rows)}

    def save(self, pk: int) -> dict[str, Any]:
        """Saves the record in the request, and returns the item's record afterward."""
        sent = self.record(self.request)
        now = self.get_record(pk) if self.variant.record.needs_current(sent) else {}
        values = self.variant.record.read(sent, now)
        if pk > MAX_BIGINT:
            raise Http404(_NOT_FOUND)
        try:
            # Read in the same transaction, before anyone else can save the item: clients continue from this response.
            with transaction.atomic():
                transitions.save({pk: values}, by=self.request.user)
                return self.get_record(pk)
        except transitions.SaveRefused as stopped:
            raise self.refusal_error(stopped.refused, pk) from None

    def refusal_error(self, refused: Refused, pk: int) -> Exception:
        """The error for a refusal. It includes the current item unless a value is invalid."""
        if refused.reason == "invalid":
            return refused
        return ApiError(status_of(refused), refused.sentence, **self.get_record(pk))


class ListItems(ItemView):
    accepts_query = True

    @operation(
        "list_items",
        "List items",
        "One page of the items that you have access to and that match every parameter. To read all of them, follow "
        "`next` until it is null.",
        many=True,
    )
    def get(self, request):
        return json_response(list_page(request, self.variant))


class ListAndCreateItems(ListItems):
    @operation(
        "create_item",
        "Create an item",
        "If the same caller sends the same item again within a minute, no second item is created; the response is "
        "the existing one.",
        takes=BodyShape.NEW,
        status=201,
    )
    def post(self, request):
        return json_response(self.create(), 201)

    @operation(
        "save_items",
        "Save many items at once",
        "Saves all of them or none. If the batch is refused, the response names the record that stopped it: its "
        "position, counted from 0, and its id.",
        takes=BodyShape.BATCH,
        many=True,
    )
    def put(self, request):
        records = self._records(self.record(request))
        try:
            with transaction.atomic():
                transitions.save(records, by=request.user)
                now = self.get_records(records)
        except transitions.SaveRefused as stopped:
            raise self._batch_error(stopped, list(records)) from None
        shown = [now[pk] for pk in records]
        return json_response({"count": len(shown), "next": None, "previous": None, "results": shown})

    def create(self, **given: Any) -> dict[str, Any]:
        """Creates the item in the request with the values `given` by the address, and returns its record."""
        required = [name for name in REQUIRED_COLUMNS if name not in given]
        values = self.variant.record.read(self.record(self.request), required=required)
        for column, value in given.items():
            if values.get(column) not in (None, 0, value):
                raise field_errors(422, {column: [f"The address says {value}, but the record says {values[column]}."]})
        values |= given
        if not values.get("user"):
            values["user"] = self.request.user.email
        with transaction.atomic():
            item = transitions.create(by=self.request.user, deduplicate_within=REPEAT_WINDOW, **values)
            return self.get_record(item.pk)

    def _records(self, sent: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
        """{id: values} of the records in a batch. Raises ApiError for the first invalid one, and says which it is."""
        batch = sent.get("work_items")
        items = batch.get("items") if isinstance(batch, dict) else None
        if not isinstance(items, list) or not items or len(items) > MAX_IN_BATCH:
            sentence = f'Send {{"work_items": {{"items": […]}}}} with 1 to {MAX_IN_BATCH} records.'
            raise field_errors(422, {"work_items": [sentence]})
        pks = [one.get("id") if isinstance(one, dict) else None for one in items]
        now = self.get_records(pk for pk in pks if type(pk) is int)
        found: dict[int, dict[str, Any]] = {}
        for index, (pk, one) in enumerate(zip(pks, items, strict=True)):
            if type(pk) is not int:
                raise ApiError(
                    422,
                    f"{_record_label(index)} doesn't say which item it is about. Add the item's number as “id”.",
                    index=index,
                )
            if pk in found:
                sentence = f"{_record_label(index)}, item {pk}: this item is in the batch twice; send each once."
                raise ApiError(422, sentence, id=pk, index=index)
            if pk not in now:
                raise ApiError(404, f"{_record_label(index)}, item {pk}: {_NOT_FOUND}", id=pk, index=index)
            try:
                found[pk] = self.variant.record.read(one, now[pk])
            except ApiError as wrong:
                more = {**wrong.more, "id": pk, "index": index}
                raise ApiError(wrong.status, f"{_record_label(index)}, item {pk}: {wrong}", **more) from None
        return found

    def _batch_error(self, stopped: transitions.SaveRefused, ids: list[int]) -> ApiError:
        pk, refused = ids[stopped.index], stopped.refused
        field = self.variant.record.name_of(refused.field or "record")
        more: dict[str, Any] = {field: [refused.sentence]} if refused.reason == "invalid" else self.get_record(pk)
        sentence = f"{_record_label(stopped.index)}, item {pk}: {refused.sentence} Nothing of the batch was saved."
        return ApiError(status_of(refused), sentence, **{**more, "id": pk, "index": stopped.index})


def _record_label(index: int) -> str:
    return f"Record {index + 1} of the batch"


class CreateItem(ListAndCreateItems):
    """In version 3, the address names the institution."""

    http_method_names = ["post"]

    @operation(
        "create_item",
        "Create an item for an institution",
        "If the same caller sends the same item again within a minute, no second item is created; the response is "
        "the existing one.",
        takes=BodyShape.NEW,
        status=201,
    )
    def post(self, request, institution_id):
        if Institution.objects.visible_to(request.user).with_number(institution_id) is None:
            raise Http404("There is no such institution.")
        return json_response(self.create(institution_id=institution_id), 201)


class ShowItem(ItemView):
    @operation("show_item", "Show an item")
    def get(self, request, pk):
        return json_response(self.get_record(pk))


class ShowAndSaveItem(ShowItem):
    @operation(
        "save_item",
        "Save an item",
        "Send the complete record as you read it, with your changes. The server works out which move you mean. You "
        "can send fields that can't change as they are; fields you leave out don't change.",
        takes=BodyShape.RECORD,
    )
    def put(self, request, pk):
        return json_response(self.save(pk))


class SaveItem(ShowAndSaveItem):
    http_method_names = ["put"]


class ItemByUpload(ItemView):
    """An item identified by its upload: etag, name, and the second in which the bag was created."""

    path_help = {
        "etag": "The upload's etag.",
        "name": "The item's name. Write a slash in it as %2F.",
        "bag_date": "When the bag was created, such as 2021-03-04T05:06:07Z; fractions of a second are ignored.",
    }

    def _number(self, etag: str, name: str, bag_date: str, action: Any = None) -> int:
        """The number of the upload's item; of several, preferably one with this action, by default an ingest."""
        try:
            moment = read_time(bag_date)
        except ValueError as error:
            raise Http404(f"{_NOT_FOUND} The address ends with the time when the bag was created. {error}") from None
        # PostgreSQL rejects text with a NUL character.
        item = None if "\0" in etag + name else self.visible_items.of_upload(etag, name, moment, action)
        if item is None:
            raise Http404(_NOT_FOUND)
        return item.pk

    @operation(
        "show_item_by_upload",
        "Show an item by its upload",
        "Identified by its etag, its name, and the second in which the bag was created.",
    )
    def get(self, request, etag, name, bag_date):
        return json_response(self.get_record(self._number(etag, name, bag_date)))

    @operation(
        "save_item_by_upload",
        "Save an item by its upload",
        "Identified by its etag, its name, and the second in which the bag was created. Otherwise the same as "
        "saving an item by its number.",
        takes=BodyShape.RECORD,
    )
    def put(self, request, etag, name, bag_date):
        sent = self.record(request).get("action")
        action = match_word(sent, tuple(Action)) if isinstance(sent, str) else sent
        return json_response(self.save(self._number(etag, name, bag_date, action)))


class RequeueItem(ItemView):
    """Requeues an item. `stage_name`: this version's name for the parameter with the stage to restart at."""

    parser_classes = [JsonParser, FlatFormParser]
    http_method_names = ["put"]
    stage_name = "item_stage"

    @operation(
        "requeue_item",
        "Requeue an item",
        "For admins only. Work on the item restarts at the stage you name or, if you name none, at the stage where "
        "it stopped. If the workers' queue doesn't serve that stage, it restarts at the last one before it that is "
        "served; naming a stage that isn't served is refused. Accepts JSON or a form.",
        takes=BodyShape.STAGE,
    )
    def put(self, request, pk):
        self.get_record(pk)
        stage = self._stage(request)
        item = self.visible_items.get(pk=pk)
        try:
            with transaction.atomic():
                transitions.requeue(item, by=request.user, via="api", stage=stage)
                shown = self.get_record(pk)
        except Refused as refused:
            if refused.field == "stage" and refused.reason == "invalid":
                raise field_errors(422, {self.stage_name: [refused.sentence]}) from None
            raise self.refusal_error(refused, pk) from None
        return json_response(shown)

    def _stage(self, request) -> str | None:
        has_body = int(request.META.get("CONTENT_LENGTH") or 0) or request.META.get("HTTP_TRANSFER_ENCODING")
        sent = self.record(request) if has_body else {}
        if unknown := [name for name in sent if name != self.stage_name]:
            raise field_errors(422, {name: [f"Only “{self.stage_name}” is accepted here."] for name in unknown})
        stage = sent.get(self.stage_name)
        if stage is not None and not isinstance(stage, str):
            raise field_errors(422, {self.stage_name: ["Use text."]})
        return match_word(stage, tuple(Stage)) or stage if stage else None


class RequestSpotTest(ItemView):
    """Emails the institution's staff that a restored copy can be checked.

    This is the only GET that changes anything, because existing clients send it that way.
    """

    http_method_names = ["get"]

    @operation(
        "ask_for_spot_test",
        "Request a check of a restored copy",
        "Emails the institution's staff that the restored copy is ready to check, and records in the note who was "
        "notified. This is the only GET that changes anything; repeating it doesn't send the email again.",
        refuses=(409, 422),
    )
    def get(self, request, pk):
        self.get_record(pk)
        item = self.visible_items.get(pk=pk)
        url = request.build_absolute_uri(f"/items/{pk}")
        try:
            with transaction.atomic():
                mailing.request_spot_test(item, by=request.user, item_url=url)
                shown = self.get_record(pk)
        except Refused as refused:
            raise self.refusal_error(refused, pk) from None
        return json_response(shown)
