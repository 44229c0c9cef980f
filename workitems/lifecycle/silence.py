"""How long a worker may be silent about an item that it has started, as an installation sets it. Pure."""

from collections.abc import Iterable

from ..vocabulary import Stage

DEFAULT_HOURS = 24.0
_MOST_HOURS = 24 * 366


def read_silent_hours(parts: Iterable[str]) -> dict[str, float]:
    """Returns {stage: hours} of parts such as `36` and `Store=72`; the empty stage stands for all others.

    Raises ValueError for an unknown stage, and for hours that aren't a number above 0 and up to a year.
    """
    found = {"": DEFAULT_HOURS}
    for part in parts:
        stage, sign, hours = (piece.strip() for piece in part.rpartition("="))
        if sign and stage not in tuple(Stage):
            raise ValueError(f"“{stage}” is not a stage; use one of {', '.join(Stage)}")
        found[stage] = _read_hours(hours)
    return found


def _read_hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0
    if not 0 < hours <= _MOST_HOURS:
        raise ValueError(f"“{text}” is not a number of hours; use 24 for all stages, or Store=72 for one of them")
    return hours
