"""Pushes requeued items into the queue that the installation's workers read, each at least once.

It knows the outbox and nsqd's HTTP interface. It must not know how items are requeued, or keep anybody waiting for the queue.
"""

from .background import wait_until_idle
from .outbox import DeliverySummary, deliver_due, enqueue, waiting_since

__all__ = ["DeliverySummary", "deliver_due", "enqueue", "wait_until_idle", "waiting_since"]
