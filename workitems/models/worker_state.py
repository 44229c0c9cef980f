"""The table of worker states. `transitions.worker_state` reads and saves them."""

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from .append_only import AppendOnly


class WorkItemStateQuerySet(models.QuerySet["WorkItemState"]):
    def delete(self) -> NoReturn:
        raise AppendOnly("A worker state is part of its item and can't be deleted.")


class WorkItemState(models.Model):
    """A worker's record of its progress on an item, from which it resumes.

    It can be many MB of text. It is compressed, and in a separate table so that lists of items never load it. Its primary
    key is the item's.
    """

    item = models.OneToOneField("WorkItem", models.PROTECT, primary_key=True, related_name="work_item_state")
    action = models.CharField(max_length=32)
    packed = models.BinaryField()
    length = models.PositiveIntegerField()  # bytes of UTF-8 before compression
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = WorkItemStateQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker state")
        verbose_name_plural = _("worker states")

    def __str__(self) -> str:
        return f"#{self.item_id} {self.action}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("A worker state is part of its item and can't be deleted.")
