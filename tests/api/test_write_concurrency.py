"""Two clients save an item at the same moment: one succeeds, the other gets 409, and nothing is lost."""

from collections import Counter
from itertools import pairwise

import pytest
from django.test import Client

from tests.factories import make_item
from tests.stored_items import last_entry
from workitems.models import HistoryEntry, WorkItem

from .api_client import Caller
from .saving_items import FETCHING, item_address, read_item
from .simultaneous_calls import call_simultaneously


def chain(item):
    """Returns (who, move) of the entries after the first. Fails if an entry doesn't continue the previous one."""
    entries = list(HistoryEntry.objects.filter(item=item).order_by("number"))
    last_entry(item)
    for former, entry in pairwise(entries):
        assert (entry.stage_before, entry.status_before) == (former.stage_after, former.status_after)
    return [(entry.who, entry.move) for entry in entries[1:]]


@pytest.mark.django_db(transaction=True)
def test_two_workers_save_at_the_same_time(virginia, wally, ada):
    seen = Counter()
    callers = [Caller(Client(), wally), Caller(Client(), ada)]
    for number in range(12):
        item = make_item(virginia)
        record = read_item(callers[0], item)
        sent = [
            {**record, "stage": "Fetch", "status": "Started", "node": "w1", "note": "first"},
            {**record, "stage": "Validate", "status": "Started", "node": "w2", "note": "second"},
        ]
        calls = [
            lambda caller=caller, item=item, sent=sent: caller.put(item_address(item), sent)
            for caller, sent in zip(callers, sent, strict=True)
        ]
        first, second = call_simultaneously(*calls[:: 1 if number % 2 else -1])[:: 1 if number % 2 else -1]
        story = chain(item)
        # The later stage is always saved; the earlier one was either saved before it, or its sender was told.
        assert second.status == 200
        assert len(story) == [first.status, second.status].count(200)
        stored = WorkItem.objects.get(pk=item.pk)
        assert (stored.stage, stored.node, stored.note) == ("Validate", "w2", "second")
        if first.status == 409:
            assert (first.body["stage"], first.body["note"]) == ("Validate", "second")
        else:
            assert first.status == 200
        seen[first.status] += 1
    assert sum(seen.values()) == 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ends", [False, True])
def test_an_admin_cancels_while_a_worker_saves(virginia, wally, ada, ends):
    worker, admin = Caller(Client(), wally), Caller(Client(), ada)
    new = {"stage": "Record", "status": "Success"} if ends else {"stage": "Validate", "note": "on and on"}
    for number in range(10):
        item = make_item(virginia, **FETCHING)
        record = read_item(worker, item)
        calls = [
            lambda item=item, record=record: admin.put(
                item_address(item), {**record, "status": "Cancelled", "note": "Wrong bag."}
            ),
            lambda item=item, record=record: worker.put(item_address(item), {**record, **new}),
        ]
        cancelled, saved = call_simultaneously(*calls[:: 1 if number % 2 else -1])[:: 1 if number % 2 else -1]
        story = chain(item)
        stored = WorkItem.objects.get(pk=item.pk)
        if cancelled.status == 200:
            assert story[-1] == ("ada@aptrust.org", "cancel")
            assert (stored.stage, stored.status, stored.note) == ("Resolve", "Cancelled", "Wrong bag.")
            assert saved.status in ((409,) if ends else (200, 409))
            if saved.status == 409:
                assert (saved.body["status"], saved.body["note"]) == ("Cancelled", "Wrong bag.")
        else:
            # Only a worker that has ended it first keeps an admin from cancelling, or one that has gone on.
            assert (cancelled.status, saved.status) == (409, 200)
            assert ends
            assert cancelled.body["status"] == stored.status == "Success"
