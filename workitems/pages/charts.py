"""Where the parts of a drawing go: numbers in, places out. Pure; the templates draw them as SVG."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log10


@dataclass(frozen=True)
class Bar:
    """A bar that stands on the bottom. `value`: what it stands for."""

    x: float
    y: float
    width: float
    height: float
    value: int


@dataclass(frozen=True)
class Bars:
    """A row of bars, the highest as high as the drawing; `top`: what its upper edge stands for."""

    bars: list[Bar]
    width: float
    height: float
    top: int


def layout_bars(values: Sequence[int], *, width: float = 720, height: float = 90, gap: float = 0.25) -> Bars:
    """One bar for each value. A value that is not 0 is always seen. `gap`: the part of a bar's place that stays free."""
    top = round_up(max(values, default=0))
    place = width / max(1, len(values))
    drawn = []
    for n, value in enumerate(values):
        high = max(1.5, value / top * height) if value else 0
        free = place * gap
        drawn.append(
            Bar(_rounded(n * place + free / 2), _rounded(height - high), _rounded(place - free), _rounded(high), value)
        )
    return Bars(drawn, width, height, top)


def _rounded(value: float) -> float:
    return round(value, 2)


def round_up(value: int) -> int:
    """The next of 1, 2, 3, 4, 5, 6, 8, 10, 20 …: what an axis can end with."""
    step = 1
    while True:
        for digit in (1, 2, 3, 4, 5, 6, 8):
            if value <= digit * step:
                return digit * step
        step *= 10


@dataclass(frozen=True)
class Span:
    """From `start` to `end`, with a mark at `middle`: places on a scale, as parts of 100."""

    start: float
    middle: float
    end: float


@dataclass(frozen=True)
class Scale:
    """A scale of times by their logarithm. `ticks`: (place, seconds)."""

    low: float
    high: float
    ticks: list[tuple[float, int]]

    def position(self, seconds: float) -> float:
        """Where a time stands, as a part of 100."""
        inside = min(max(seconds, self.low), self.high)
        return round(100 * (log10(inside) - log10(self.low)) / (log10(self.high) - log10(self.low)), 2)

    def span(self, start: float, middle: float, end: float) -> Span:
        return Span(self.position(start), self.position(middle), self.position(end))


MIN_TICK_DISTANCE = 32  # parts of 100, between two ticks
_TICKS = (1, 10, 60, 600, 3600, 6 * 3600, 86_400, 4 * 86_400, 14 * 86_400, 60 * 86_400, 365 * 86_400)


def fit_scale(times: Iterable[float]) -> Scale:
    """One on which all of these times, in seconds, have their place between two of the ticks."""
    known = [max(1.0, time) for time in times] or [1.0]
    low = max((tick for tick in _TICKS[:-1] if tick <= min(known)), default=_TICKS[0])
    high = min((tick for tick in _TICKS if tick >= max(known) and tick > low), default=_TICKS[-1])
    made = Scale(low, high, [])
    return Scale(low, high, _thin_out([(made.position(tick), tick) for tick in _TICKS if low <= tick <= high]))


def _thin_out(ticks: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Both ends, and of those between as many as can be read beside each other."""
    kept = ticks[:1]
    for tick in ticks[1:-1]:
        if tick[0] - kept[-1][0] >= MIN_TICK_DISTANCE and ticks[-1][0] - tick[0] >= MIN_TICK_DISTANCE:
            kept.append(tick)
    return [*kept, *ticks[-1:]]
