"""What the database stores about an item, and a check that a refused move changed none of it."""

from contextlib import contextmanager

import pytest
from django.db import transaction

from workitems import transitions
from workitems.lifecycle import Refused
from workitems.models import WorkItem


def as_stored(item):
    """The row and its history, every column."""
    return WorkItem.objects.values().get(pk=item.pk), list(item.history.order_by("number").values())


@contextmanager
def rolled_back():
    """What is made within is gone afterwards: items and history cannot be deleted."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def assert_refused(item, reason, field=None):
    """Inside, the item is asked for a move that must be refused: it raises, nothing changes, the object is the row as it is."""
    before = as_stored(item)
    with pytest.raises(Refused) as caught:
        yield caught
    assert (caught.value.reason, caught.value.field) == (reason, field), caught.value.sentence
    assert caught.value.sentence[0].isupper() or caught.value.sentence[0] == "“"
    assert caught.value.sentence.endswith(".")
    assert as_stored(item) == before
    assert {name: getattr(item, name) for name in before[0]} == before[0]


def last_entry(item):
    """The latest entry of the item's history; fails where its numbers and the item's version disagree."""
    entries = list(item.history.order_by("number"))
    stored = WorkItem.objects.get(pk=item.pk)
    assert [entry.number for entry in entries] == list(range(1, stored.version + 1))
    assert (entries[-1].stage_after, entries[-1].status_after) == (stored.stage, stored.status)
    return entries[-1]


def worker_state_text(item):
    """The text of the worker's state; empty where there is none."""
    return (transitions.read_worker_state(item) or ("", ""))[1]
