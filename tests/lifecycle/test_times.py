"""Two times are the same if one is the other, cut or rounded to fewer digits."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workitems.lifecycle import is_same_time

STORED = datetime(2026, 3, 4, 5, 6, 7, 383_659, tzinfo=UTC)


@pytest.mark.parametrize("fraction", [383_659, 383_000, 384_000, 380_000, 383_600, 383_700, 0])
def test_the_same_with_fewer_digits(fraction):
    assert is_same_time(STORED.replace(microsecond=fraction), STORED)


@pytest.mark.parametrize("fraction", [383_658, 382_000, 385_000, 390_000, 383_500, 500_000])
def test_another_time(fraction):
    assert not is_same_time(STORED.replace(microsecond=fraction), STORED)


def test_rounding_reaches_the_next_second():
    late = STORED.replace(microsecond=999_700)
    assert is_same_time(late.replace(second=8, microsecond=0), late)
    assert is_same_time(late.replace(microsecond=0), late)
    assert not is_same_time(STORED.replace(second=8, microsecond=0), STORED)


def test_more_digits_than_are_stored_are_another_time():
    assert not is_same_time(STORED, STORED.replace(microsecond=383_000))


@given(st.integers(-2 * 10**15, 3 * 10**16), st.sampled_from([1, 1000, 1_000_000]))
def test_a_time_cut_or_rounded_is_the_same_and_the_steps_beside_are_not(time, unit):
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)
    step = timedelta(microseconds=unit)
    cut = time - (time - datetime(1970, 1, 1, tzinfo=UTC)) % step
    assert is_same_time(cut, time)
    if cut != time and is_same_time(cut + step, time):
        assert time - cut >= step / 2
