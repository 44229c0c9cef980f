"""Lists of anything but items: institutions and objects. Their parameters are few, and each is declared here or there.

PARAMETERS = {"state": Parameter("Whether it is in storage (A) or deleted (D).", words=("A", "D"))}
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError

from ..listing import MOST_PER_PAGE, NumberField, match_word
from .responses import field_errors

_AT_ODDS = "This is another spelling of “{name}”, which has another value here. Use only one of them."
_UNKNOWN = "There is no parameter with this name here. It takes: {known}."


@dataclass(frozen=True)
class Parameter:
    """One parameter. `words`: its values, in any case; without any it takes text. `alias_of`: the name that it means."""

    about: str
    words: tuple[str, ...] = ()
    alias_of: str = ""


PAGING = {
    "page": (NumberField(min_value=1, max_value=10**9, required=False), "The number of the page, counted from 1."),
    "per_page": (NumberField(min_value=1, max_value=MOST_PER_PAGE, required=False), "The number of rows per page."),
}


@dataclass(frozen=True)
class PlainQuery:
    """What a caller asked for. `values`: {parameter: value}, of those that were given and are not blank."""

    page: int
    per_page: int
    values: Mapping[str, str] = field(default_factory=dict)

    def cut(self, rows: Any) -> tuple[list[Any], bool]:
        """The rows of the page, and whether there are more."""
        start = (self.page - 1) * self.per_page
        found = list(rows[start : start + self.per_page + 1])
        return found[: self.per_page], len(found) > self.per_page


def read_plain_query(given: Any, parameters: Mapping[str, Parameter], *, per_page: int) -> PlainQuery:
    """Reads a query string. Blank values are ignored. Raises ApiError 400, naming each unknown or malformed parameter."""
    errors: dict[str, list[str]] = {}
    paging: dict[str, int] = {}
    values: dict[str, str] = {}
    for name in given:
        filled = [value for value in given.getlist(name) if value.strip()]
        try:
            if name not in parameters and name not in PAGING:
                raise ValidationError(_UNKNOWN.format(known=", ".join([*parameters, *PAGING])))
            if len(filled) > 1:
                raise ValidationError("Use this only once.")
            if filled and name in PAGING:
                paging[name] = PAGING[name][0].clean(filled[0])
            elif filled:
                meant, value = parameters[name].alias_of or name, _read(parameters[name], filled[0])
                if values.setdefault(meant, value) != value:
                    raise ValidationError(_AT_ODDS.format(name=meant))
        except ValidationError as error:
            errors[name] = error.messages
    if errors:
        raise field_errors(400, errors)
    return PlainQuery(paging.get("page", 1), paging.get("per_page", per_page), values)


def _read(parameter: Parameter, value: str) -> str:
    if "\0" in value:
        raise ValidationError("Remove the NUL character.")
    if not parameter.words:
        return value
    if (word := match_word(value, parameter.words)) is None:
        raise ValidationError(f"“{value[:60]}” is not one of: {', '.join(parameter.words)}.")
    return word
