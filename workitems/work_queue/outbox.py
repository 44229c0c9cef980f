"""The outbox: a requeue leaves a message in its own transaction, and it is deleted once the queue has accepted it.

So a message is never lost, whatever fails, and is pushed twice only if a process ends between the two. Whoever pushes a
message claims it first.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from ..lifecycle import topic_of
from ..models import QueueMessage, WorkItem
from ..vocabulary import Status
from . import background
from .nsqd import NotAccepted, Publisher

# A claim this old was left behind by a process that ended.
STALE_CLAIM_AGE = timedelta(minutes=2)
log = logging.getLogger(__name__)


@dataclass
class DeliverySummary:
    """What a run did: how many messages the queue accepted, how many no longer had to be pushed, and why others stay."""

    pushed: int = 0
    dropped: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)  # each only once

    def add_problem(self, sentence: str) -> None:
        self.failed += 1
        if sentence not in self.problems:
            self.problems.append(sentence)


def enqueue(items: Sequence[WorkItem], now: datetime) -> None:
    """Leaves a message for each item, to be pushed as soon as the transaction is committed, without waiting for it.

    Does nothing if the installation has no queue to push to. Must be called within the transaction that requeues.
    """
    if not (settings.WORKITEM_QUEUE_URL and items):
        return
    # Claimed already, for the thread that pushes them.
    messages = [QueueMessage(item=item, stage=item.stage, created_at=now, claimed_at=now) for item in items]
    QueueMessage.objects.bulk_create(
        messages,
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["stage", "created_at", "claimed_at"],
    )
    transaction.on_commit(partial(background.submit, partial(_deliver, messages)), robust=True)


def waiting_since(item: WorkItem) -> datetime | None:
    """Returns since when the queue hasn't accepted the item; None if it has, or if the installation has no queue."""
    if not settings.WORKITEM_QUEUE_URL:
        return None
    waiting = QueueMessage.objects.filter(pk=item.pk, stage=item.stage).values_list("created_at", flat=True)
    return waiting.first() if item.status == Status.PENDING else None


def deliver_due(now: datetime) -> DeliverySummary:
    """Pushes the messages that no process is pushing, oldest first."""
    return _deliver(QueueMessage.objects.filter(_unclaimed(now)).order_by("created_at", "pk"))


def _unclaimed(now: datetime) -> Q:
    return Q(claimed_at=None) | Q(claimed_at__lt=now - STALE_CLAIM_AGE)


def _deliver(messages: Iterable[QueueMessage]) -> DeliverySummary:
    """Pushes these messages one after the other. Stops if the queue is away; anybody can then claim the rest."""
    done = DeliverySummary()
    listed = iter(list(messages))
    with Publisher(settings.WORKITEM_QUEUE_URL) as publisher:
        for message in _claim_each(listed):
            try:
                if _push(message, publisher):
                    done.pushed += 1
                else:
                    done.dropped += 1
            except NotAccepted as error:
                _same(message).update(claimed_at=None)
                done.add_problem(str(error))
                if error.is_away:
                    break
    done.failed += _release(list(listed))
    for problem in done.problems:
        log.warning("requeued items were not pushed: %s", problem)
    return done


def _release(messages: Sequence[QueueMessage]) -> int:
    """Lets anybody claim these messages, except for those that another process has claimed since. Returns how many there
    are.
    """
    known = {message.claimed_at for message in messages if message.claimed_at}
    rows = QueueMessage.objects.filter(pk__in=[message.pk for message in messages], claimed_at__in=known)
    rows.update(claimed_at=None)
    return len(messages)


def _claim_each(messages: Iterable[QueueMessage]) -> Iterator[QueueMessage]:
    """Yields each message once this process has claimed it. A long run renews its claims one by one."""
    for message in messages:
        known, now = message.claimed_at, timezone.now()
        if _same(message).filter(claimed_at=known).update(claimed_at=now):
            message.claimed_at = now
            yield message


def _same(message: QueueMessage):
    """The row of a message, unless a later requeue has replaced it."""
    return QueueMessage.objects.filter(pk=message.pk, created_at=message.created_at)


def _push(message: QueueMessage, publisher: Publisher) -> bool:
    """Pushes a message and deletes it; returns False if its item doesn't wait there any more. Raises NotAccepted."""
    item = WorkItem.objects.only("action", "stage", "status", "generic_file_identifier").get(pk=message.pk)
    waits = item.status == Status.PENDING and item.stage == message.stage
    if waits:
        about_file = bool(item.generic_file_identifier)
        topic = topic_of(settings.WORKITEM_QUEUE_TOPICS, item.action, item.stage, about_file=about_file)
        if not topic:
            raise NotAccepted(f"WORKITEM_QUEUE_TOPICS has no topic for {item.action}/{item.stage}", is_away=False)
        publisher.publish(topic, str(item.pk))
    _same(message).delete()
    return waits
