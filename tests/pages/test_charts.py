"""The geometry of charts."""

import pytest

from workitems.pages import charts

DAY = 86_400


@pytest.mark.parametrize(
    "times", [[], [0], [1], [59, 61], [60 * DAY], [365 * DAY], [400 * DAY], [400 * DAY, 3000 * DAY], [1, 3000 * DAY]]
)
def test_every_time_has_a_position_on_the_scale(times):
    scale = charts.fit_scale(times)
    assert scale.low < scale.high
    for time in (*times, 0, 10**9):
        assert 0 <= scale.position(time) <= 100
    assert [place for place, _seconds in scale.ticks][:: len(scale.ticks) - 1] == [0, 100]
