"""Version 3, with APTrust Registry's names: `date_processed`, three institution fields, two actions for restoring."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.urls import path, re_path
from rest_framework import serializers

from pharos.accounts.roles import Permission

from ..listing import Dialect, Sort, match_word
from ..vocabulary import REGISTRY_ACTIONS, RESTORE_FILE, RESTORE_OBJECT, Stage, Status, registry_action
from . import institutions, items, objects
from .authentication import PHAROS
from .fields import Flag, Moment, Note, Text, Whole, Word
from .records import Record
from .variants import ApiVariant, without_process

PARAMETERS = {
    "action": "registry_action",
    "action__in": "registry_action",
    "stage": "stage",
    "stage__in": "stage",
    "status": "status",
    "status__in": "status",
    "name": "name",
    "etag": "etag",
    "bucket": "bucket",
    "user": "user",
    "object_identifier": "object_identifier",
    "generic_file_identifier": "file_identifier",
    "institution_id": "institution_id",
    "needs_admin_review": "needs_admin_review",
    "retry": "retry",
    "intellectual_object_id": "intellectual_object_id",
    "generic_file_id": "generic_file_id",
    "generic_file_id__is_null": "not_about_file",
    "generic_file_id__not_null": "about_file",
    "generic_file_id__is_not_null": "about_file",
    "deletion_request_id": "deletion_request_id",
    "storage_option": "storage_option",
    "node__is_null": "not_claimed",
    "node__not_null": "claimed",
    "node__is_not_null": "claimed",
    "queued_at__is_null": "not_queued",
    "queued_at__not_null": "queued",
    "queued_at__is_not_null": "queued",
    "size__gteq": "size_min",
    "size__lteq": "size_max",
    "bag_date__gteq": "bag_date_from",
    "bag_date__lteq": "bag_date_to",
    "date_processed__gteq": "date_from",
    "date_processed__lteq": "date_to",
    "finished_at__gteq": "finished_at_from",
    "finished_at__lteq": "finished_at_to",
    "sort": "sort",
    "page": "page",
    "per_page": "per_page",
    "after": "after",
}
# Registry filters by these as well.
NOT_RECORDED = frozenset({"alt_identifier", "bag_group_identifier", "bagit_profile_identifier"})
# {name in `sort`: column}
COLUMNS = {
    "id": "id",
    "name": "name",
    "etag": "etag",
    "bucket": "bucket",
    "user": "user",
    "action": "action",
    "stage": "stage",
    "status": "status",
    "object_identifier": "object_identifier",
    "generic_file_identifier": "generic_file_identifier",
    "outcome": "outcome",
    "retry": "retry",
    "needs_admin_review": "needs_admin_review",
    "reviewed": "reviewed",
    "queued_at": "queued_at",
    "stage_started_at": "stage_started_at",
    "institution_id": "institution_id",
    "institution_name": "institution__name",
    "institution_identifier": "institution__identifier",
    "size": "size",
    "bag_date": "bag_date",
    "date_processed": "date",
    "finished_at": "finished_at",
    "created_at": "created_at",
    "updated_at": "updated_at",
}


def _sorts() -> dict[str, Sort]:
    """{name: Sort}, where each name can have __asc or __desc. Ties are sorted by id in the same direction."""
    found = {}
    for name, column in COLUMNS.items():
        columns = (column,) if column == "id" else (column, "id")
        found[name] = found[f"{name}__asc"] = Sort(name, columns)
        found[f"{name}__desc"] = Sort(name, tuple(f"-{one}" for one in columns))
    return found


class MemberItem(Record):
    id = Whole(read_only=True)
    name = Text()
    etag = Text()
    institution_id = Whole(clears=False)
    institution_name = Text(column="institution__name", read_only=True)
    institution_identifier = Text(column="institution__identifier", read_only=True)
    intellectual_object_id = Whole(zero_is_null=True, clears=False)
    object_identifier = Text(nullable=True)
    storage_option = Text(clears=False)
    generic_file_id = Whole(zero_is_null=True, clears=False)
    generic_file_identifier = Text(nullable=True)
    deletion_request_id = Whole(zero_is_null=True, clears=False)
    bucket = Text()
    user = Text(nullable=True, clears=False)  # if missing on creation, the caller; can't be cleared later
    note = Note()
    action = Word({word: action.value for word, (action, _about_file) in REGISTRY_ACTIONS.items()})
    stage = Word({word.value: word.value for word in Stage})
    status = Word({word.value: word.value for word in Status})
    outcome = Text(nullable=True)
    bag_date = Moment()
    date_processed = Moment(column="date", clears=False)
    retry = Flag()
    reviewed = Flag(read_only=True)
    needs_admin_review = Flag()
    size = Whole(zero_is_null=True, clears=False)
    queued_at = Moment()
    stage_started_at = Moment()
    finished_at = Moment(read_only=True, ignored=True)
    inst_approver = Text(nullable=True, read_only=True, ignored=True)
    aptrust_approver = Text(nullable=True, read_only=True, ignored=True)
    created_at = Moment(read_only=True)
    updated_at = Moment(read_only=True, ignored=True)

    @classmethod
    def adjust(cls, shown: dict[str, Any]) -> None:
        shown["action"] = registry_action(shown["action"], about_file=bool(shown["generic_file_identifier"]))

    @classmethod
    def needs_current(cls, data: Mapping[str, Any]) -> bool:
        return super().needs_current(data) or _action_word(data) in (RESTORE_OBJECT, RESTORE_FILE)

    @classmethod
    def reject_unknown(cls, data: Mapping[str, Any], now: Mapping[str, Any] | None) -> Iterable[tuple[str, list[str]]]:
        yield from super().reject_unknown(data, now)
        # They are stored as one action, so the general check doesn't notice the difference.
        if now and (word := _action_word(data)) in (RESTORE_OBJECT, RESTORE_FILE) and word != now["action"]:
            yield "action", [f"The action of an item never changes: it is “{now['action']}”."]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Checks that the file identifier agrees with the action: it tells the two restore actions apart."""
        word = _action_word(self.initial_data)
        needs_file = REGISTRY_ACTIONS[word][1] if word else None
        is_sent = "generic_file_identifier" in attrs or self.context["is_new"]
        has_file = bool(attrs.get("generic_file_identifier"))
        if needs_file is not None and is_sent and has_file is not needs_file:
            sentence = (
                f"{word} is about {'one file: name it here' if needs_file else 'a whole object: leave this empty'}."
            )
            raise serializers.ValidationError({"generic_file_identifier": [sentence]})
        return attrs


def _action_word(data: Mapping[str, Any]) -> str | None:
    """Registry's word for the action that was sent, in whatever case it came."""
    sent = data.get("action")
    return match_word(sent, REGISTRY_ACTIONS) if isinstance(sent, str) else None


class Item(MemberItem):
    node = Text(nullable=True)
    pid = Whole(zero_is_null=True)
    work_item_state_id = Whole(column="work_item_state__item_id", read_only=True, ignored=True)


def _dialect(names: dict[str, str]) -> Dialect:
    return Dialect(
        names,
        per_page=20,
        sorts=_sorts(),
        sort="date_processed__desc",
        sorts_in_words=f"{', '.join(COLUMNS)}; each also with __asc or __desc",
        not_recorded=NOT_RECORDED,
    )


MEMBER = ApiVariant(
    version="v3",
    permission=Permission.BROWSE,
    headers=PHAROS,
    dialect=_dialect(without_process(PARAMETERS)),
    record=MemberItem,
)
ADMIN = ApiVariant(
    version="v3", permission=Permission.ADMIN_API, headers=PHAROS, dialect=_dialect(PARAMETERS), record=Item
)

urlpatterns = [
    path("member-api/v3/items", items.ListItems.as_view(variant=MEMBER)),
    path("member-api/v3/items/show/<int:pk>", items.ShowItem.as_view(variant=MEMBER)),
    path("member-api/v3/objects", objects.RegistryObjectList.as_view(variant=MEMBER)),
    re_path(rf"^member-api/v3/objects/show/{objects.IDENTIFIER}", objects.RegistryObjectDetail.as_view(variant=MEMBER)),
    path("admin-api/v3/objects", objects.RegistryObjectList.as_view(variant=ADMIN)),
    re_path(rf"^admin-api/v3/objects/show/{objects.IDENTIFIER}", objects.RegistryObjectDetail.as_view(variant=ADMIN)),
    path("admin-api/v3/institutions", institutions.RegistryInstitutionList.as_view(variant=ADMIN)),
    path(
        "admin-api/v3/institutions/show/<str:identifier>", institutions.RegistryInstitutionDetail.as_view(variant=ADMIN)
    ),
    path("admin-api/v3/items", items.ListItems.as_view(variant=ADMIN)),
    path("admin-api/v3/items/show/<int:pk>", items.ShowItem.as_view(variant=ADMIN)),
    path("admin-api/v3/items/create/<int:institution_id>", items.CreateItem.as_view(variant=ADMIN)),
    path("admin-api/v3/items/update/<int:pk>", items.SaveItem.as_view(variant=ADMIN)),
    path("admin-api/v3/items/requeue/<int:pk>", items.RequeueItem.as_view(variant=ADMIN, stage_name="stage")),
]
