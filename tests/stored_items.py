"""What the database stores about an item, and a check that a refused move changed none of it."""

from contextlib import contextmanager

import pytest
from django.db import transaction

from workitems import transitions
from workitems.lifecycle import Refused
from workitems.models import WorkItem


def as_stored(item):
    """Returns the row and its history, with every column."""
    return WorkItem.objects.values().get(pk=item.pk), list(item.history.order_by("number").values())


@contextmanager
def rolled_back():
    """Rolls back what is created within, because items and history can't be deleted."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@contextmanager
def assert_refused(item, reason, field=None):
    """Checks that a move is refused with this reason and field, nothing is stored, and the object in memory is unchanged."""
    before = as_stored(item)
    with pytest.raises(Refused) as caught:
        yield caught
    assert (caught.value.reason, caught.value.field) == (reason, field), caught.value.sentence
    assert caught.value.sentence[0].isupper() or caught.value.sentence[0] == "“"
    assert caught.value.sentence.endswith(".")
    assert as_stored(item) == before
    assert {name: getattr(item, name) for name in before[0]} == before[0]


def last_entry(item):
    """Returns the latest history entry of the item. Fails if the numbers don't match the item's version."""
    entries = list(item.history.order_by("number"))
    stored = WorkItem.objects.get(pk=item.pk)
    assert [entry.number for entry in entries] == list(range(1, stored.version + 1))
    assert (entries[-1].stage_after, entries[-1].status_after) == (stored.stage, stored.status)
    return entries[-1]


def worker_state_text(item):
    """Returns the text of the worker's state; empty if there is none."""
    return (transitions.read_worker_state(item) or ("", ""))[1]
