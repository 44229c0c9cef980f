"""How one value of a list's query string is read. Each field says plainly what is wrong with a value."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from ..database import LARGEST

_MOST_DIGITS = 40  # leading zeros are taken; Python refuses thousands of digits with words of its own
MOST_VALUES = 100  # of one name; SQLite refuses a condition that is made of a thousand
UNSET = datetime(1, 1, 1, tzinfo=UTC)  # what programs send for a time that they do not have
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([kmgt]?b?)\s*$", re.IGNORECASE)
_UNITS = {"": 1, "B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_TRUE = {"true", "1", "yes"}
_FALSE = {"false", "0", "no"}


class TextField(forms.CharField):
    """Text as it came: a name may begin or end with a space."""

    def __init__(self, *, max_length: int, **kwargs: Any):
        kwargs.pop("strip", None)
        super().__init__(max_length=max_length, strip=False, **kwargs)
        self.error_messages["max_length"] = _("Use at most %(limit_value)d characters.")
        self.error_messages["null_characters_not_allowed"] = _("Remove the NUL character; no item contains one.")


class ListField(forms.Field):
    """The same name several times: any of the values. Blank ones do not count."""

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
        raise TypeError(f"{type(self).__name__} does not say what one value is")


class TextsField(ListField):
    def __init__(self, *, max_length: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.one = TextField(max_length=max_length)

    def clean_one(self, value: str) -> str:
        return self.one.clean(value)


class WordsField(ListField):
    """Words of one of the vocabulary's lists."""

    def __init__(self, *, words: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.words = [str(word) for word in words]
        self.in_words = ""  # what an error says that there is, where a list of all words would be long

    def clean_one(self, value: str) -> str:
        if value not in self.words:
            raise ValidationError(
                _("“%(value)s” is not one of: %(words)s."),
                params={"value": shortened(value), "words": self.in_words or ", ".join(self.words)},
            )
        return value


class BooleanField(forms.Field):
    """True, false, or None where nothing was given."""

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
    """A whole number that a database can hold, from `min_value` on."""

    def __init__(self, *, min_value: int = 0, max_value: int = LARGEST, **kwargs: Any):
        super().__init__(min_value=min_value, max_value=max_value, **kwargs)
        self.least, self.most = min_value, max_value

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").strip()
        if not text:
            return None
        number = int(text) if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS else -1
        if not self.least <= number <= self.most:
            raise ValidationError(
                _("Use a whole number from %(least)d to %(most)d."),
                params={"least": self.least, "most": self.most},
            )
        return number


class NumbersField(ListField):
    def clean_one(self, value: str) -> int:
        return NumberField().clean(value)


class SizeField(forms.Field):
    """A number of bytes, also written like 1.4 GB (thousands, as sizes are shown)."""

    def to_python(self, value: Any) -> int | None:
        if not (value or "").strip():
            return None
        found = _SIZE.match(value) if len(value) < 40 else None
        size = int(float(found[1]) * _UNITS[found[2].upper().rstrip("B")]) if found else LARGEST + 1
        if found and found[1].isdigit() and not found[2]:
            size = int(found[1])
        if size > LARGEST:
            raise ValidationError(
                _("“%(value)s” is not a size. Use bytes, or a number such as 1.4 GB."),
                params={"value": shortened(value)},
            )
        return size


class MomentField(forms.Field):
    """A point in time: RFC 3339, without a zone in the reader's; a bare date is the beginning of that day."""

    def to_python(self, value: Any) -> datetime | None:
        text = (value or "").strip()
        if not text:
            return None
        if day := _day(text):
            return start_of(day)
        try:
            # A "+" that was not escaped in the URL arrives as a space.
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
    """A calendar day of the reader's zone; the value is its first instant there."""

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
        # Days at the ends of the calendar have no beginning in every zone.
        return day if day and 1 < day.year < 9999 else None
    except ValueError:
        return None


def in_date_input(text: str) -> str:
    """A typed day in the one form that a browser's date input takes; blank where it is no day."""
    day = _day(text.strip())
    return day.isoformat() if day else ""


def start_of(day: date) -> datetime:
    """The first instant of the day in the reader's zone."""
    return timezone.make_aware(datetime.combine(day, time.min))


def end_of(start: datetime) -> datetime:
    """The first instant after the day that begins here, by the clocks of the same zone."""
    return datetime.combine(start.date() + timedelta(days=1), time.min, start.tzinfo)


class InstitutionsField(ListField):
    """Institutions by id or domain, out of those that the reader may know of; the others do not exist.

    `known`: {domain: id}, set by the filter that holds the field.
    """

    known: dict[str, int]

    def clean_one(self, value: str) -> int:
        text = value.strip().lower()
        if text in self.known:
            return self.known[text]
        if text.isascii() and text.isdigit() and int(text[:20]) in self.known.values():
            return int(text[:20])
        raise _no_institution(value, self.known, "domain")


class InstitutionNumbersField(NumbersField):
    """Institutions by id alone, out of those that the reader may know of. `known`: as above."""

    known: dict[str, int]

    def clean_one(self, value: str) -> int:
        number = super().clean_one(value)
        if number not in self.known.values():
            raise _no_institution(value, self.known, "id")
        return number


def _no_institution(value: str, known: dict[str, int], by: str) -> ValidationError:
    """The same words for one that does not exist and for one that this reader may not know of."""
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


def shortened(value: str) -> str:
    """A value as an error may repeat it."""
    return value if len(value) <= 60 else f"{value[:60]}…"
