"""The installation's queue: the stages that it serves, and the outbox of requeued items that still have to be pushed.

`work_queue` fills and empties the outbox.
"""

from django.conf import settings
from django.db import models

from ..lifecycle import served_stages
from ..vocabulary import Stage, stage_choices


def find_served_stages(action: str, *, about_file: bool = False) -> frozenset[Stage] | None:
    """Returns where the queue takes up items of this action, as the settings say; None: at every stage."""
    topics = settings.WORKITEM_QUEUE_TOPICS if settings.WORKITEM_QUEUE_URL else None
    return served_stages(action, about_file=about_file, stages=settings.WORKITEM_QUEUE_STAGES, topics=topics)


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
