"""Reading from standbys: which one is chosen, with a clock and positions of the test's own. What a real one does: test_standby_servers."""

import pytest
from django.core import signing
from django.db import OperationalError

from pharos import standbys
from pharos.standbys import REST, Standbys

LATE, SAMPLE = 10.0, 1.0


class Sea:
    """A primary and standbys: where each is in the log; None for one that does not answer. Time passes only when told."""

    def __init__(self, **at):
        self.at = {"default": 0, **at}
        self.promoted, self.asked, self.time = set(), [], 1000.0
        self.standbys = Standbys(list(at), LATE, self.ask, lambda: self.time)

    def ask(self, alias, sql):
        self.asked.append(alias)
        if self.at[alias] is None:
            raise OperationalError("connection refused")
        if alias == "default":
            return (self.at[alias],)
        return self.at[alias], alias not in self.promoted

    def choose(self, written=None):
        self.asked.clear()
        return self.standbys.choose(written)


def test_one_that_has_everything_is_read_from():
    sea = Sea(standby1=0)
    assert sea.choose() == "standby1"


def test_several_take_turns():
    sea = Sea(standby1=0, standby2=0, standby3=0)
    assert sorted(sea.choose() for _ in range(6)) == [
        "standby1",
        "standby1",
        "standby2",
        "standby2",
        "standby3",
        "standby3",
    ]


def test_a_little_behind_will_do_and_much_behind_will_not():
    sea = Sea(standby1=0)
    assert sea.choose() == "standby1"
    sea.at["default"] = 50
    sea.time += LATE
    assert sea.choose() == "standby1"
    sea.time += LATE + SAMPLE
    assert sea.choose() == "default"
    sea.at["standby1"] = 50
    sea.time += REST
    assert sea.choose() == "standby1"


def test_after_a_long_silence_nothing_is_known_so_the_standby_must_have_everything():
    sea = Sea(standby1=0)
    sea.choose()
    sea.at["default"] = 50
    sea.time += 3600
    assert sea.choose() == "default"


def test_the_primary_is_asked_once_in_a_while_and_not_each_time():
    sea = Sea(standby1=0)
    sea.choose()
    sea.time += SAMPLE / 2
    sea.choose()
    assert sea.asked == ["standby1"]
    sea.time += SAMPLE
    sea.choose()
    assert sea.asked == ["standby1", "default"]


def test_whoever_has_written_reads_from_the_primary_until_the_standby_has_it():
    sea = Sea(standby1=0)
    sea.choose()
    sea.at["default"] = 70
    assert (sea.choose(written=70), sea.choose(written=None)) == ("default", "standby1")
    sea.at["standby1"] = 70
    assert sea.choose(written=70) == "standby1"


def test_one_that_fails_is_left_alone_and_then_tried_by_one_request_only():
    sea = Sea(standby1=None)
    assert (sea.choose(), sea.asked) == ("default", ["standby1"])
    assert (sea.choose(), sea.asked) == ("default", [])
    sea.time += REST
    tried = []
    ask = sea.standbys._ask
    sea.standbys._ask = lambda alias, sql: tried.append(sea.standbys._in_turn()) or ask(alias, sql)
    assert sea.choose() == "default"
    assert tried == [[]]  # whoever comes meanwhile does not try, too


def test_the_other_one_takes_over():
    sea = Sea(standby1=None, standby2=0)
    assert {sea.choose() for _ in range(4)} == {"standby2"}


def test_one_that_was_made_a_primary_is_not_read_from():
    sea = Sea(standby1=10**9)
    sea.promoted.add("standby1")
    assert sea.choose() == "default"


def test_it_is_logged_once_when_one_goes_and_once_when_it_comes_back(caplog):
    sea = Sea(standby1=None)
    for _ in range(5):
        sea.choose()
        sea.time += REST
    sea.at["standby1"] = 0
    for _ in range(5):
        sea.choose()
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "standby1 is not read from for now: it failed: connection refused. The primary answers.",
        "standby1 is read from again.",
    ]


@pytest.mark.parametrize("cookie", [None, "", "12", "12:1rSx0e:abc", "of another kind"])
def test_a_cookie_that_is_not_ours_counts_for_nothing(rf, cookie):
    if cookie == "of another kind":
        cookie = signing.dumps(5, salt="another")
    request = rf.get("/items/")
    if cookie is not None:
        request.COOKIES[standbys.COOKIE] = cookie
    assert standbys._written_by(request) is None


def test_without_standbys_there_is_neither_header_nor_cookie(signed_in, stan):
    client = signed_in(stan)
    assert "X-Read-From" not in client.get("/items/")
    client.post("/account", {"time_zone": "Europe/Berlin"})
    assert standbys.COOKIE not in client.cookies
