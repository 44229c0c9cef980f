"""Etags that a spreadsheet took for numbers: 32 digits, or digits with one “e”, became another text."""

import re
from decimal import Decimal, InvalidOperation

_SCIENTIFIC = re.compile(r"-?\d(?:[.,]\d+)?E[+-]?\d+", re.IGNORECASE | re.ASCII)
_DIGITS = re.compile(r"\d+(?:[.,]0+)?", re.ASCII)
_AS_NUMBER = re.compile(r"\d+(?:e\d+)?", re.ASCII)  # what a program can take for a number
# What programs write for a number that is too large for them.
_TOO_LARGE = frozenset({"inf", "-inf", "infinity", "#num!", "nan", "1.#inf"})
_MD5_LENGTH = 32
_DOUBLE_DIGITS = 15  # that a floating-point number holds for certain
_ROUNDED = 4  # zeros at the end that csvkit leaves, and that one in ten thousand etags of digits has


def is_damaged(etag: str) -> bool:
    """Returns whether it can't be what an S3 server gave: too few digits, scientific notation, or digits that were rounded."""
    if etag.lower() in _TOO_LARGE or _SCIENTIFIC.fullmatch(etag):
        return not (len(etag) == _MD5_LENGTH and etag.isalnum())  # 32 hex digits with one “e” are sound
    if not _DIGITS.fullmatch(etag):
        return False
    return len(etag) != _MD5_LENGTH or etag.endswith("0" * _ROUNDED) or int(float(etag)) == int(etag)


def is_damaged_form_of(damaged: str, sound: str) -> bool:
    """Returns whether a program can have made the damaged etag of the sound one."""
    if not _AS_NUMBER.fullmatch(sound):
        return False
    if damaged.lower() in _TOO_LARGE:
        return "e" in sound
    try:
        ours, theirs = Decimal(damaged.replace(",", ".")), Decimal(sound)
    except InvalidOperation:
        return False
    if not ours or not theirs or ours.adjusted() - theirs.adjusted() not in (0, 1):
        return False
    digits = min(len(ours.normalize().as_tuple().digits), _DOUBLE_DIGITS)
    cut_off = "".join(map(str, theirs.as_tuple().digits[:digits]))
    shown = f"{ours:.{digits - 1}e}"
    return shown == f"{theirs:.{digits - 1}e}" or "".join(map(str, ours.as_tuple().digits[:digits])) == cut_off
