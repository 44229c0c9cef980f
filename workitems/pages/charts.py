"""The layout of charts: turns numbers into positions, which the templates draw as SVG. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log10


@dataclass(frozen=True)
class Bar:
    """A bar of a chart. `value`: the number it represents."""

    x: float
    y: float
    width: float
    height: float
    value: int


@dataclass(frozen=True)
class Bars:
    """A bar chart. `top`: the value at its upper edge."""

    bars: list[Bar]
    width: float
    height: float
    top: int


def layout_bars(values: Sequence[int], *, width: float = 720, height: float = 90, gap: float = 0.25) -> Bars:
    """One bar per value; any value other than 0 is visible. `gap`: the share of a bar's slot that stays empty."""
    top = round_up(max(values, default=0))
    slot = width / max(1, len(values))
    empty = slot * gap
    bars = []
    for index, value in enumerate(values):
        bar_height = max(1.5, value / top * height) if value else 0
        x, y = index * slot + empty / 2, height - bar_height
        bars.append(Bar(_rounded(x), _rounded(y), _rounded(slot - empty), _rounded(bar_height), value))
    return Bars(bars, width, height, top)


def _rounded(value: float) -> float:
    return round(value, 2)


def round_up(value: int) -> int:
    """The next of 1, 2, 3, 4, 5, 6, 8, 10, 20 …: a round number for the end of an axis."""
    step = 1
    while True:
        for digit in (1, 2, 3, 4, 5, 6, 8):
            if value <= digit * step:
                return digit * step
        step *= 10


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, with a mark at `middle`: positions on a scale, in percent."""

    start: float
    middle: float
    end: float


@dataclass(frozen=True)
class Scale:
    """A logarithmic scale of times in seconds. `ticks`: (position, seconds)."""

    low: float
    high: float
    ticks: list[tuple[float, int]]

    def position(self, seconds: float) -> float:
        """The position of a time, in percent."""
        inside = min(max(seconds, self.low), self.high)
        return round(100 * (log10(inside) - log10(self.low)) / (log10(self.high) - log10(self.low)), 2)

    def span(self, start: float, middle: float, end: float) -> Span:
        return Span(self.position(start), self.position(middle), self.position(end))


MIN_TICK_DISTANCE = 32  # in percent
_TICKS = (1, 10, 60, 600, 3600, 6 * 3600, 86_400, 4 * 86_400, 14 * 86_400, 60 * 86_400, 365 * 86_400)


def fit_scale(times: Iterable[float]) -> Scale:
    """A scale that starts and ends with a tick and includes all of these times."""
    known = [max(1.0, time) for time in times] or [1.0]
    low = max((tick for tick in _TICKS[:-1] if tick <= min(known)), default=_TICKS[0])
    high = min((tick for tick in _TICKS if tick >= max(known) and tick > low), default=_TICKS[-1])
    scale = Scale(low, high, [])
    return Scale(low, high, _thin_out([(scale.position(tick), tick) for tick in _TICKS if low <= tick <= high]))


def _thin_out(ticks: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Both end ticks, and as many between them as can be read side by side."""
    kept = ticks[:1]
    for tick in ticks[1:-1]:
        if tick[0] - kept[-1][0] >= MIN_TICK_DISTANCE and ticks[-1][0] - tick[0] >= MIN_TICK_DISTANCE:
            kept.append(tick)
    return [*kept, *ticks[-1:]]
