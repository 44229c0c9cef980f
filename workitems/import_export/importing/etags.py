"""Etags that a program took for numbers: 32 digits, or digits with one “e”, became another text."""

import re
from decimal import Decimal, InvalidOperation

# A number however a program writes it: with a sign, with separators between groups of digits, or with an exponent.
_NUMBER = re.compile(r"[+-]?(\d[\d.,'’_\s]*)(?:[ED]([+-]?\d{1,4}))?", re.IGNORECASE)
_AROUND = "'\"= \t\r\n\u00a0"  # what programs put around a number that is to stay a text
_DIGITS = re.compile(r"\d+", re.ASCII)
_AS_NUMBER = re.compile(r"\d+(?:e\d+)?", re.ASCII)  # what a program can take for a number
_AS_ZERO = re.compile(r"0+e\d+", re.ASCII)
# What programs write for a number that is too large for them.
_TOO_LARGE = frozenset({"inf", "-inf", "infinity", "#num!", "nan", "1.#inf"})
_MD5_LENGTH = 32
_DOUBLE_DIGITS = 15  # that a floating-point number holds for certain
_ROUNDED = 4  # zeros at the end that csvkit leaves, and that one in ten thousand etags of digits has
_FEWEST_DIGITS = 5  # that say which etag they are the beginning of


def is_damaged(etag: str) -> bool:
    """Returns whether it can't be what an S3 server gave: too few digits, scientific notation, or digits that were rounded."""
    number = etag.strip(_AROUND)
    if number.lower() in _TOO_LARGE:
        return True
    if not _NUMBER.fullmatch(number):
        return False
    if number != etag or len(etag) != _MD5_LENGTH or not etag.isalnum():
        return True
    # 32 hex digits with one “e” are sound.
    return _DIGITS.fullmatch(etag) is not None and (etag.endswith("0" * _ROUNDED) or int(float(etag)) == int(etag))


def is_damaged_form_of(damaged: str, sound: str) -> bool:
    """Returns whether a program can have made the damaged etag of the sound one."""
    if not _AS_NUMBER.fullmatch(sound):
        return False
    number = damaged.strip(_AROUND)
    if number.lower() in _TOO_LARGE:
        return "e" in sound
    if len(number) >= _FEWEST_DIGITS and _DIGITS.fullmatch(number) and sound.startswith(number):
        return True  # its end was cut off
    ours = _value_of(number)
    if ours is not None and _AS_ZERO.fullmatch(sound):
        return not ours
    try:
        theirs = Decimal(sound)
    except InvalidOperation:
        return False
    return ours is not None and _is_rounded(ours, theirs)


def _value_of(text: str) -> Decimal | None:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    digits = re.sub(r"['’_\s]", "", found[1])
    for mark in ".,":
        if digits.count(mark) > 1:
            digits = digits.replace(mark, "")  # it separates groups of digits
    try:
        return Decimal(f"{digits.replace(',', '.')}e{found[2] or 0}")
    except InvalidOperation:
        return None


def _is_rounded(ours: Decimal, theirs: Decimal) -> bool:
    if not ours or not theirs or ours.adjusted() - theirs.adjusted() not in (0, 1):
        return False
    digits = min(len(ours.normalize().as_tuple().digits), _DOUBLE_DIGITS)
    cut_off = "".join(map(str, theirs.as_tuple().digits[:digits]))
    shown = f"{ours:.{digits - 1}e}"
    return shown == f"{theirs:.{digits - 1}e}" or "".join(map(str, ours.as_tuple().digits[:digits])) == cut_off
