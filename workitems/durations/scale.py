"""Sizes in bands, times in steps, and what a distribution of times says. Pure."""

from bisect import bisect_right
from collections.abc import Mapping
from math import log2

# A bag of 2 TB takes longer than one of 2 MB. Bytes; a band begins with each of these.
_BANDS = (0, 10**8, 10**9, 10**10, 10**11, 10**12)
UNKNOWN = 0  # the band of items of which no size is known
ALL_SIZES = -1  # stands for all bands together
BANDS = range(len(_BANDS) + 1)
# Steps a quarter of an octave wide: what is said of a time is within a tenth of it. The last begins at four years.
_STEPS_PER_OCTAVE = 4
LAST_STEP = 27 * _STEPS_PER_OCTAVE


def band_of(size: int | None) -> int:
    """The band of a size in bytes."""
    return UNKNOWN if size is None else bisect_right(_BANDS, size)


def bounds_of(band: int) -> tuple[int, int | None]:
    """A band of known sizes as (from, below), in bytes; None: no end."""
    return _BANDS[band - 1], _BANDS[band] if band < len(_BANDS) else None


def step_of(seconds: float) -> int:
    """The step that a time falls into; all below a second into the first."""
    return min(LAST_STEP, int(log2(seconds) * _STEPS_PER_OCTAVE)) if seconds > 1 else 0


def _begins(step: float) -> float:
    return 2 ** (step / _STEPS_PER_OCTAVE)


def at_share(steps: Mapping[int, int], share: float) -> float:
    """The time in seconds that this share (0 to 1) of a distribution {step: number of times} does not exceed."""
    wanted, seen = share * sum(steps.values()), 0
    for step, number in sorted(steps.items()):
        if seen + number >= wanted:
            return _begins(step + (wanted - seen) / number)
        seen += number
    raise ValueError("An empty distribution says nothing.")
