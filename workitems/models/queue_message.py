"""The outbox of the installation's queue: which requeued items still have to be pushed. `work_queue` fills and empties it."""

from django.db import models

from ..vocabulary import stage_choices


class QueueMessage(models.Model):
    """A requeued item that the queue hasn't accepted yet; an item has at most one, for its last requeue.

    `claimed_at` is when a process has claimed it to push it.
    """

    item = models.OneToOneField(
        "WorkItem", models.PROTECT, primary_key=True, related_name="queue_message", db_constraint=False
    )
    stage = models.CharField(max_length=32, choices=stage_choices)
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "message to the queue"
        verbose_name_plural = "messages to the queue"

    def __str__(self) -> str:
        return f"{self.item_id} at {self.stage}"
