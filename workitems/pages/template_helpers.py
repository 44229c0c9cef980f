"""Template filters that format values for the pages: sizes, times, long names, and words of the vocabulary."""

import re
from datetime import UTC, date, datetime, timedelta
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
from ..durations import format_axis_label, format_lateness, format_roughly, format_silence, format_usual_range
from ..notes import FoldedNote, fold_note, make_one_line, make_readable
from ..saved_views import view_choices
from ..vocabulary import explain as explanation_of

_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def size(number: int | None) -> str:
    """A number of bytes as rows show it, in decimal units: 1.4 GB."""
    if number is None:
        return "–"
    value, unit = float(number), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 0 if unit == 0 or value >= 99.95 else 1
    return f"{_decimal(f'{value:.{digits}f}')}{explanations.NO_BREAK}{_UNITS[unit]}"


def _decimal(number: str) -> str:
    """A number with the decimal separator of the reader's language: 1.4 in English, 1,4 in Spanish."""
    return number.replace(".", get_format("DECIMAL_SEPARATOR"))


def _local(moment: datetime) -> datetime:
    """The time in the reader's time zone; unchanged at the ends of the calendar, where conversion would overflow."""
    try:
        return timezone.localtime(moment)
    except OverflowError:
        return moment


def exact_time(moment: datetime | None) -> str:
    """A time to the second, in the reader's time zone and with its name: 4 Mar 2021, 05:06:07 UTC."""
    return "–" if moment is None else _exact(_local(moment))


def utc_day(moment: datetime) -> str:
    """A day of which no time is known, the same in every time zone: 4 Mar 2021."""
    return _day(moment.astimezone(UTC))


def minute(moment: datetime) -> str:
    """A time to the minute, in the reader's time zone: 4 Mar 2021, 05:06."""
    local = _local(moment)
    return f"{_day(local)}, {local:%H:%M}"


def _exact(local: datetime) -> str:
    return f"{_day(local)}, {local:%H:%M:%S} {local.tzname()}"


def _day(local: date) -> str:
    """A date like 4 Mar 2021. Django's formatting is too slow for the dozens of dates on a page."""
    return f"{local.day} {_month(get_language(), local.month)} {local.year}"


@cache
def _month(language: str | None, number: int) -> str:
    """The short name of a month, capitalized as in the language: Mar in English, mar in Spanish."""
    name = str(MONTHS_3[number])
    return name.title() if language == "en" else name


def relative(moment: datetime, now: datetime) -> str:
    """How long ago, in the largest unit; the date if it is a month or more."""
    return _relative(now - moment) or _day(_local(moment))


def _relative(passed: timedelta) -> str:
    """Blank for a time in the future, and for one a month ago or more."""
    if passed.days < 0 or passed.days >= 30:
        return ""
    if passed.days:
        return _ago(get_language(), passed.days, "d")
    if passed.seconds >= 3600:
        return _ago(get_language(), passed.seconds // 3600, "h")
    return _ago(get_language(), passed.seconds // 60, "min") if passed.seconds >= 60 else _("just now")


@cache
def _ago(language: str | None, number: int, unit: str) -> str:
    """Cached, because a page has dozens of them and few are different."""
    return _("%(time)s ago") % {"time": explanations.format_unit(number, unit)}


def ago(moment: datetime | None) -> Markup | str:
    """A relative time that shows the exact one on hover and while its row has the focus."""
    if moment is None:
        return "–"
    local = _local(moment)
    then = escape(_exact(local))
    passed = escape(_relative(timezone.now() - moment) or _day(local))
    return Markup(  # noqa: S704  everything inserted is escaped
        f'<time datetime="{iso(moment)}" title="{then}"><span class="screen-only">{passed}</span>'
        f'<span class="exact" aria-hidden="true">{then}</span></time>'
    )


_MAX_VISIBLE = 120  # no screen has room for more characters in a row


def truncate_middle(text: str, limit: int) -> Markup | str:
    """Marks up a name longer than `limit` so that the style sheet can cut it in the middle if there is no room.

    Screen readers get the full name, which is also shown on hover and focus.
    """
    if len(text) <= limit:
        return mark_spaces(text)
    tail = limit // 3
    head = text[:-tail] if len(text) <= _MAX_VISIBLE else f"{text[: _MAX_VISIBLE - tail - 1]}…"
    full = escape(text)
    return Markup(  # noqa: S704  everything inserted is escaped
        f'<span class="truncated" aria-hidden="true" title="{full}">'
        f"<span>{escape(_mark(_SPACES_OF_HEAD, head))}</span>{escape(_mark(_SPACES_OF_TAIL, text[-tail:]))}</span>"
        f'<span class="full-text">{escape(mark_spaces(text))}</span>'
    )


# Spaces that a page would hide or that look like a plain one: at either end, several in a row, and all other kinds.
_SPACES_WITHIN = r"\s{2,}|[^\S ]"
_SPACES = re.compile(rf"^\s+|\s+$|{_SPACES_WITHIN}")
_SPACES_OF_HEAD = re.compile(rf"^\s+|{_SPACES_WITHIN}")
_SPACES_OF_TAIL = re.compile(rf"\s+$|{_SPACES_WITHIN}")


def mark_spaces(text: object) -> Markup | str:
    """Marks up the spaces in a name that a reader would miss. The text stays as it is, also when it is copied."""
    return _mark(_SPACES, str(text))


def _mark(pattern: re.Pattern[str], text: str) -> Markup | str:
    if pattern.search(text) is None:
        return text
    parts, end = [], 0
    for spaces in pattern.finditer(text):
        parts += [escape(text[end : spaces.start()]), f'<span class="spaces">{spaces[0]}</span>']
        end = spaces.end()
    return Markup("".join([*parts, escape(text[end:])]))  # noqa: S704  everything but spaces is escaped


def explain(word: str, kind: str) -> str:
    """The explanation of a word of the vocabulary. `kind`: action, stage, or status."""
    return _explained(get_language(), kind, word)


@cache
def _explained(_language: str | None, kind: str, word: str) -> str:
    """Cached, because a list has two in each row."""
    return str(explanation_of(kind, word))


def fold_item_note(note: str) -> FoldedNote:
    """The note of an item as its page shows it."""
    return fold_note(note, lines=20, characters=2_000, most=200_000)


def fold_entry_note(note: str) -> FoldedNote:
    """A note in the history, of which a page can show many."""
    return fold_note(note, lines=4, characters=600, most=10_000)


def text_size(text: str) -> str:
    """The size of a text as a file: 1.2 MB."""
    return size(len(text.encode()))


_TONE_ICONS = {
    "waiting": "clock",
    "running": "half-ring",
    "done": "check",
    "failed": "octagon",
    "retrying": "retry",
    "held": "pause",
    "cancelled": "cancelled",
    "quiet": "octagon",
    "superseded": "layers",
    "unknown": "question",
}


def tone_icon(tone: str) -> str:
    """The icon for a tone, because color is never the only sign."""
    return _TONE_ICONS[tone]


def exact_size(number: int | None) -> str:
    """An exact number of bytes: 266,240 bytes (266 kB)."""
    if number is None:
        return "–"
    digits = intcomma(number)
    text = _("%(exact)s bytes (%(short)s)") % {"exact": digits, "short": size(number)}
    return text.replace(f"{digits} ", f"{digits}{explanations.NO_BREAK}")


def plain_value(value: object) -> str:
    """The value of a field in plain words: yes or no for a flag, a dash for an empty one."""
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
    "review": gettext_lazy("Marked reviewed"),
    "unreview": gettext_lazy("Marked not reviewed"),
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
    """The word for a move in the history."""
    return _MOVES.get(move, move)


def via_word(via: str) -> object:
    """The words for where a change was made: on a page, through the API, by an import, or by a command."""
    return _VIA.get(via, via)


class TemplateHelpers(Extension):
    """Adds these helpers to the templates, as filters and one global function."""

    def __init__(self, environment: Environment):
        super().__init__(environment)
        helpers = (
            size,
            exact_time,
            utc_day,
            minute,
            ago,
            truncate_middle,
            mark_spaces,
            explain,
            fold_item_note,
            fold_entry_note,
            text_size,
            tone_icon,
            exact_size,
            plain_value,
            move_word,
            via_word,
        )
        environment.filters |= {helper.__name__: helper for helper in helpers}
        environment.filters |= {
            "axis_label": format_axis_label,
            "day": _day,
            "describe_parts": explanations.describe_parts,
            "duration": explanations.format_duration,
            "item_count": explanations.format_item_count,
            "lateness": format_lateness,
            "name_missing_parts": explanations.name_missing_parts,
            "part_word": explanations.part_word,
            "one_line": make_one_line,
            "readable": make_readable,
            "silence": format_silence,
            "rough_duration": format_roughly,
            "usual_range": format_usual_range,
        }
        environment.globals |= {"view_choices": view_choices}
