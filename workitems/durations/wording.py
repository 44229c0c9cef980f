"""How long things take, in words. Pure."""

from datetime import timedelta

from django.utils.translation import gettext as _

from ..explanations import in_unit
from .typical import Late, Usual

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def _rounded(time: timedelta) -> tuple[int, str]:
    """A time in one unit: of a day and a half and more in days, of 90 minutes and more in hours …"""
    seconds = time.total_seconds()
    for size, unit in _UNITS:
        if seconds >= 1.5 * size:
            return round(seconds / size), unit
    return 1, "s"


def roughly(time: timedelta) -> str:
    """A time in one unit: 40 s, 12 min, 5 h, 3 d."""
    return in_unit(*_rounded(time))


def whole_unit(seconds: int) -> str:
    """What an axis says: 10 s, 1 min, 6 h, 14 d."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return in_unit(seconds // size, unit)


def usually(usual: Usual) -> str:
    """What nine of ten such times lie between: 2 to 5 h."""
    (low, low_unit), (high, high_unit) = _rounded(usual.low), _rounded(usual.high)
    if (low, low_unit) == (high, high_unit):
        return _("about %(time)s") % {"time": in_unit(high, high_unit)}
    first = str(low) if low_unit == high_unit else in_unit(low, low_unit)
    return _("%(low)s to %(high)s") % {"low": first, "high": in_unit(high, high_unit)}


def late_in_words(late: Late) -> str:
    return _("Late: usually %(usually)s") % {"usually": usually(late.usual)}
