"""Items: list, show, create, save one or many, requeue. Each version mounts these with its edition."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import Http404

from pharos.accounts.models import Institution

from .. import mailing, transitions
from ..database import LARGEST
from ..lifecycle import Refused
from ..models import WorkItem
from .base import ApiView
from .bodies import Form, Json
from .fields import read_time
from .listing import page
from .replies import Wrong, reply, status_of, wrong_fields
from .telling import Shape, tells

# A client that lost the answer to its POST asks again within this time.
ONCE_IN = timedelta(minutes=1)
NEEDED = ("name", "action", "institution_id")
MOST_IN_BATCH = 1000
_NO_SUCH = "There is no such item."


class OfItems(ApiView):
    """What the views of items have in common: an item is found among those that the caller may see."""

    in_address = {"id": "The item's number.", "institution_id": "The number of the institution that owns the item."}

    @property
    def visible(self):
        return WorkItem.objects.visible_to(self.request.user)

    def shown(self, pk: int) -> dict[str, Any]:
        """The item's record as it is now. Raises Http404."""
        if pk not in (found := self.all_shown([pk])):
            raise Http404(_NO_SUCH)
        return found[pk]

    def all_shown(self, pks: Iterable[int]) -> dict[int, dict[str, Any]]:
        """{id: record} of those among the items that the caller may see, by one query."""
        rows = self.visible.with_numbers([pk for pk in pks if 0 <= pk <= LARGEST])
        return {record["id"]: record for record, _beside in self.edition.record.serialize(rows)}

    def save(self, pk: int) -> dict[str, Any]:
        """Saves the record that was sent; the item as it is afterwards."""
        sent = self.record(self.request)
        now = self.shown(pk) if self.edition.record.needs_current(sent) else {}
        values = self.edition.record.read(sent, now)
        if pk > LARGEST:
            raise Http404(_NO_SUCH)
        try:
            # Read before anybody else can save it: clients take the answer for what they have saved, and go on from it.
            with transaction.atomic():
                transitions.save({pk: values}, by=self.request.user)
                return self.shown(pk)
        except transitions.Stopped as stopped:
            raise self.told(stopped.refused, pk) from None

    def told(self, refused: Refused, pk: int) -> Exception:
        """A refusal as the client gets it: with the item as it is now, unless it is about a value."""
        if refused.reason == "invalid":
            return refused
        return Wrong(status_of(refused), refused.sentence, **self.shown(pk))


class List(OfItems):
    takes_query = True

    @tells(
        "list_items",
        "List items",
        "One page of the items that you have access to and that match every parameter. To read all of them, follow "
        "`next` until it is null.",
        many=True,
    )
    def get(self, request):
        return reply(page(request, self.edition))


class ListAndCreate(List):
    @tells(
        "create_item",
        "Create an item",
        "If the same caller sends the same item again within a minute, no second item is created; the response is "
        "the existing one.",
        takes=Shape.NEW,
        status=201,
    )
    def post(self, request):
        return reply(self.create(), 201)

    @tells(
        "save_items",
        "Save many items at once",
        "Saves all of them or none. If the batch is refused, the response names the record that stopped it: its "
        "position, counted from 0, and its id.",
        takes=Shape.BATCH,
        many=True,
    )
    def put(self, request):
        """Many records at once: all of them, or none."""
        records = self._records(self.record(request))
        try:
            with transaction.atomic():
                transitions.save(records, by=request.user)
                now = self.all_shown(records)
        except transitions.Stopped as stopped:
            raise self._stopped(stopped, list(records)) from None
        shown = [now[pk] for pk in records]
        return reply({"count": len(shown), "next": None, "previous": None, "results": shown})

    def create(self, **given: Any) -> dict[str, Any]:
        """Makes the item that was sent, with the values `given` by the address; its record."""
        needed = [name for name in NEEDED if name not in given]
        values = self.edition.record.read(self.record(self.request), needed=needed)
        for column, value in given.items():
            if values.get(column) not in (None, 0, value):
                raise wrong_fields(422, {column: [f"The address says {value}, but the record says {values[column]}."]})
        values |= given
        if not values.get("user"):
            values["user"] = self.request.user.email
        with transaction.atomic():
            item = transitions.create(by=self.request.user, once_in=ONCE_IN, **values)
            return self.shown(item.pk)

    def _records(self, sent: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
        """{id: values} of a batch. Raises Wrong at the first record that cannot be read, saying which."""
        batch = sent.get("work_items")
        items = batch.get("items") if isinstance(batch, dict) else None
        if not isinstance(items, list) or not items or len(items) > MOST_IN_BATCH:
            sentence = f'Send {{"work_items": {{"items": […]}}}} with 1 to {MOST_IN_BATCH} records.'
            raise wrong_fields(422, {"work_items": [sentence]})
        pks = [one.get("id") if isinstance(one, dict) else None for one in items]
        now = self.all_shown(pk for pk in pks if type(pk) is int)
        found: dict[int, dict[str, Any]] = {}
        for index, (pk, one) in enumerate(zip(pks, items, strict=True)):
            if type(pk) is not int:
                raise Wrong(
                    422,
                    f"{_place(index)} doesn't say which item it is about. Add the item's number as “id”.",
                    index=index,
                )
            if pk in found:
                sentence = f"{_place(index)}, item {pk}: this item is in the batch twice; send each once."
                raise Wrong(422, sentence, id=pk, index=index)
            if pk not in now:
                raise Wrong(404, f"{_place(index)}, item {pk}: {_NO_SUCH}", id=pk, index=index)
            try:
                found[pk] = self.edition.record.read(one, now[pk])
            except Wrong as wrong:
                more = {**wrong.more, "id": pk, "index": index}
                raise Wrong(wrong.status, f"{_place(index)}, item {pk}: {wrong}", **more) from None
        return found

    def _stopped(self, stopped: transitions.Stopped, ids: list[int]) -> Wrong:
        pk, refused = ids[stopped.index], stopped.refused
        field = self.edition.record.name_of(refused.field or "record")
        more: dict[str, Any] = {field: [refused.sentence]} if refused.reason == "invalid" else self.shown(pk)
        sentence = f"{_place(stopped.index)}, item {pk}: {refused.sentence} Nothing of the batch was saved."
        return Wrong(status_of(refused), sentence, **{**more, "id": pk, "index": stopped.index})


def _place(index: int) -> str:
    return f"Record {index + 1} of the batch"


class CreateOnly(ListAndCreate):
    """The last version names the owner in the address."""

    http_method_names = ["post"]

    @tells(
        "create_item",
        "Create an item for an institution",
        "If the same caller sends the same item again within a minute, no second item is created; the response is "
        "the existing one.",
        takes=Shape.NEW,
        status=201,
    )
    def post(self, request, institution_id):
        if Institution.objects.visible_to(request.user).with_number(institution_id) is None:
            raise Http404("There is no such institution.")
        return reply(self.create(institution_id=institution_id), 201)


class Show(OfItems):
    @tells("show_item", "Show an item")
    def get(self, request, pk):
        return reply(self.shown(pk))


class ShowAndSave(Show):
    @tells(
        "save_item",
        "Save an item",
        "Send the complete record as you read it, with your changes. The server works out which move you mean. You "
        "can send fields that can't change as they are; fields you leave out don't change.",
        takes=Shape.RECORD,
    )
    def put(self, request, pk):
        return reply(self.save(pk))


class SaveOnly(ShowAndSave):
    http_method_names = ["put"]


class ByUpload(OfItems):
    """An item by what its upload was: etag, name, and the second in which the bag was made."""

    in_address = {
        "etag": "The upload's etag.",
        "name": "The item's name. Write a slash in it as %2F.",
        "bag_date": "When the bag was created, such as 2021-03-04T05:06:07Z; fractions of a second are ignored.",
    }

    def _number(self, etag: str, name: str, bag_date: str, action: Any = None) -> int:
        """The item's number; of an upload with items of several actions, that with this one, or the ingest."""
        try:
            moment = read_time(bag_date)
        except ValueError as error:
            raise Http404(f"{_NO_SUCH} The address ends with the time when the bag was created. {error}") from None
        # PostgreSQL does not even look for a text with a NUL in it.
        item = None if "\0" in etag + name else self.visible.of_upload(etag, name, moment, action)
        if item is None:
            raise Http404(_NO_SUCH)
        return item.pk

    @tells(
        "show_item_by_upload",
        "Show an item by its upload",
        "Identified by its etag, its name, and the second in which the bag was created.",
    )
    def get(self, request, etag, name, bag_date):
        return reply(self.shown(self._number(etag, name, bag_date)))

    @tells(
        "save_item_by_upload",
        "Save an item by its upload",
        "Identified by its etag, its name, and the second in which the bag was created. Otherwise the same as "
        "saving an item by its number.",
        takes=Shape.RECORD,
    )
    def put(self, request, etag, name, bag_date):
        action = self.record(request).get("action")
        return reply(self.save(self._number(etag, name, bag_date, action)))


class Requeue(OfItems):
    """`stage_name`: what the version calls the stage to go back to. Without it: where the item stopped."""

    parser_classes = [Json, Form]
    http_method_names = ["put"]
    stage_name = "item_stage"

    @tells(
        "requeue_item",
        "Requeue an item",
        "For admins only. Work on the item restarts at the stage you name or, if you name none, at the stage where "
        "it stopped. Accepts JSON or a form.",
        takes=Shape.STAGE,
    )
    def put(self, request, pk):
        self.shown(pk)
        stage = self._stage(request)
        item = self.visible.get(pk=pk)
        try:
            with transaction.atomic():
                transitions.requeue(item, by=request.user, via="api", stage=stage)
                shown = self.shown(pk)
        except Refused as refused:
            if refused.field == "stage" and refused.reason == "invalid":
                raise wrong_fields(422, {self.stage_name: [refused.sentence]}) from None
            raise self.told(refused, pk) from None
        return reply(shown)

    def _stage(self, request) -> str | None:
        has_body = int(request.META.get("CONTENT_LENGTH") or 0) or request.META.get("HTTP_TRANSFER_ENCODING")
        sent = self.record(request) if has_body else {}
        if strays := [name for name in sent if name != self.stage_name]:
            raise wrong_fields(422, {name: [f"Only “{self.stage_name}” is accepted here."] for name in strays})
        stage = sent.get(self.stage_name)
        if stage is not None and not isinstance(stage, str):
            raise wrong_fields(422, {self.stage_name: ["Use text."]})
        return stage or None


class SpotTest(OfItems):
    """Mails the institution's staff that a restored copy can be checked. The one GET that acts: its client knows no other way."""

    http_method_names = ["get"]

    @tells(
        "ask_for_spot_test",
        "Request a check of a restored copy",
        "Emails the institution's staff that the restored copy is ready to check, and records in the note who was "
        "notified. This is the only GET that changes anything; repeating it doesn't send the email again.",
        refuses=(409, 422),
    )
    def get(self, request, pk):
        self.shown(pk)
        item = self.visible.get(pk=pk)
        url = request.build_absolute_uri(f"/items/{pk}")
        try:
            with transaction.atomic():
                mailing.ask_to_check(item, by=request.user, item_url=url)
                shown = self.shown(pk)
        except Refused as refused:
            raise self.told(refused, pk) from None
        except mailing.NotSent as error:
            raise Wrong(503, str(error)) from None
        return reply(shown)
