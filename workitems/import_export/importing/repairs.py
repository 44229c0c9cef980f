"""What programs do to a value on its way through a table, and what it meant: rules as a table per kind of column."""

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.db import models

from .remarks import Remark

LARGEST_EXACT = 2**53 - 1
CELL_LIMIT = 32_767  # characters that a spreadsheet keeps
MISSING_WORDS = frozenset({"na", "nan", "nat", "null", "none", r"\n", "#n/a", "n/a", "<na>", "(null)"})
_POINT_ZERO = re.compile(r"(-?\d{1,20})[.,]0+", re.ASCII)
# “21,000” is twenty-one thousand to one program, and 21 with three zeros after the point to another.
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}[.,]000", re.ASCII)
_SCIENTIFIC = re.compile(r"-?\d(?:[.,]\d{1,20})?E\+?\d{1,3}", re.IGNORECASE | re.ASCII)
# What a spreadsheet shows instead of a text that it took for a formula, in English and German.
_SHEET_ERRORS = frozenset(
    ["#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#WERT!", "#BEZUG!", "#ZAHL!", "#NV"]
)
_SHEET_ERROR = re.compile(r"(Err|Fehler):5\d\d")
_GUARDED = re.compile(r"'[=+@\t\r-]")
# Year 1 as it is, seen through a time zone, or before Christ because of one.
_YEAR_ONE = re.compile(r"0001-01-0[12](?!\d).*|000[01]-12-31(?!\d).*|\d{4}-\d\d-\d\d.* BC|0000-.*", re.IGNORECASE)
_FIRST_OF_2001 = re.compile(r"2001-01-01[T ]00:00(:00(\.0+)?)?(Z|[+ ].*)?")
Repaired = tuple[Any, Remark | None]


def repair_number(value: Any) -> Repaired:
    if isinstance(value, float) and math.isnan(value):
        return None, Remark.NOT_SET
    if type(value) is int and abs(value) > LARGEST_EXACT:
        return value, Remark.BEYOND_EXACT
    if type(value) is not str:
        return value, None
    text = value.strip()
    if text.lower() in MISSING_WORDS:
        return None, Remark.NOT_SET
    if is_ambiguous_number(text):
        return text, None
    if found := _POINT_ZERO.fullmatch(text):
        # A floating-point number holds this many digits only; what is beyond is another number.
        return (found[1], Remark.WITH_POINT) if abs(int(found[1])) <= LARGEST_EXACT else (value, None)
    if _SCIENTIFIC.fullmatch(text):
        number = Decimal(text.replace(",", "."))
        is_exact = number == number.to_integral_value() and abs(number) <= LARGEST_EXACT
        return (str(int(number)), Remark.SCIENTIFIC) if is_exact else (value, None)
    if text.isdecimal() and int(text) > LARGEST_EXACT:
        return text, Remark.BEYOND_EXACT
    return text, None


def is_ambiguous_number(text: str) -> bool:
    """Returns whether it may be a whole number with a separator of thousands, or with a point and zeros."""
    return _THOUSANDS.fullmatch(text) is not None


def repair_boolean(value: Any) -> Repaired:
    if isinstance(value, float) and math.isnan(value):
        return None, Remark.NOT_SET
    if type(value) is not str:
        return value, None
    text = value.strip()
    return (None, Remark.NOT_SET) if text.lower() in MISSING_WORDS else (text, None)


def repair_time(value: Any) -> Repaired:
    if isinstance(value, float) and math.isnan(value):
        return None, Remark.NOT_SET
    if type(value) is not str:
        return value, None
    text = value.strip()
    if text.lower() in MISSING_WORDS:
        return None, Remark.NOT_SET
    if _YEAR_ONE.fullmatch(text):
        return None, None
    return text, Remark.YEAR_2001 if _FIRST_OF_2001.fullmatch(text) else None


def repair_text(value: Any) -> Repaired:
    if type(value) is not str:
        return value, None
    if len(value) == CELL_LIMIT:
        return value, Remark.CUT_BY_SHEET
    if value.lower() in MISSING_WORDS:
        return value, Remark.WORD_KEPT
    if _GUARDED.match(value):
        return value, Remark.GUARDED
    return value, Remark.SHEET_ERROR if is_sheet_error(value) else None


def is_rounded_form_of(number: int, exact: int | None) -> bool:
    """Returns whether a program can have written the exact number like this, as a floating-point number or with fewer
    digits.
    """
    if not number or not exact:
        return False
    shown = len(str(number).rstrip("0")) - 1
    return float(number) == float(exact) or f"{Decimal(number):.{shown}e}" == f"{Decimal(exact):.{shown}e}"


def is_sheet_error(value: str) -> bool:
    return value in _SHEET_ERRORS or _SHEET_ERROR.fullmatch(value) is not None


def repair_for(column: models.Field) -> Callable[[Any], Repaired]:
    for kind, repair in _REPAIRS:
        if isinstance(column, kind):
            return repair
    return repair_text


_REPAIRS: tuple[tuple[type[models.Field], Callable[[Any], Repaired]], ...] = (
    (models.DateTimeField, repair_time),
    (models.BooleanField, repair_boolean),
    (models.IntegerField, repair_number),
)
