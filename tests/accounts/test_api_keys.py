"""API keys: who gets one, which requests a key authenticates, and how its calls are counted. test_keys.py tests the pages."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from pharos.accounts import api_keys
from pharos.accounts.models import ApiKey
from pharos.accounts.roles import Role

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)
EVERYBODY = ("dora", "stan", "olga", "ada", "wally")
NOT_KEYS = {
    "missing": None,
    "empty": "",
    "blank": " ",
    "short": "abcdefgh",
    "wrong": "A" * 43,
    "too long": "A" * 44,
    "overlong": "A" * 60_000,
    "not ASCII": "é" * 43,
    "digits of another script": "٣" * 43,
    "NUL": "A" * 42 + "\x00",
    "line end": "A" * 43 + "\n",
    "lone surrogate": "\udcff" * 43,
    "percent": "%" * 43,
}
NOT_HERS = {
    "missing": None,
    "empty": "",
    "another's": "stan@virginia.edu",
    "beginning": "dora@virginia.ed",
    "NUL": "dora@virginia.edu\x00",
    "space": " dora@virginia.edu",
    "not ASCII": "dör\xe4@virginia.edu",
    "lone surrogate": "dora@virginia.edu\udcff",
    "overlong": "d" * 60_000,
}


@pytest.fixture(autouse=True)
def _another_process():
    """Clears the counters of this process, so that each test starts like a new one."""
    api_keys._counters.clear()


def queries():
    return CaptureQueriesContext(connection)


def calls_of(key):
    return ApiKey.objects.values_list("calls", flat=True).get(pk=key.pk)


# Made


@pytest.mark.parametrize("who", EVERYBODY)
def test_everyone_with_the_permission_can_create_keys(cast, who):
    key, secret = api_keys.create_key(cast[who], label="laptop", now=NOON)
    key.refresh_from_db()
    assert (key.user, key.label, key.prefix, key.created_at) == (cast[who], "laptop", secret[:8], NOON)
    assert (key.last_used_at, key.revoked_at, key.minute, key.calls) == (None, None, 0, 0)
    assert api_keys.find_key(cast[who].email, secret) == key


def test_the_key_itself_is_not_stored(dora):
    key, secret = api_keys.create_key(dora, now=NOON)
    stored = ApiKey.objects.values().get(pk=key.pk)
    assert stored["digest"] == hashlib.sha256(secret.encode()).hexdigest()
    assert not [name for name, value in stored.items() if secret[8:] in str(value)]


def test_every_key_is_different(dora):
    made = {api_keys.create_key(dora, now=NOON)[1] for _ in range(20)}
    assert len(made) == 20
    assert all(api_keys.KEY_FORMAT.fullmatch(secret) for secret in made)


def test_twenty_active_keys_are_the_maximum(dora, stan):
    for _ in range(20):
        key, _secret = api_keys.create_key(dora, now=NOON)
    with pytest.raises(api_keys.KeyRefused, match="20 keys"):
        api_keys.create_key(dora, now=NOON)
    assert ApiKey.objects.count() == 20
    api_keys.create_key(stan, now=NOON)
    api_keys.revoke_key(key, now=NOON)
    api_keys.create_key(dora, now=NOON)
    assert dora.api_keys.not_revoked().count() == 20


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "nothing we know"}])
def test_people_without_the_permission_get_no_key(dora, change):
    vars(dora).update(change)
    with pytest.raises(api_keys.KeyRefused, match=r"dora@virginia\.edu"):
        api_keys.create_key(dora, now=NOON)
    assert not ApiKey.objects.exists()


def test_a_form_creates_only_one_key(dora, stan):
    api_keys.create_key(dora, now=NOON, once="form-1")
    with pytest.raises(api_keys.AlreadyCreated):
        api_keys.create_key(dora, now=NOON, once="form-1")
    api_keys.create_key(dora, now=NOON, once="form-2")
    assert dora.api_keys.count() == 2


def test_a_refused_form_can_be_sent_again(dora):
    for _ in range(20):
        key, _secret = api_keys.create_key(dora, now=NOON)
    with pytest.raises(api_keys.KeyRefused) as refused:
        api_keys.create_key(dora, now=NOON, once="form-1")
    assert not isinstance(refused.value, api_keys.AlreadyCreated)
    api_keys.revoke_key(key, now=NOON)
    api_keys.create_key(dora, now=NOON, once="form-1")


def test_a_user_with_keys_cannot_be_deleted(dora):
    api_keys.create_key(dora, now=NOON)
    with pytest.raises(ProtectedError):
        dora.delete()


# Found


@pytest.mark.parametrize("email", ["dora@virginia.edu", "Dora@Virginia.EDU"])
def test_the_right_email_and_key_find_their_user(dora, email):
    key, secret = api_keys.create_key(dora, now=NOON)
    with queries() as asked:
        found = api_keys.find_key(email, secret)
        assert (found, found.user.institution.identifier) == (key, "virginia.edu")
    assert len(asked) == 1


@pytest.mark.parametrize("secret", NOT_KEYS.values(), ids=NOT_KEYS)
def test_an_invalid_key_finds_no_user(dora, secret):
    api_keys.create_key(dora, now=NOON)
    with queries() as asked:
        assert api_keys.find_key(dora.email, secret) is None
    assert len(asked) == 1


@pytest.mark.parametrize("email", NOT_HERS.values(), ids=NOT_HERS)
def test_a_key_with_another_email_finds_no_user(dora, stan, email):
    _key, secret = api_keys.create_key(dora, now=NOON)
    with queries() as asked:
        assert api_keys.find_key(email, secret) is None
    assert len(asked) == 1


def test_an_email_that_matches_only_after_case_folding_is_refused(virginia, dora):
    """The Kelvin sign's lower case is the letter k."""
    dora.email = "kit@virginia.edu"
    dora.save()
    _key, secret = api_keys.create_key(dora, now=NOON)
    assert api_keys.find_key("KIT@virginia.edu", secret)
    assert api_keys.find_key("\u212ait@virginia.edu", secret) is None


def test_every_character_counts(dora):
    _key, secret = api_keys.create_key(dora, now=NOON)
    for place in range(len(secret)):
        other = "B" if secret[place] != "B" else "C"
        assert api_keys.find_key(dora.email, secret[:place] + other + secret[place + 1 :]) is None
    assert api_keys.find_key(dora.email, secret.swapcase()) is None


def test_a_revoked_key_finds_no_user(dora):
    key, secret = api_keys.create_key(dora, now=NOON)
    other, other_secret = api_keys.create_key(dora, now=NOON)
    api_keys.revoke_key(key, now=NOON)
    api_keys.revoke_key(key, now=NOON + timedelta(hours=1))
    assert api_keys.find_key(dora.email, secret) is None
    assert api_keys.find_key(dora.email, other_secret) == other
    key.refresh_from_db()
    assert key.revoked_at == NOON
    assert [*dora.api_keys.not_revoked()] == [other]


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "nothing we know"}])
def test_a_user_who_lost_the_permission_cannot_use_the_key(dora, change):
    key, secret = api_keys.create_key(dora, now=NOON)
    type(dora).objects.update(**change)
    assert api_keys.find_key(dora.email, secret) is None
    type(dora).objects.update(is_active=True, role=Role.STAFF)
    assert api_keys.find_key(dora.email, secret) == key


def test_two_keys_with_the_same_prefix(dora, stan):
    hers, her_secret = api_keys.create_key(dora, now=NOON)
    his, his_secret = api_keys.create_key(stan, now=NOON)
    alike = her_secret[:8] + his_secret[8:]
    ApiKey.objects.filter(pk=his.pk).update(prefix=alike[:8], digest=hashlib.sha256(alike.encode()).hexdigest())
    assert api_keys.find_key(dora.email, her_secret) == hers
    assert api_keys.find_key(stan.email, alike) == his
    assert api_keys.find_key(dora.email, alike) is None


def test_valid_and_invalid_keys_take_the_same_work(dora, monkeypatch):
    """One digest of at most 43 characters and one comparison of 64, whether or not the key exists."""
    key, secret = api_keys.create_key(dora, now=NOON)
    revoked, revoked_secret = api_keys.create_key(dora, now=NOON)
    api_keys.revoke_key(revoked, now=NOON)
    work = []
    real_digest, real_same = api_keys._digest, api_keys.hmac.compare_digest

    def digest(text):
        work.append(("digest", len(text) <= 43))
        return real_digest(text)

    def same(one, other):
        work.append(("compare", len(one), len(other)))
        return real_same(one, other)

    monkeypatch.setattr(api_keys, "_digest", digest)
    monkeypatch.setattr(api_keys.hmac, "compare_digest", same)
    for wrong in [secret[:8] + "A" * 35, revoked_secret, *NOT_KEYS.values()]:
        work.clear()
        assert api_keys.find_key(dora.email, wrong) is None
        assert work == [("digest", True), ("compare", 64, 64)], wrong
    work.clear()
    assert api_keys.find_key(dora.email, secret) == key
    assert work == [("digest", True), ("compare", 64, 64), ("compare", 17, 17)]  # and the address, which is no secret


# Counted


class Caller:
    """Makes calls like a server process: finds the key, then counts."""

    def __init__(self, user, limit):
        self.email, self.limit = user.email, limit
        self.key, self.secret = api_keys.create_key(user, now=NOON)
        self.writes = 0

    def call(self, now, times=1):
        """Returns the answer to the last of this many calls."""
        with queries() as asked:
            for _ in range(times):
                wait = api_keys.count_call(api_keys.find_key(self.email, self.secret), limit=self.limit, now=now)
        self.writes += sum(1 for query in asked if not query["sql"].startswith("SELECT"))
        return wait


@pytest.mark.parametrize("limit", [1, 2, 49, 50, 51, 99, 100, 600])
def test_calls_per_minute_are_limited(dora, limit):
    caller = Caller(dora, limit)
    assert [caller.call(NOON + timedelta(seconds=15)) for _ in range(limit)] == [0] * limit
    assert caller.call(NOON + timedelta(seconds=15)) == 45
    assert caller.call(NOON + timedelta(seconds=59, milliseconds=999)) == 1
    assert caller.call(NOON + timedelta(seconds=60)) == 0


def test_each_key_has_its_own_count(dora):
    first, second = Caller(dora, 1), Caller(dora, 1)
    assert (first.call(NOON), first.call(NOON), second.call(NOON)) == (0, 60, 0)


def test_refused_calls_are_not_counted_and_write_nothing_to_the_database(dora):
    caller = Caller(dora, 100)
    caller.call(NOON, times=100)
    written, counted = caller.writes, calls_of(caller.key)
    assert caller.call(NOON, times=30) == 60
    assert (caller.writes, calls_of(caller.key)) == (written, counted)


@pytest.mark.parametrize(
    ("limit", "calls", "writes"), [(600, 1, 1), (600, 600, 50), (60_000, 1000, 1), (60_000, 2401, 3)]
)
def test_most_calls_write_nothing(wally, limit, calls, writes):
    caller = Caller(wally, limit)
    assert caller.call(NOON, times=calls) == 0
    assert caller.writes == writes


def test_last_used_is_written_once_a_minute(dora):
    caller = Caller(dora, 100)

    def last_used():
        return ApiKey.objects.get().last_used_at

    assert last_used() is None
    for minute in range(3):
        start = NOON + timedelta(minutes=minute, seconds=5)
        for second in range(50):
            caller.call(start + timedelta(seconds=second))
            assert last_used() == start
    assert caller.writes == 3 * (1 + 49 // 2)


def test_several_processes_share_the_count(dora, monkeypatch):
    """Four processes take turns: beyond the limit, at most the calls that the others haven't stored yet are accepted."""
    limit, processes = 600, [{}, {}, {}, {}]
    caller = Caller(dora, limit)
    passed = 0
    for number in range(2 * limit):
        monkeypatch.setattr(api_keys, "_counters", processes[number % 4])
        passed += caller.call(NOON) == 0
    assert limit <= passed <= limit + 3 * (limit // 50)
    for process in processes:
        monkeypatch.setattr(api_keys, "_counters", process)
        assert caller.call(NOON) == 60
    # And the next minute is everybody's again.
    assert caller.call(NOON + timedelta(minutes=1)) == 0


def test_a_restarted_process_reads_the_stored_count(dora):
    caller = Caller(dora, 100)
    caller.call(NOON, times=99)
    assert calls_of(caller.key) == 99
    api_keys._counters.clear()
    assert caller.call(NOON) == 0
    assert caller.call(NOON) == 60


def test_two_processes_that_write_at_once_lose_nothing(dora, monkeypatch):
    """Both read the row before the other one writes."""
    caller = Caller(dora, 50)
    caller.call(NOON)
    one, other = (api_keys.find_key(dora.email, caller.secret) for _ in range(2))
    for found, process in ((one, {}), (other, {})):
        monkeypatch.setattr(api_keys, "_counters", process)
        assert api_keys.count_call(found, limit=50, now=NOON) == 0
    assert calls_of(caller.key) == 3


def test_a_call_while_another_writes_counts_once(dora, monkeypatch):
    """Other threads continue during a slow statement."""
    caller = Caller(dora, 600)
    caller.call(NOON, times=12)  # one is in the row, eleven are not
    found = [api_keys.find_key(dora.email, caller.secret) for _ in range(3)]
    add = api_keys._add_calls

    def slowly(*arguments):
        if found:
            assert api_keys.count_call(found.pop(), limit=600, now=NOON) == 0
        add(*arguments)

    monkeypatch.setattr(api_keys, "_add_calls", slowly)
    api_keys.count_call(found.pop(), limit=600, now=NOON)
    assert calls_of(caller.key) == 13
    caller.call(NOON, times=11)
    assert calls_of(caller.key) == 25


def test_counts_of_other_minutes_do_not_matter(dora):
    caller = Caller(dora, 600)
    caller.call(NOON, times=8)
    assert caller.call(NOON + timedelta(minutes=1), times=600) == 0
    assert caller.call(NOON + timedelta(minutes=1)) == 60
    assert caller.call(NOON + timedelta(minutes=2), times=600) == 0


def test_a_server_with_a_slow_clock_adds_to_the_same_count(dora):
    caller = Caller(dora, 10)
    caller.call(NOON + timedelta(minutes=1), times=10)
    late = NOON + timedelta(seconds=58)
    assert caller.call(late) == 62
    assert caller.call(NOON + timedelta(minutes=1, seconds=30)) == 30


def test_a_clock_that_was_far_ahead_does_not_block_the_key(dora):
    caller = Caller(dora, 1)
    caller.call(NOON + timedelta(days=4000))
    assert caller.call(NOON) == 0
    assert caller.call(NOON) == 60


def test_old_counters_are_removed_from_memory(dora, monkeypatch):
    monkeypatch.setattr(api_keys, "MAX_COUNTERS", 3)
    for _ in range(10):
        Caller(dora, 600).call(NOON, times=3)
        assert len(api_keys._counters) <= 3
