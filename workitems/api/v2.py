"""Version 2, the API of Pharos itself, for depositors' tools and for services."""

from django.urls import path, re_path

from pharos.accounts.roles import Permission

from ..listing import IGNORED_NAMES, NAMES, PAGES_ONLY_NAMES, V3_ONLY_NAMES, Dialect
from ..vocabulary import Action, Stage, Status
from . import institutions, items, objects, worker_states
from .authentication import PHAROS
from .fields import Flag, Moment, Note, Text, Whole, Word
from .records import Record
from .variants import ApiVariant, without_process

PARAMETERS = {given: name for given, name in NAMES.items() if name not in (*PAGES_ONLY_NAMES, *V3_ONLY_NAMES)}


class MemberItem(Record):
    timespec = "milliseconds"  # as Pharos sent them: a Java client reads more digits as that many milliseconds
    id = Whole(read_only=True)
    created_at = Moment(read_only=True)
    updated_at = Moment(read_only=True, ignored=True)
    name = Text(required=False)
    etag = Text()
    bucket = Text()
    user = Text(nullable=True, clears=False)  # if missing on creation, the caller; can't be cleared later
    institution = Text(column="institution__identifier", read_only=True)
    institution_id = Whole(clears=False)
    note = Note()
    action = Word({word.value: word.value for word in Action})
    stage = Word({word.value: word.value for word in Stage})
    status = Word({word.value: word.value for word in Status})
    outcome = Text(nullable=True)
    bag_date = Moment()
    date = Moment(clears=False)
    retry = Flag()
    reviewed = Flag(read_only=True)
    object_identifier = Text(nullable=True)
    generic_file_identifier = Text(nullable=True)
    size = Whole(zero_is_null=True, clears=False)
    needs_admin_review = Flag()
    queued_at = Moment()
    stage_started_at = Moment()
    inst_approver = Text(nullable=True, read_only=True, ignored=True)
    aptrust_approver = Text(nullable=True, read_only=True, ignored=True)


class Item(MemberItem):
    absent_for_members = ("node", "pid", "work_item_state_id")
    node = Text(nullable=True)
    pid = Whole(zero_is_null=True)
    work_item_state_id = Whole(column="work_item_state__item_id", read_only=True, ignored=True)


MEMBER = ApiVariant(
    version="v2",
    permission=Permission.BROWSE,
    headers=PHAROS,
    dialect=Dialect(without_process(PARAMETERS), per_page=10, ignored=IGNORED_NAMES),
    record=MemberItem,
)
ADMIN = ApiVariant(
    version="v2",
    permission=Permission.ADMIN_API,
    headers=PHAROS,
    dialect=Dialect(PARAMETERS, per_page=10, ignored=IGNORED_NAMES),
    record=Item,
)

urlpatterns = [
    path("member-api/v2/items/", items.ListItems.as_view(variant=MEMBER)),
    path("member-api/v2/items/<int:pk>/", items.ShowItem.as_view(variant=MEMBER)),
    path("member-api/v2/objects/", objects.ObjectList.as_view(variant=MEMBER)),
    re_path(rf"^member-api/v2/objects/{objects.IDENTIFIER}", objects.ObjectDetail.as_view(variant=MEMBER)),
    path("api/v2/items/", items.ListAndCreateItems.as_view(variant=ADMIN, for_readers=MEMBER)),
    path("api/v2/items/<int:pk>/", items.ShowAndSaveItem.as_view(variant=ADMIN, for_readers=MEMBER)),
    path("api/v2/items/<int:pk>/requeue/", items.RequeueItem.as_view(variant=ADMIN)),
    # A name can contain slashes; a date can't, and an etag only as a weak one.
    re_path(
        r'^api/v2/items/(?P<etag>W/"[^/"]+"|[^/]+)/(?P<name>(?s:.+))/(?P<bag_date>[^/]+)\Z',
        items.ItemByUpload.as_view(variant=ADMIN),
    ),
    path("api/v2/item_state/", worker_states.CreateWorkerState.as_view(variant=ADMIN)),
    path("api/v2/item_state/<int:pk>/", worker_states.WorkerStateDetail.as_view(variant=ADMIN)),
    path("api/v2/notifications/spot_test_restoration/<int:pk>/", items.RequestSpotTest.as_view(variant=ADMIN)),
    path("api/v2/objects/", objects.ObjectList.as_view(variant=ADMIN, for_readers=MEMBER)),
    re_path(rf"^api/v2/objects/{objects.IDENTIFIER}", objects.ObjectDetail.as_view(variant=ADMIN, for_readers=MEMBER)),
    path("api/v2/institutions/", institutions.InstitutionList.as_view(variant=ADMIN)),
    path("api/v2/institutions/<str:identifier>/", institutions.InstitutionDetail.as_view(variant=ADMIN)),
]
