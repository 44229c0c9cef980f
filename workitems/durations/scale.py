"""Size bands, time steps, and quantiles of a distribution. Pure."""

from bisect import bisect_right
from collections.abc import Mapping
from math import log2, sqrt

# A bag of 2 TB takes longer than one of 2 MB. These are the lower bounds of the bands, in bytes.
_BANDS = (0, 10**8, 10**9, 10**10, 10**11, 10**12)
UNKNOWN = 0  # the band of items of unknown size
ALL_SIZES = -1  # all bands together
BANDS = range(len(_BANDS) + 1)
# Four steps double the time, so a step is precise to within about 10 %. The last step starts at four years.
_STEPS_PER_OCTAVE = 4
LAST_STEP = 27 * _STEPS_PER_OCTAVE


def band_of(size: int | None) -> int:
    """Returns the band of a size in bytes."""
    return UNKNOWN if size is None else bisect_right(_BANDS, size)


def bounds_of(band: int) -> tuple[int, int | None]:
    """Returns the bounds (from, below) of a band of known sizes, in bytes; None means no upper bound."""
    return _BANDS[band - 1], _BANDS[band] if band < len(_BANDS) else None


def middle_of(band: int) -> int:
    """Returns a size in the middle of a band of known sizes, in bytes: the geometric mean of its bounds."""
    low, high = bounds_of(band)
    return round(sqrt(max(low, 10**6) * (high or 10 * low)))


def step_of(seconds: float) -> int:
    """Returns the step of a time. Times of up to a second are in the first step."""
    return min(LAST_STEP, int(log2(seconds) * _STEPS_PER_OCTAVE)) if seconds > 1 else 0


def _seconds_at(step: float) -> float:
    return 2 ** (step / _STEPS_PER_OCTAVE)


def quantile(steps: Mapping[int, int], share: float) -> float:
    """Returns the time in seconds that this share (0 to 1) of a distribution {step: number of times} doesn't exceed.

    Raises ValueError for an empty distribution.
    """
    wanted, seen = share * sum(steps.values()), 0
    for step, number in sorted(steps.items()):
        if seen + number >= wanted:
            return _seconds_at(step + (wanted - seen) / number)
        seen += number
    raise ValueError("An empty distribution has no quantiles.")
