"""How values are written on the pages: sizes, times, long names, words of the vocabulary."""

from datetime import date, datetime, timedelta
from functools import cache

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.dates import MONTHS_3
from django.utils.formats import get_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import Markup, escape

from pharos.templating import iso

from .. import explanations
from ..durations import format_axis_label, format_lateness, format_roughly, format_usual_range
from ..saved_views import view_choices
from ..vocabulary import explain as explanation_of

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def size(number: int | None) -> str:
    """Bytes as a row shows them: 1.4 GB, in thousands."""
    if number is None:
        return "–"
    value, unit = float(number), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 99.95 else 1
    return f"{_decimal(f'{value:.{digits}f}')}{explanations.NO_BREAK}{_UNITS[unit]}"


def _decimal(number: str) -> str:
    """A number with the reader's decimal sign: 1.4 in English, 1,4 in Spanish."""
    return number.replace(".", get_format("DECIMAL_SEPARATOR"))


def _local(moment: datetime) -> datetime:
    """In the reader's zone; at the ends of the calendar, where that zone has no such day, as it is."""
    try:
        return timezone.localtime(moment)
    except OverflowError:
        return moment


def exact(moment: datetime | None) -> str:
    """A time to the second with its zone, in the reader's zone."""
    return "–" if moment is None else _exact(_local(moment))


def minute(moment: datetime) -> str:
    """A time to the minute, in the reader's zone: 4 Mar 2021, 05:06."""
    local = _local(moment)
    return f"{_day(local)}, {local:%H:%M}"


def _exact(local: datetime) -> str:
    return f"{_day(local)}, {local:%H:%M:%S} {local.tzname()}"


def _day(local: date) -> str:
    """Like 4 Mar 2021. A page has dozens; Django's formatting of dates would take as long as all else in their rows."""
    return f"{local.day} {_month(get_language(), local.month)} {local.year}"


@cache
def _month(language: str | None, number: int) -> str:
    """Short, and capitalized where the language does that: Mar in English, mar in Spanish."""
    name = str(MONTHS_3[number])
    return name.title() if language == "en" else name


def relative(moment: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says enough; beyond a month, the day."""
    return _relative(now - moment) or _day(_local(moment))


def _relative(passed: timedelta) -> str:
    """Blank for what is to come, and for what is longer ago than a month."""
    if passed.days < 0 or passed.days >= 30:
        return ""
    if passed.days:
        return _ago(get_language(), passed.days, "d")
    if passed.seconds >= 3600:
        return _ago(get_language(), passed.seconds // 3600, "h")
    return _ago(get_language(), passed.seconds // 60, "min") if passed.seconds >= 60 else _("just now")


@cache
def _ago(language: str | None, number: int, unit: str) -> str:
    """A page has dozens of them, and there are not many more in all."""
    return _("%(time)s ago") % {"time": explanations.format_unit(number, unit)}


def ago(moment: datetime | None) -> Markup | str:
    """A relative time that shows the exact one, with its zone, on hover and while its row has the focus."""
    if moment is None:
        return "–"
    local = _local(moment)
    then = escape(_exact(local))
    passed = escape(_relative(timezone.now() - moment) or _day(local))
    return Markup(  # noqa: S704  everything inserted is escaped
        f'<time datetime="{iso(moment)}" title="{then}"><span class="on-screen">{passed}</span>'
        f'<span class="exact" aria-hidden="true">{then}</span></time>'
    )


_LONGEST = 120  # letters that a row has room for on any screen


def middle(text: str, limit: int) -> Markup | str:
    """A long name, which the style sheet cuts in the middle where it has no room; the whole of it is there for screen readers, and shown on focus and hover."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    head = text[:-tail] if len(text) <= _LONGEST else f"{text[: _LONGEST - tail - 1]}…"
    whole = escape(text)
    return Markup(  # noqa: S704  all that goes in is escaped
        f'<span class="short" aria-hidden="true" title="{whole}"><span>{escape(head)}</span>{escape(text[-tail:])}</span><span class="whole">{whole}</span>'
    )


def explain(word: str, kind: str) -> str:
    """What a word of the vocabulary means."""
    return _explained(get_language(), kind, word)


@cache
def _explained(_language: str | None, kind: str, word: str) -> str:
    """A list has two in each row."""
    return str(explanation_of(kind, word))


def line_count(text: str) -> int:
    """How many lines a text has; blank ones at its end do not count."""
    return text.rstrip().count("\n") + 1


def head_lines(text: str, number: int) -> str:
    return "\n".join(text.split("\n")[:number])


def tail_lines(text: str, number: int) -> str:
    """What comes after the first lines."""
    return "\n".join(text.split("\n")[number:])


_TONE_ICONS = {
    "waiting": "clock",
    "running": "half-ring",
    "done": "tick",
    "failed": "octagon",
    "retrying": "again",
    "held": "pause",
    "cancelled": "struck",
    "quiet": "octagon",
    "superseded": "layers",
    "unknown": "question",
}


def tone_icon(tone: str) -> str:
    """The icon that belongs to a tone: colour is never alone."""
    return _TONE_ICONS[tone]


def exact_size(number: int | None) -> str:
    """Bytes to the last one: 266,240 bytes (266 kB)."""
    if number is None:
        return "–"
    exact = intcomma(number)
    text = _("%(exact)s bytes (%(short)s)") % {"exact": exact, "short": size(number)}
    return text.replace(f"{exact} ", f"{exact}{explanations.NO_BREAK}")


def plain(value: object) -> str:
    """A value of a flag or of a change, as a person writes it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "–" if value in (None, "") else str(value)


_MOVES = {
    "create": gettext_lazy("Created"),
    "progress": gettext_lazy("Advanced"),
    "retry": gettext_lazy("Retried"),
    "succeed": gettext_lazy("Succeeded"),
    "fail": gettext_lazy("Failed"),
    "suspend": gettext_lazy("Put on hold"),
    "cancel": gettext_lazy("Cancelled"),
    "requeue": gettext_lazy("Requeued"),
    "review": gettext_lazy("Marked as reviewed"),
    "unreview": gettext_lazy("Marked as not reviewed"),
    "edit": gettext_lazy("Edited"),
    "notify": gettext_lazy("Staff notified"),
    "import": gettext_lazy("Imported"),
}
_VIA = {
    "page": gettext_lazy("on the page"),
    "api": gettext_lazy("through the API"),
    "import": gettext_lazy("by an import"),
    "command": gettext_lazy("by a command"),
}


def move_word(move: str) -> object:
    return _MOVES.get(move, move)


def via_word(via: str) -> object:
    return _VIA.get(via, via)


class TemplateHelpers(Extension):
    """Makes these the words of the templates."""

    def __init__(self, environment: Environment):
        super().__init__(environment)
        words = (
            size,
            exact,
            minute,
            ago,
            middle,
            explain,
            line_count,
            head_lines,
            tail_lines,
            tone_icon,
            exact_size,
            plain,
            move_word,
            via_word,
        )
        environment.filters |= {word.__name__: word for word in words}
        environment.filters |= {"lasting": explanations.format_duration, "items": explanations.format_item_count}
        environment.filters |= {"roughly": format_roughly, "usually": format_usual_range, "late": format_lateness}
        environment.filters |= {"day": _day, "tick": format_axis_label}
        environment.globals |= {"choices_of_views": view_choices}
