"""The table of bulk changes, during and after their run. `bulk` runs them."""

import uuid
from collections.abc import Iterable

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Permission

_NAMES = {
    "review": _("Mark reviewed"),
    "unreview": _("Mark not reviewed"),
    "cancel": _("Cancel"),
    "requeue": _("Requeue"),
}


class BulkChangeQuerySet(models.QuerySet["BulkChange"]):
    def visible_to(self, user: User) -> "BulkChangeQuerySet":
        """Returns what this user can see: all for an admin, otherwise those made within the user's institution."""
        if not user.can(Permission.REVIEW):
            return self.none()
        if user.can(Permission.SEE_EVERY_INSTITUTION):
            return self
        return self.filter(institution_id=user.institution_id, is_of_all=False)

    def among(self, numbers: Iterable[uuid.UUID]) -> set[uuid.UUID]:
        """Returns which of these ids are bulk changes of the queryset."""
        return set(self.filter(pk__in=numbers).values_list("pk", flat=True))


class BulkChange(models.Model):
    """One move on many items. It runs in batches, so its progress is visible and it can be interrupted and resumed.

    `selection` is one of

    - {"ids": […]}: these items
    - {"query": …, "zone": …, "of": institution or None, "until": id of the last item at the start}: all items of a list
    - {"undo": id}: the items that another bulk change has changed

    It can also contain "mark", the last history entry when the list was drawn (items with later entries are skipped), and
    "at_least" if there were more than `total` items. `cursor` is the id of the last item processed. The history entries
    of the change have its id in `act`. `institution` and `is_of_all`: whose items its author could see at the time.
    `undoes`: the bulk change that this one undoes. The database makes sure that there is at most one.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(User, models.PROTECT, related_name="bulk_changes")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="bulk_changes", null=True)
    is_of_all = models.BooleanField(db_default=True)  # restrictive by default: only admins see such a bulk change
    move = models.CharField(max_length=16)
    selection = models.JSONField()
    note = models.TextField(blank=True)
    from_the_beginning = models.BooleanField(
        default=False
    )  # requeue to the first stage, not to where each item stopped
    query = models.TextField(blank=True)  # the list to return to
    total = models.PositiveIntegerField()
    cursor = models.BigIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    skipped = models.JSONField(default=dict)  # {lifecycle.Refused.reason: number of items}
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    undoes = models.ForeignKey(
        "self", models.PROTECT, related_name="undos", null=True, db_index=False, db_constraint=False
    )

    objects = BulkChangeQuerySet.as_manager()

    class Meta:
        db_table = "workitems_bulkact"
        verbose_name = _("bulk change")
        verbose_name_plural = _("bulk changes")
        constraints = [
            models.UniqueConstraint(fields=["undoes"], name="undone_once", condition=Q(undoes__isnull=False))
        ]
        indexes = [models.Index(fields=["-created_at", "-id"], name="act_latest")]

    def __str__(self) -> str:
        return f"{self.move} {self.total}"

    @property
    def name(self) -> str | Promise:
        """What its move is called on pages."""
        return _NAMES[self.move]

    @property
    def is_undo(self) -> bool:
        return "undo" in self.selection

    @property
    def is_complete(self) -> bool:
        """Whether `total` is the exact number of items rather than a lower bound."""
        return "at_least" not in self.selection

    @property
    def processed(self) -> int:
        """The number of items processed so far."""
        return self.changed + self.unchanged + sum(self.skipped.values())
