"""The table of what workers write down of their progress with items. `states` reads and saves it."""

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from .append_only import AppendOnly


class WorkItemStateQuerySet(models.QuerySet["WorkItemState"]):
    def delete(self) -> NoReturn:
        raise AppendOnly("A worker state is part of its item and can't be deleted.")


class WorkItemState(models.Model):
    """What a worker wrote down of its progress with an item, to go on from there.

    Text of up to many MB, compressed, in a table of its own, so that no list of items comes near it. Its id is its item's.
    """

    item = models.OneToOneField("WorkItem", models.PROTECT, primary_key=True, related_name="work_item_state")
    action = models.CharField(max_length=32)
    packed = models.BinaryField()
    length = models.PositiveIntegerField()  # bytes of the text in UTF-8, before it was compressed
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
