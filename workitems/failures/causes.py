"""Turns the faults in a note into the cause of a failure: what differs between faults of one kind becomes "…". Pure.

Faults of one kind have the same cause. Kept are HTTP statuses, exit codes, classes of exceptions, and the codes of OCFL and
S3: they say what is wrong. Names of algorithms are replaced, because a bag with two manifests has each fault twice.
"""

import re
from collections.abc import Iterable

from ..notes import strip_verdict
from .specifics import blank_specifics, match_names

MAX_LENGTH = 200
_MAX_FAULTS = 500  # examined for their causes
_MAX_FAULT_LENGTH = 600
_SEPARATOR = " | "

_S3_CODES = (
    r"AccessDenied|AccountProblem|AllAccessDisabled|AuthorizationHeaderMalformed|BadDigest"
    r"|BucketAlreadyExists|EntityTooLarge|EntityTooSmall|ExpiredToken|IncompleteBody|InternalError"
    r"|InvalidAccessKeyId|InvalidArgument|InvalidBucketName|InvalidDigest|InvalidObjectState|InvalidPart"
    r"|InvalidPartOrder|InvalidRange|InvalidRequest|InvalidToken|KeyTooLongError|MalformedXML"
    r"|MethodNotAllowed|NoSuchBucket|NoSuchKey|NoSuchUpload|NoSuchVersion|NotImplemented|OperationAborted"
    r"|PermanentRedirect|PreconditionFailed|QuotaExceeded|RequestTimeout|RequestTimeTooSkewed"
    r"|RestoreAlreadyInProgress|ServiceUnavailable|SignatureDoesNotMatch|SlowDown|TemporaryRedirect"
    r"|Throttling|ThrottlingException|TooManyRequests"
)
# Whatever else a client of S3 writes around it, its error is known by the code.
_S3 = re.compile(
    r"An error occurred \(([\w.]+)\) when calling|\b(?:Error Code:|api error) ([\w.]+\b)|\bcode: ([\w.]+), message:"
    rf"|\b({_S3_CODES})\b(?=[\])]|:|,|$|\s)"
    r"|\[((?!\w+(?:Error|Exception)\])(?:[A-Z]\w*\.)?[A-Z][A-Za-z0-9]*[a-z0-9][A-Z][A-Za-z]+)\]"
)
# An error of OCFL is known by its code, too. Of the text after it, the words before its first detail are kept.
_OCFL = re.compile(r"\[?\b([EW]\d{3}[a-z]?)\b\]?:?\s*(.*)", re.DOTALL)
_OCFL_DETAIL = re.compile(
    r"\s*(?:…|:|\(|\b(?:root|v\d+)\b|(?<=\bfile)\s|(?<=\bdirectory)\s|(?<=\bpath)\s).*", re.DOTALL
)
_REPEATED = re.compile(r"…(?:(?:[\s,;&=/.:_-]|\band\b|\bor\b)*…)+")
_EMPTY = re.compile(r"(?:[\W_…]|\band\b|\bor\b)*")


def extract_cause(faults: Iterable[str], names: Iterable[str] = ()) -> str:
    """Returns the cause of a failure with these faults, at most MAX_LENGTH characters: the kinds of faults, each once and in
    alphabetical order, so that neither their number nor their order counts. Empty if nothing but names and numbers is known.

    `names`: names of the item, its institution and its bucket.
    """
    hidden = match_names(names)
    kinds = {generalize(fault, hidden) for fault, _n in zip(faults, range(_MAX_FAULTS), strict=False)} - {""}
    return _join(sorted(kinds))


def _join(kinds: list[str]) -> str:
    """The kinds in one text. If they are too long, each is cut to its share."""
    text = _SEPARATOR.join(kinds)
    if len(text) <= MAX_LENGTH:
        return text
    share = max(20, (MAX_LENGTH - len(_SEPARATOR) * (len(kinds) - 1)) // len(kinds))
    text = _SEPARATOR.join(dict.fromkeys(_cut(kind, share) for kind in kinds))
    return _cut(text, MAX_LENGTH)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def generalize(fault: str, names: "re.Pattern[str] | None" = None) -> str:
    """Returns the kind of a fault: its text with "…" for what is specific; empty if no word is left."""
    line = fault.strip().partition("\n")[0][:_MAX_FAULT_LENGTH]
    if found := _S3.search(line):
        return next(filter(None, found.groups()))
    line = blank_specifics(strip_verdict(line), names)
    if found := _OCFL.match(line):
        return f"[{found[1]}] {_OCFL_DETAIL.sub('', found[2])}".strip()
    line = " ".join(_REPEATED.sub("…", line).split())
    return "" if _EMPTY.fullmatch(line) else line
