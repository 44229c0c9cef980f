"""The Jinja2 environment of the templates, used through Django's backend for Jinja2.

Jinja2 compiles templates, so a list page renders in a third of the time that Django templates take. The admin site and
libraries still use those. An app adds its own helpers with an Extension, which settings.py names; see
`workitems.pages.template_helpers`.
"""

from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.defaultfilters import date, truncatechars
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils import timezone, translation
from jinja2 import Environment, StrictUndefined, select_autoescape

from pharos.operations.request_ids import current_request_id

_PLACEHOLDER = 987_654_321


def environment(**options: Any) -> Environment:
    """Creates the environment for settings.TEMPLATES. An undefined variable is an error, not an empty string."""
    options |= {
        "autoescape": select_autoescape(["html"], default_for_string=True),
        "undefined": StrictUndefined,
        "lstrip_blocks": True,
    }
    made = Environment(**options)  # noqa: S701  pages are escaped, plain-text emails are not
    # Not "newstyle", so that a sentence with a placeholder can be translated once and filled in for each row.
    made.install_gettext_callables(translation.gettext, translation.ngettext, newstyle=False)  # type: ignore[attr-defined]
    made.globals |= {
        "url": _url,
        "static": static,
        "now": timezone.now,
        "language": translation.get_language,
        "request_id": current_request_id,
        "zone": timezone.get_current_timezone_name,
    }
    made.filters |= {
        "date": lambda moment, form: date(timezone.localtime(moment), form),
        "iso": iso,
        "intcomma": lambda number: (
            str(number) if 0 <= number < 1000 else intcomma(number)
        ),  # intcomma is slow, and most numbers are small
        "truncatechars": truncatechars,
        "urlencode": lambda text: quote(text, safe=""),
        "utc": lambda moment, form: date(moment.astimezone(UTC), form),
    }
    return made


def iso(moment: datetime) -> str:
    """A time for the `datetime` attribute of <time>: browsers accept at most milliseconds."""
    return moment.isoformat(timespec="seconds")


def _url(name: str, *args: Any) -> str:
    """The address of a page by its URL name."""
    if not args:
        return _path(name, get_script_prefix())
    if len(args) == 1 and isinstance(args[0], int):
        return str(args[0]).join(_path_parts(name, get_script_prefix()))
    return reverse(name, args=args)


# Cached below: a page has dozens of addresses, a list two per row, and resolving each one would take as long as the
# rest of a row.


@cache
def _path(name: str, prefix: str) -> str:
    return reverse(name)


@cache
def _path_parts(name: str, prefix: str) -> list[str]:
    """The parts of an address before and after the number."""
    return reverse(name, args=[_PLACEHOLDER]).split(str(_PLACEHOLDER))
