"""The form fields that parse the values in a list's query string. Their errors say what is wrong with a value."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.formats import get_format
from django.utils.translation import gettext as _

from ..database import MAX_BIGINT
from ..lifecycle import normalize_etag
from .search_query import MOST_CHARACTERS, MOST_NAMES, MOST_WORDS, SearchQuery, read_search

_MOST_DIGITS = 40  # leading zeros are fine, but Python refuses to parse thousands of digits
MOST_VALUES = 100  # per name; SQLite rejects conditions with a thousand parts
UNSET = datetime(1, 1, 1, tzinfo=UTC)  # clients send this for an unset time
_SIZE = re.compile(r"^\s*(\d+(?:[.,]\d+)?)\s*([kmgtpe]?b?)\s*$", re.IGNORECASE)
# “1,500 MB” could mean 1.5 or 1500, and a list's address must mean the same to every reader.
_AMBIGUOUS = re.compile(r",\d{3}$")
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_TRUE = {"true", "1", "yes"}
_FALSE = {"false", "0", "no"}


class TextField(forms.CharField):
    """Text, unchanged: a name can begin or end with a space."""

    def __init__(self, *, max_length: int, **kwargs: Any):
        kwargs.pop("strip", None)
        super().__init__(max_length=max_length, strip=False, **kwargs)
        self.error_messages["max_length"] = _("Use at most %(limit_value)d characters.")
        self.error_messages["null_characters_not_allowed"] = _("Remove the NUL character; no item contains one.")


class ListField(forms.Field):
    """A name that can be given several times, which means any of the values. Blank values are ignored."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> list[Any]:
        filled = [one for one in value or [] if one.strip()]
        if len(filled) > MOST_VALUES:
            raise ValidationError(
                _("Use at most %(most)d values; there are %(number)d here."),
                params={"most": MOST_VALUES, "number": len(filled)},
            )
        return [self.clean_one(one) for one in filled]

    def clean_one(self, value: str) -> Any:
        raise TypeError(f"{type(self).__name__} has to define clean_one")


class TextsField(ListField):
    def __init__(self, *, max_length: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.one = TextField(max_length=max_length)

    def clean_one(self, value: str) -> str:
        return self.one.clean(value)


class EtagField(TextField):
    """Text; an etag in quotes or capitals, as storage services list it, is read as items have it."""

    def clean(self, value: Any) -> str:
        return normalize_etag(super().clean(value))


class SearchField(forms.Field):
    """What is typed into the search box, as a SearchQuery; None if it is blank."""

    def clean(self, value: Any) -> SearchQuery | None:
        if not (value or "").strip():
            return None
        TextField(max_length=len(value)).clean(value)  # rejects NUL
        found = read_search(value)
        if not (found.words or found.names):
            raise ValidationError(_("There is nothing to search for: this text has no visible characters."))
        if len(found.names) > MOST_NAMES:
            raise ValidationError(
                _("Search for at most %(most)d names at once; there are %(number)d here."),
                params={"most": MOST_NAMES, "number": len(found.names)},
            )
        if not found.is_list and len(value) > MOST_CHARACTERS:
            raise ValidationError(_("Use at most %(limit_value)d characters."), params={"limit_value": MOST_CHARACTERS})
        if len(found.words) > MOST_WORDS:
            raise ValidationError(
                _("Search for at most %(most)d words at once. If these are names, put each on a line of its own."),
                params={"most": MOST_WORDS},
            )
        return found


class EtagsField(TextsField):
    def __init__(self, *, max_length: int, **kwargs: Any):
        super().__init__(max_length=max_length, **kwargs)
        self.one = EtagField(max_length=max_length)


class WordsField(ListField):
    """Terms from a fixed list, such as the stages, in any case."""

    def __init__(self, *, words: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.words = [str(word) for word in words]
        self.in_words = ""  # describes the terms in errors, if listing them would be too long

    def clean_one(self, value: str) -> str:
        found = match_word(value, self.words)
        if found is None:
            raise ValidationError(
                _("“%(value)s” is not one of: %(words)s."),
                params={"value": shortened(value), "words": self.in_words or ", ".join(self.words)},
            )
        return found


class BooleanField(forms.Field):
    """True, false, or None if nothing was given."""

    def to_python(self, value: Any) -> bool | None:
        text = (value or "").strip().lower()
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        if text:
            raise ValidationError(_("“%(value)s” is neither true nor false."), params={"value": shortened(value)})
        return None


class BooleansField(ListField):
    def clean_one(self, value: str) -> bool | None:
        return BooleanField().clean(value)


class NumberField(forms.IntegerField):
    """A whole number from `min_value` up to what a database can store."""

    def __init__(self, *, min_value: int = 0, max_value: int = MAX_BIGINT, **kwargs: Any):
        super().__init__(min_value=min_value, max_value=max_value, **kwargs)
        self.least, self.most = min_value, max_value

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").strip()
        if not text:
            return None
        number = whole_number(text)
        if number is None or not self.least <= number <= self.most:
            raise ValidationError(
                _("Use a whole number from %(least)d to %(most)d."),
                params={"least": self.least, "most": self.most},
            )
        return number


def whole_number(text: str) -> int | None:
    """Returns the number that these digits are, or None if they aren't one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS else None


class NumbersField(ListField):
    def clean_one(self, value: str) -> int:
        return NumberField().clean(value)


class IdentifiersField(ListField):
    """Identifiers (UUIDs), in any spelling."""

    def clean_one(self, value: str) -> UUID:
        if (found := read_identifier(value)) is None:
            raise ValidationError(
                _("“%(value)s” is not an identifier. Copy it from the address of the bulk change's page."),
                params={"value": shortened(value)},
            )
        return found


def read_identifier(text: str) -> UUID | None:
    """Returns the identifier that is written here, or None."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


class SizeField(forms.Field):
    """A number of bytes, or a size with a unit as pages show it: 1.4 GB or 1,4 GB (1 kB is 1,000 bytes)."""

    def to_python(self, value: Any) -> int | None:
        if not (value or "").strip():
            return None
        found = _SIZE.match(value) if len(value) < 40 else None
        size = _bytes(found[1], found[2]) if found and not _AMBIGUOUS.search(found[1]) else None
        if size is None or size > MAX_BIGINT:
            raise ValidationError(
                _("“%(value)s” is not a size. Use bytes, or a number such as %(example)s."),
                params={"value": shortened(value), "example": f"1{get_format('DECIMAL_SEPARATOR')}4 GB"},
            )
        return size


def _bytes(number: str, unit: str) -> int:
    return int(Decimal(number.replace(",", ".")) * _UNITS[unit.upper().rstrip("B")])


class MomentField(forms.Field):
    """A time as in RFC 3339. Without a zone it is in the reader's time zone; a date means the start of that day."""

    def to_python(self, value: Any) -> datetime | None:
        text = (value or "").strip()
        if not text:
            return None
        if day := _day(text):
            return start_of(day)
        try:
            # A "+" that is not escaped in a URL arrives as a space.
            moment = parse_datetime(re.sub(r" (\d\d:?\d\d)$", r"+\1", re.sub(r"(\.\d{6})\d+", r"\1", text)))
            if moment is None:
                raise ValueError
            aware = (moment if moment.tzinfo else timezone.make_aware(moment)).astimezone(UTC)
            if not 1 < aware.year < 9999 and aware != UNSET:
                raise ValueError
        except (ValueError, OverflowError):
            raise ValidationError(
                _("“%(value)s” is not a time. Use a format such as 2021-03-04T05:06:07Z or 2021-03-04."),
                params={"value": shortened(text)},
            ) from None
        return aware


class DayField(forms.Field):
    """A calendar day in the reader's time zone. The value is its first instant."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def to_python(self, value: Any) -> datetime | None:
        text = (value or "").strip()
        if not text:
            return None
        day = _day(text)
        if day is None:
            raise ValidationError(
                _("“%(value)s” is not a date. Use a format such as 2021-03-04."), params={"value": shortened(text)}
            )
        return start_of(day)


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
        # In some time zones, days at the ends of the calendar would start outside of it.
        return day if day and 1 < day.year < 9999 else None
    except ValueError:
        return None


def in_date_input(text: str) -> str:
    """Returns a day in the format of a browser's date input; blank if the text is not a day."""
    day = _day(text.strip())
    return day.isoformat() if day else ""


def start_of(day: date) -> datetime:
    """Returns the first instant of the day in the reader's time zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def end_of(start: datetime) -> datetime:
    """Returns the first instant after the day that starts at `start`, in the same time zone."""
    return datetime.combine(start.date() + timedelta(days=1), time.min, start.tzinfo)


class InstitutionsField(ListField):
    """Institutions by id or domain. Those that the reader can't see are treated as if they didn't exist.

    `known`: {domain: id} of those that the reader can see, set by ItemList.
    """

    known: dict[str, int]

    def clean_one(self, value: str) -> int:
        text = value.strip().lower()
        if text in self.known:
            return self.known[text]
        number = whole_number(text)
        if number is not None and number in self.known.values():
            return number
        raise _no_institution(value, self.known, "domain")


class InstitutionNumbersField(NumbersField):
    """Institutions by id only. `known`: see InstitutionsField."""

    known: dict[str, int]

    def clean_one(self, value: str) -> int:
        number = super().clean_one(value)
        if number not in self.known.values():
            raise _no_institution(value, self.known, "id")
        return number


def _no_institution(value: str, known: dict[str, int], by: str) -> ValidationError:
    """Returns the same error for an institution that doesn't exist and for one that this reader can't see."""
    shown = {"value": shortened(value.strip()), "own": next((str(one) for one in _names(known, by)), "")}
    if len(known) == 1:
        return ValidationError(_("You can see only your own institution, %(own)s, not “%(value)s”."), params=shown)
    if by == "id":
        return ValidationError(
            _("There is no institution with the number “%(value)s”. Use a number such as %(own)s."), params=shown
        )
    return ValidationError(
        _("There is no institution “%(value)s”. Use its domain, such as %(own)s, or its number."), params=shown
    )


def _names(known: dict[str, int], by: str) -> Iterable[str | int]:
    return known.values() if by == "id" else known


def match_word(text: str, words: Iterable[str]) -> str | None:
    """Returns the word that is written in the text in any case, or None."""
    folded = text.strip().casefold()
    return text if text in words else next((word for word in words if word.casefold() == folded), None)


def shortened(value: str) -> str:
    """Shortens a value so that an error can repeat it."""
    return value if len(value) <= 60 else f"{value[:60]}…"
