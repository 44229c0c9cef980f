"""The templates' environment: Jinja2, through Django's own backend for it.

It compiles templates, so that a list page is drawn in a third of the time that Django's own take. Those stay for Django's admin site,
and for what libraries bring. An app adds words of its own with an Extension (see `workitems.pages.template_helpers`), named in settings.py.
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

_SOME_NUMBER = 987_654_321


def environment(**options: Any) -> Environment:
    """What settings.TEMPLATES asks for. A name that is not there is an error, and never a blank."""
    options |= {
        "autoescape": select_autoescape(["html"], default_for_string=True),
        "undefined": StrictUndefined,
        "lstrip_blocks": True,
    }
    made = Environment(**options)  # noqa: S701  pages are escaped, mails in plain text are not
    # Not its "newstyle": a sentence with a gap can then be fetched once, and filled row by row.
    made.install_gettext_callables(translation.gettext, translation.ngettext, newstyle=False)  # type: ignore[attr-defined]
    made.globals |= {
        "url": _url,
        "static": static,
        "now": timezone.now,
        "language": translation.get_language,
        "zone": timezone.get_current_timezone_name,
    }
    made.filters |= {
        "date": lambda moment, form: date(timezone.localtime(moment), form),
        "iso": iso,
        "intcomma": lambda number: str(number) if 0 <= number < 1000 else intcomma(number),  # most are small
        "truncatechars": truncatechars,
        "urlencode": lambda text: quote(text, safe=""),
        "utc": lambda moment, form: date(moment.astimezone(UTC), form),
    }
    return made


def iso(moment: datetime) -> str:
    """A time as `datetime` of <time> wants it: a browser reads no more than thousandths of a second."""
    return moment.isoformat(timespec="seconds")


def _url(name: str, *args: Any) -> str:
    """The address of a page, by its name in urls.py."""
    if not args:
        return _plain(name, get_script_prefix())
    if len(args) == 1 and isinstance(args[0], int):
        return str(args[0]).join(_around(name, get_script_prefix()))
    return reverse(name, args=args)


# A page has dozens of addresses, a list two in each row; working each out anew takes as long as the rest of a row.


@cache
def _plain(name: str, prefix: str) -> str:
    return reverse(name)


@cache
def _around(name: str, prefix: str) -> list[str]:
    """What stands around the number in an address."""
    return reverse(name, args=[_SOME_NUMBER]).split(str(_SOME_NUMBER))
