"""Formats durations in words. Pure."""

from datetime import timedelta

from django.utils.translation import gettext as _

from ..explanations import NO_BREAK, format_unit
from .typical import Lateness, UsualTime

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def _rounded(time: timedelta) -> tuple[int, str]:
    """Rounds a time to one unit: days from a day and a half, hours from 90 minutes, and so on."""
    seconds = time.total_seconds()
    for size, unit in _UNITS:
        if seconds >= 1.5 * size:
            return round(seconds / size), unit
    return 1, "s"


def format_roughly(time: timedelta) -> str:
    """Formats a time in one unit: 40 s, 12 min, 5 h, 3 d."""
    return format_unit(*_rounded(time))


def format_axis_label(seconds: int) -> str:
    """Formats the label of an axis: 10 s, 1 min, 6 h, 14 d."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return format_unit(seconds // size, unit)


def format_usual_range(usual: UsualTime) -> str:
    """Formats the range of 80 % of such times: 2 to 5 h."""
    (low, low_unit), (high, high_unit) = _rounded(usual.low), _rounded(usual.high)
    if (low, low_unit) == (high, high_unit):
        return _("about %(time)s") % {"time": format_unit(high, high_unit)}
    first = str(low) if low_unit == high_unit else format_unit(low, low_unit)
    return _("%(low)s to %(high)s") % {"low": first, "high": format_unit(high, high_unit)}


def format_silence(time: timedelta) -> str:
    """Formats a time of hours or days: 26 h, 2 d 15 h."""
    hours = int(time.total_seconds()) // 3600
    if hours < 48:
        return format_unit(hours, "h")
    days, rest = divmod(hours, 24)
    return f"{format_unit(days, 'd')}{NO_BREAK}{format_unit(rest, 'h')}" if rest else format_unit(days, "d")


def format_lateness(late: Lateness) -> str:
    return _("Late: usually %(usually)s") % {"usually": format_usual_range(late.usual)}
