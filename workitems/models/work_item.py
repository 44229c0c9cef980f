"""The table of work items, and its queryset in domain terms.

Code that acts for a user reaches rows through `WorkItem.objects.visible_to(user)`. Only `transitions` changes rows.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NoReturn

from django.db import models
from django.db.models import BooleanField, Exists, F, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Permission

from ..database import IsPartIndexed, PartHead, VocabularyCheck
from ..lifecycle import ItemState, Phase, normalize_etag, phase_of
from ..search import SearchTextField, prefix, same_second, same_text
from ..vocabulary import MOVING, Action, Stage, Status, action_choices, stage_choices, status_choices
from . import acting, uploads
from .append_only import AppendOnly
from .counts import KIND_COLUMNS, MOVING_SQL
from .phases import CLOSED, NOT_CLOSED, in_phases
from .queue_message import find_served_stages

# The registry's numbers, which say what a restoration or deletion is about.
REGISTRY_NUMBERS = ("intellectual_object_id", "generic_file_id", "deletion_request_id")
FINISHED = Q(finished_at__isnull=False)
ROW_COLUMNS = (
    *("name", "etag", "object_identifier", "generic_file_identifier", "size", "institution", "version"),
    *("action", "stage", "status", "retry", "reviewed", "needs_admin_review", "node"),
    *("date", "updated_at", "stage_started_at", "stage_entered_at"),
)


class WorkItemQuerySet(models.QuerySet["WorkItem"]):
    def visible_to(self, user: User) -> "WorkItemQuerySet":
        """Returns what this person can see: their own institution's items, everything, or nothing."""
        if not user.can(Permission.BROWSE):
            return self.none()
        return self if user.can(Permission.SEE_EVERY_INSTITUTION) else self.filter(institution_id=user.institution_id)

    def open(self) -> "WorkItemQuerySet":
        return self.filter(in_phases(Phase.OPEN))

    def held(self) -> "WorkItemQuerySet":
        return self.filter(in_phases(Phase.HELD))

    def closed(self) -> "WorkItemQuerySet":
        return self.filter(in_phases(Phase.CLOSED))

    def with_uploads(self) -> "WorkItemQuerySet":
        """Annotates each row with the upload that counts instead of it, or null.

        The columns are `superseded_by_id`, `duplicate_of_id`, `other_upload_id` (for an ingest that failed permanently
        or was cancelled), and `waits_for_id` (the upload that is finished first).
        """
        rows, everything = self, WorkItem.objects.all()
        for annotate in (
            uploads.annotate_duplicates,
            uploads.annotate_superseded,
            uploads.annotate_other_uploads,
            uploads.annotate_awaited,
        ):
            rows = annotate(rows, everything)
        return rows

    def superseded(self) -> "WorkItemQuerySet":
        """Returns open uploads that will never be ingested, because the bag was received again with a different etag.

        An upload that has reached Store isn't among them: it is finished.
        """
        # This filter comes first, so that the subqueries run only for the few open uploads.
        asked = self.filter(NOT_CLOSED, action=Action.INGEST)
        return uploads.annotate_superseded(asked, WorkItem.objects.all()).filter(superseded_by_id__isnull=False)

    def not_superseded(self) -> "WorkItemQuerySet":
        return uploads.annotate_superseded(self, WorkItem.objects.all()).filter(superseded_by_id__isnull=True)

    def duplicates(self) -> "WorkItemQuerySet":
        """Returns uploads of a file that is being or has been ingested from another upload."""
        return uploads.annotate_duplicates(self, WorkItem.objects.all()).filter(duplicate_of_id__isnull=False)

    def open_duplicates(self) -> "WorkItemQuerySet":
        """Returns duplicates that are still waiting and will never be ingested."""
        return self.filter(NOT_CLOSED, action=Action.INGEST).duplicates()

    def not_open_duplicates(self) -> "WorkItemQuerySet":
        others = ~NOT_CLOSED | Q(duplicate_of_id__isnull=True)
        return uploads.annotate_duplicates(self, WorkItem.objects.all()).filter(others)

    def with_other_upload(self) -> "WorkItemQuerySet":
        """Returns ingests that failed permanently or were cancelled, and whose bag has another upload to look at."""
        asked = self.filter(uploads.FAILED_PERMANENTLY | uploads.CANCELLED, action=Action.INGEST)
        return uploads.annotate_other_uploads(asked, WorkItem.objects.all()).filter(other_upload_id__isnull=False)

    def without_other_upload(self) -> "WorkItemQuerySet":
        return uploads.annotate_other_uploads(self, WorkItem.objects.all()).filter(other_upload_id__isnull=True)

    def waiting_for_institution(self) -> "WorkItemQuerySet":
        """Returns items on which their institution has to act."""
        return acting.institution_acts(self, WorkItem.objects.all())

    def waiting_for_consortium(self) -> "WorkItemQuerySet":
        """Returns items on which the consortium has to act."""
        return acting.consortium_acts(self, WorkItem.objects.all())

    def awaiting_second_review(self) -> "WorkItemQuerySet":
        """Returns failures that an institution has reviewed and that a review by the consortium still has to close."""
        return acting.awaits_second_review(self)

    def uploads_of_same_bag(self, item: "WorkItem") -> "WorkItemQuerySet":
        """Returns every ingest of the item's bag, newest first."""
        same = self.filter(same_text("name", item.name), action=Action.INGEST, institution_id=item.institution_id)
        return same.order_by("-date", "-id")

    def of_same_object(self, item: "WorkItem") -> "WorkItemQuerySet":
        """Returns other items about the item's object, newest first; none if the object isn't known."""
        if not item.object_identifier:
            return self.none()
        about_it = same_text("object_identifier", item.object_identifier)
        same = self.filter(about_it, institution_id=item.institution_id)
        return same.exclude(pk=item.pk).order_by("-date", "-id")

    def of_object(self, identifier: str) -> "WorkItemQuerySet":
        """Returns items about the object with exactly this identifier."""
        # The index of objects starts with the institution, so the query names all institutions for readers who see
        # everything.
        anywhere = Institution.objects.values("pk")
        about_it = WorkItem.objects.filter(same_text("object_identifier", identifier), institution_id__in=anywhere)
        # A subquery, because SQLite without statistics would choose the index of the facets for further conditions.
        return self.filter(pk__in=about_it.values("pk"))

    def stored_objects(self) -> "WorkItemQuerySet":
        """Returns the last successful ingest of each object, with `is_deleted`: whether the object was deleted since."""
        same = same_text("object_identifier", OuterRef("object_identifier"))
        done = WorkItem.objects.filter(same, institution_id=OuterRef("institution_id"), status=Status.SUCCESS)
        later = Q(date__gt=OuterRef("date")) | Q(date=OuterRef("date"), pk__gt=OuterRef("pk"))
        newer = done.filter(later, action=Action.INGEST)
        deleted = done.filter(action=Action.DELETE, generic_file_identifier="", date__gte=OuterRef("date"))
        ingested = self.filter(action=Action.INGEST, status=Status.SUCCESS).exclude(object_identifier="")
        return ingested.filter(~Exists(newer)).annotate(is_deleted=Exists(deleted)).select_related("institution")

    def in_state(self, *, deleted: bool) -> "WorkItemQuerySet":
        """Returns those of `stored_objects` that were deleted since, or the others."""
        return self.filter(is_deleted=deleted)

    def moving(self) -> "WorkItemQuerySet":
        """Returns moving items, using the index `item_moving_since`. SQLite uses it only for this exact SQL text."""
        words = f"{self.model._meta.db_table}.status IN {MOVING_SQL}"
        return self.filter(RawSQL(words, [], BooleanField()))  # noqa: S611  contains no user input

    def on_nodes(self) -> "WorkItemQuerySet":
        """Returns started items that a node holds."""
        return self.filter(~Q(node=""), status=Status.STARTED)

    def of_institutions(self, numbers: Iterable[int]) -> "WorkItemQuerySet":
        return self.filter(institution_id__in=numbers)

    def changed_after(self, time: datetime) -> "WorkItemQuerySet":
        """Returns items changed after this time, latest change first, which is the order of the indexes."""
        return self.filter(updated_at__gt=time).order_by("-updated_at", "-id")

    def with_id(self, number: int) -> "WorkItemQuerySet":
        return self.filter(pk=number)

    def with_ids(self, numbers: Iterable[int]) -> "WorkItemQuerySet":
        return self.filter(pk__in=numbers)

    def with_later_ids(self, number: int) -> "WorkItemQuerySet":
        return self.filter(pk__gt=number)

    def first_id(self) -> int:
        return self.order_by("pk").values_list("pk", flat=True).first() or 0

    def last_id(self) -> int:
        return self.order_by("-pk").values_list("pk", flat=True).first() or 0

    def version_of(self, number: int) -> int | None:
        """Returns the version of the item with this id, or None if there is no such item in the queryset."""
        return self.filter(pk=number).values_list("version", flat=True).first()

    def of_upload(self, etag: str, name: str, bag_date: datetime | None, action: Any = None) -> "WorkItem | None":
        """Returns the latest item for an upload, or None. `bag_date` is compared to the second; None means unset.

        Restorations and deletions can have the same etag and name. An item with the given action takes precedence, by
        default an ingest.
        """
        made = Q(bag_date__isnull=True) if bag_date is None else same_second("bag_date", bag_date)
        found = self.filter(same_text("name", name), made, etag=normalize_etag(etag)).order_by("-date", "-id")
        return found.filter(action=action or Action.INGEST).first() or found.first()

    def with_state_id(self) -> "WorkItemQuerySet":
        """Adds `work_item_state_id` to each row: the item's own id if a worker has saved a state, otherwise null.

        The join doesn't read the state itself. Never use `select_related("work_item_state")` in a list: that would load every state.
        """
        return self.annotate(work_item_state_id=F("work_item_state__item_id"))

    def for_rows(self, fields: Iterable[str] = ()) -> "WorkItemQuerySet":
        """Loads only these fields and those that every row of a list needs, with the start of the note as `note_head`, and the
        cause, number of faults, and origin of its last failure.
        """
        return self.only(*ROW_COLUMNS, *fields).annotate(
            note_head=Left("note", 500),
            cause_id=F("failure__cause_id"),
            fault_count=F("failure__faults"),
            failure_origin=F("failure__origin"),
        )

    def find_resubmission(
        self, item: "WorkItem", *, date: datetime | None, who: str, since: datetime
    ) -> "WorkItem | None":
        """Returns the item that this person has already created since then for the same upload or request, or None.

        `date` is the item's date as given; None matches an item that was created without one.
        """
        same = self.filter(
            same_text("name", item.name),
            institution_id=item.institution_id,
            etag=item.etag,
            action=item.action,
        )
        if item.action != Action.INGEST:
            # Two files of one object can be requested at once. (An ingest gets its identifier later.)
            same = same.filter(
                same_text("object_identifier", item.object_identifier),
                generic_file_identifier=item.generic_file_identifier,
                **{name: getattr(item, name) for name in REGISTRY_NUMBERS},
            )
        dated = same.filter(date=F("created_at") if date is None else date, created_at__gte=since)
        return dated.filter(history__move="create", history__who=who).order_by("pk").first()

    def delete(self) -> NoReturn:
        raise AppendOnly("Work items are part of the audit trail. They can be cancelled but never deleted.")

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class WorkItem(models.Model):
    """One task that the consortium's services carry out on a bag, an object, or a file.

    Unset text is empty, never null. For the meaning of the fields see the member API, versions 7 and 8.
    """

    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now, editable=False)
    name = models.CharField(_("name"), max_length=1000)
    etag = models.CharField(_("etag"), max_length=255, blank=True)
    bucket = models.CharField(_("bucket"), max_length=255, blank=True)
    user = models.CharField(_("requested by"), max_length=255, blank=True)
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="work_items", db_index=False, verbose_name=_("institution")
    )
    note = models.TextField(_("Note / Error"), blank=True)
    action = models.CharField(_("action"), max_length=32, choices=action_choices)
    stage = models.CharField(_("stage"), max_length=32, choices=stage_choices)
    status = models.CharField(_("status"), max_length=32, choices=status_choices)
    outcome = models.CharField(_("outcome"), max_length=255, blank=True)
    bag_date = models.DateTimeField(_("bag created"), null=True, blank=True)
    date = models.DateTimeField(_("received"))
    retry = models.BooleanField(_("retry"), default=True)
    reviewed = models.BooleanField(_("reviewed"), default=False)
    object_identifier = models.CharField(_("object identifier"), max_length=1300, blank=True)
    generic_file_identifier = models.CharField(_("file identifier"), max_length=2500, blank=True)
    # What an open restoration or deletion is about, by the numbers of the registry that asked for it.
    intellectual_object_id = models.BigIntegerField(_("object number"), null=True, blank=True)
    generic_file_id = models.BigIntegerField(_("file number"), null=True, blank=True)
    deletion_request_id = models.BigIntegerField(_("deletion request"), null=True, blank=True)
    storage_option = models.CharField(_("storage option"), max_length=255, blank=True, default="", db_default="")
    size = models.BigIntegerField(_("size"), null=True, blank=True)
    node = models.CharField(_("node"), max_length=255, blank=True)
    pid = models.BigIntegerField(_("pid"), null=True, blank=True)
    needs_admin_review = models.BooleanField(_("needs admin review"), default=False)
    queued_at = models.DateTimeField(_("queued"), null=True, blank=True)
    stage_started_at = models.DateTimeField(_("stage started"), null=True, blank=True)
    # When it reached its stage, whether or not work has started; NULL for closed items that were imported.
    stage_entered_at = models.DateTimeField(null=True, editable=False)
    # When it was last closed; NULL for open and held items, and for closed ones that were imported without a history.
    finished_at = models.DateTimeField(_("finished"), null=True, editable=False)
    inst_approver = models.CharField(_("institution's approver"), max_length=255, blank=True)
    aptrust_approver = models.CharField(_("consortium's approver"), max_length=255, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)  # the number of its last history entry
    search_text = SearchTextField(editable=False)

    note_head: str  # the start of the note, in rows loaded by `for_rows`
    cause_id: int | None  # in rows loaded by `for_rows`: of its last failure, like the number of faults
    fault_count: int | None
    failure_origin: str | None
    work_item_state_id: int | None  # in rows loaded by `with_state_id`

    objects = WorkItemQuerySet.as_manager()

    class Meta:
        verbose_name = _("work item")
        verbose_name_plural = _("work items")
        constraints = [
            VocabularyCheck(field="action", words=Action),
            VocabularyCheck(field="stage", words=Stage),
            VocabularyCheck(field="status", words=Status),
            models.CheckConstraint(condition=Q(reviewed=False) | CLOSED, name="reviewed_only_when_closed"),
            models.CheckConstraint(condition=~Q(name=""), name="item_has_a_name"),
            models.CheckConstraint(condition=Q(size__gte=0), name="size_is_not_negative"),  # NULL, for unknown, passes
        ]
        indexes = [
            models.Index(fields=["-date", "-id"], name="item_newest"),
            models.Index(fields=["institution", "-date", "-id"], name="item_newest_of_institution"),
            models.Index("institution", prefix("name"), "date", name="item_same_bag"),
            models.Index("institution", prefix("object_identifier"), "date", name="item_object"),
            models.Index(fields=["-updated_at", "-id"], name="item_last_changed"),
            models.Index(fields=["institution", "-updated_at", "-id"], name="item_changed_of_institution"),
            # The rows of one kind in either order, for everyone and for one institution: see `listing.strategies`.
            models.Index(fields=[*KIND_COLUMNS, "-date", "-id"], name="item_kind_newest"),
            models.Index(fields=[*KIND_COLUMNS, "-updated_at", "-id"], name="item_kind_changed"),
            models.Index(fields=["institution", *KIND_COLUMNS, "-date", "-id"], name="item_cell_newest"),
            models.Index(fields=["institution", *KIND_COLUMNS, "-updated_at", "-id"], name="item_cell_changed"),
            models.Index(
                fields=["institution", *KIND_COLUMNS, "stage_entered_at"],
                include=["size"],
                name="item_moving_since",
                condition=Q(status__in=MOVING),
            ),
            models.Index(fields=["institution", "action"], name="item_not_closed", condition=NOT_CLOSED),
            models.Index(fields=["-finished_at", "-id"], name="item_finished", condition=FINISHED),
            models.Index(
                fields=["institution", "-finished_at", "-id"], name="item_finished_of_institution", condition=FINISHED
            ),
            models.Index(fields=["-date", "-id"], name="item_for_admins", condition=Q(needs_admin_review=True)),
            models.Index(fields=["node"], name="item_on_node", condition=~Q(node="")),
            models.Index(fields=["created_at"], name="item_created"),
            models.Index(fields=["etag"], name="item_etag"),
            models.Index(prefix("name"), name="item_name"),
            models.Index(PartHead("name"), "institution", "date", name="item_part", condition=Q(IsPartIndexed("name"))),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.name}"

    @property
    def phase(self) -> Phase:
        return phase_of(self.status, retry=self.retry)

    @property
    def at_stage_since(self) -> datetime | None:
        """When an open or held item reached its stage; None if unknown or closed. `listing.ordering` has this in SQL."""
        return None if self.phase is Phase.CLOSED else self.stage_entered_at

    @property
    def lifecycle_state(self) -> ItemState:
        """What the rules know of the item itself. `transitions` adds facts from other rows, read under the lock."""
        return ItemState(
            action=self.action,
            stage=self.stage,
            status=self.status,
            retry=self.retry,
            note=self.note,
            reviewed=self.reviewed,
            needs_admin_review=self.needs_admin_review,
            node=self.node,
            pid=self.pid,
            date=self.date,
            stage_started_at=self.stage_started_at,
            object_identifier=self.object_identifier,
            names=self.own_names,
            served_stages=find_served_stages(self.action, about_file=bool(self.generic_file_identifier)),
        )

    @property
    def own_names(self) -> tuple[str, ...]:
        """The names by which its note can call it, as far as they need no other row."""
        bag = self.name.removesuffix(".tar")
        return tuple(filter(None, (self.name, bag, self.object_identifier, self.generic_file_identifier)))

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("Work items are part of the audit trail. They can be cancelled but never deleted.")
