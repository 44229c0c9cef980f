"""API keys that several threads create and use at the same moment, each with its own connection."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest
from django.db import connection, connections

from pharos.accounts import api_keys
from pharos.accounts.models import ApiKey

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
THREADS = 4


def together(call):
    """Returns the result of the same call in each thread."""
    barrier = Barrier(THREADS)

    def one():
        connection.ensure_connection()  # or the first would be done before the second has connected
        barrier.wait(timeout=30)
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result(timeout=120) for future in [pool.submit(one) for _ in range(THREADS)]]


def made(user, **more):
    """Returns whether a key was created, or the kind of refusal."""
    try:
        api_keys.create_key(user, now=NOON, **more)
    except api_keys.KeyRefused as refused:
        return type(refused)
    return True


def test_only_one_thread_creates_the_twentieth_key(dora):
    for _ in range(api_keys.MAX_ACTIVE_KEYS - 1):
        api_keys.create_key(dora, now=NOON)
    assert sorted(map(str, together(lambda: made(dora)))) == sorted(map(str, [True, *[api_keys.KeyRefused] * 3]))
    assert ApiKey.objects.count() == api_keys.MAX_ACTIVE_KEYS


def test_the_same_form_sent_at_the_same_time_creates_one_key(dora):
    form = uuid.uuid4()
    answers = together(lambda: made(dora, once=form))
    assert sorted(map(str, answers)) == sorted(map(str, [True, *[api_keys.AlreadyCreated] * 3]))
    assert ApiKey.objects.count() == 1


def test_threads_share_the_count(dora):
    """Within 2 %, because concurrent threads may lose or repeat a few counts."""
    key, secret = api_keys.create_key(dora, now=NOON)
    api_keys._counters.clear()

    def calls():
        return sum(
            api_keys.count_call(api_keys.find_key(dora.email, secret), limit=300, now=NOON) == 0 for _ in range(150)
        )

    assert 294 <= sum(together(calls)) <= 306
    assert 288 <= ApiKey.objects.get(pk=key.pk).calls <= 306
