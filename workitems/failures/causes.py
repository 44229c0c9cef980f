"""Turns the faults in a note into the cause of a failure: names, paths, checksums, and numbers are replaced with "…". Pure.

Faults of one kind have the same cause. Kept are HTTP statuses, exit codes, classes of exceptions, and the codes of OCFL and
S3: they say what is wrong. Names of algorithms are replaced, because a bag with two manifests has each fault twice.
"""

import re
from collections.abc import Iterable

from ..notes import QUOTED, strip_verdict

MAX_LENGTH = 200
_MAX_FAULTS = 2000  # examined for their causes
_MAX_FAULT_LENGTH = 1000
_MAX_KEPT = 1000  # in one fault
_NAME = "\ue000"  # stands for something replaced, so that "…" in a note isn't taken for it
_MARKS = "\ue001-\uf8ff"  # stand for what is kept
_SEPARATOR = " | "

_VERB = (
    r"(?:is|are|was|were|has|have|had|does|do|did|can|cannot|could|must|should|will|would|may|contains?|exists?|fail(?:s|ed)"
    r"|differs?|lacks?|needs?|appears?|occurs?|ends?|matche[sd]|match|belongs?|already|not|missing|never|got|exited|died|crashed|killed)"
)
_PREPOSITION = r"(?:in|on|at|of|to|from|for|with|by|under|within|but|and|or|as|because|after|before|than|while|during)"
_EXTENSION = r"\.[A-Za-z][A-Za-z0-9]{1,4}"
_PATH_START = r"(?:(?<![\w<])(?:[A-Za-z]:\\|~?/|\.{1,2}/)|(?<![\w/])(?=[^\s/]*/)(?!\w+://))"
_ALGORITHM = r"(?:md5|sha-?\d+|MD5|SHA-?\d+)"
# Where a path without a file extension ends.
_PATH_END = rf"\s(?:{_VERB}|{_PREPOSITION}|{_ALGORITHM}|[Vv]alidation|[Cc]hecksum|[Dd]igest|[Hh]ash)\b|[:;,]\s|[.)]$"
_PATH = (
    # A path with spaces up to a file extension with no verb before it, or up to a file extension that a verb follows.
    rf"{_PATH_START}(?!\S*{_EXTENSION}[\s,;:)])(?:(?!\s{_VERB}\b|:\s)[^\n|\"“{_MARKS}]){{1,300}}?{_EXTENSION}(?=[\s,;:.)\]]|$)"
    rf"|{_PATH_START}(?!\S*{_EXTENSION}[\s,;:)])\S(?:(?!:\s)[^\n|\"“{_MARKS}]){{0,300}}?{_EXTENSION}(?=\s(?:{_ALGORITHM}\s)?(?:{_VERB}|validation)\b)"
    rf"|{_PATH_START}(?!\S*{_EXTENSION}(?:[\s,;:)]|$))(?:(?!{_PATH_END})[^\n|\"“{_MARKS}]){{1,300}}"
    rf"|[^\s/(]*/\S*[^\s.,;:)]|[^\s\\]*\\\S+"
)
_NOUN = r"(?:Bag|Object|File|Item|Container|Pod|Node|Worker|Host|Job|Task|Process|Bucket|Key|Directory|Folder|Entry|Tag|Field)"
_SUBJECT = re.compile(
    rf"\b({_NOUN}|{_NOUN.lower()})\s(?!{_VERB}\b|{_PREPOSITION}\b|[a-z]+(?:\s|[.,:;](?:\s|$)|$)|[{_NAME}]|[^\s/]*/)"
    rf"(?:(?:(?!:\s|\s{_VERB}\b).){{1,200}}?{_EXTENSION}(?=\.?(?:[\s,;:]|$))"
    rf"|(?:(?![:;,]\s).){{1,300}}?(?=\s(?:{_VERB}|{_PREPOSITION})\b|[:;,]\s|\.?$))"
)
# Containers and the like have ordinary words as names.
_PROCESS = re.compile(
    rf"\b((?:Container|Pod|Worker|Node|Host|Task|Job|Process|container|pod|worker|node|host|task|job|process)\s)"
    rf"(?!(?:process|image|memory|queue|key|version|list|limit|name|id|time|{_VERB[3:-1]}|{_PREPOSITION[3:-1]})\b)[\w.-]+"
    rf"(?=\s(?:{_VERB}|on|at)\b)"
)
# A value at the end: "invalid tag: x", "must be a number, not x", "a directory called x", "tag is missing: x".
_VALUE = re.compile(
    rf"(\b(?:invalid|unknown|unsupported|unexpected|malformed|illegal|unrecogni[sz]ed|bad|wrong)"
    rf"(?:(?:\s[\w-]+){{1,3}}:\s|\svalue\s(?!{_PREPOSITION}\b)))[^{_MARKS}]+$"
    rf"|((?:,\s(?:but\s)?(?:not|got|found|was|is)|\b(?:called|named|directory|folder|untars?\sto|unpacks?\sto))\s)\S+$"
    rf"|(\b{_VERB}\b[^:/]*:\s)(?=\S*/)[^:{_MARKS}]+{_EXTENSION}$"
    rf"|(\b[Tt]ags?\b[^:]*:\s)[A-Z][\w-]*(?:,\s[A-Z][\w-]*)*$"
)

_UNITS = r"(?:[KMGTP]i?B|bytes?|B|ms|s|sec|secs|seconds?|min|minutes?|h|hours?|d|days?|%|times)"
_DOTTED = re.compile(r"\b(?:[\w$]+\.)+(?=[A-Z]\w*(?:Error|Exception|Failure|Fault|Timeout)\b)")
# What says what is wrong although it has digits: a status, after the word that makes it one, and codes.
_KEPT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(\b(?:HTTP(?:/\d(?:\.\d)?)?|status(?:[_ ]?code)?|answer(?:ed|s)?|responded|replied|returned|responses?|got|errors?|code)"
        r"(?: (?:with|code|status|an?|HTTP|error|response|of))*[\s:=(\[]{1,3})"
        rf"([1-5]\d\d\b(?!\s?{_UNITS}\b|[.,/]\d))",
        rf"()(\b[45]\d\d(?=\s(?-i:[A-Z])[a-z]+)(?!\s?{_UNITS}\b))",
        r"(\b(?:errno|exit(?:ed)?(?: with)?(?: (?:code|status))?|return code|signal)[\s:=]{1,2})(-?\d{1,3}\b)",
        r"()((?-i:\b[EW]\d{3}[a-z]?\b))",
        r"()(\b(?:S3|EC2|B2|IPv[46]|UTF-?(?:8|16)|base64|TLSv?[\d.]*|x509|OAuth2|ISO-8859-1|fetch\.txt)\b)",
    )
)
_SPECIFIC = re.compile(
    rf"""
      \w+://[^\s<>]*[^\s<>.,;:)\]] | [^\s@<(]+@[^\s>)]+\w     # URLs and email addresses
    | <[^<>\n]*>
    | {_PATH}
    | (?:\b[A-Z0-9][\w'-]*\s)*[\w'()&+-]+(?:\.[\w'()-]+)*{_EXTENSION}\b(?!\.[A-Z])   # files with capital letters before, hosts
    | \b(?!Payload-Oxum\b)[A-Z][A-Za-z]+(?:-[A-Z][A-Za-z]+)+\b   # tags
    | (?<=\b[Tt]ag\s)[A-Z]\w* | (?<=\b[Ff]ield\s)[A-Z]\w*
    | (?<!\w)(?!S3\b)[^\s(\[{{<“"'=:{_NAME}]*\d[^\s,;:)\]}}>”"'{_NAME}]*(?:\s?{_UNITS}\b)?   # numbers, digests, times, names with numbers
    | \b[0-9a-f]{{16,}}\b
    """,
    re.VERBOSE,
)
_REPEATED = re.compile(r"…(?:(?:[\s,;&=/]|\band\b|\bor\b)*…)+")
_EMPTY = re.compile(r"(?:[\W_…]|\band\b|\bor\b)*")

_S3_CODES = [
    "AccessDenied",
    "AccountProblem",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "BadDigest",
    "BucketAlreadyExists",
    "EntityTooLarge",
    "EntityTooSmall",
    "ExpiredToken",
    "IncompleteBody",
    "InternalError",
    "InvalidAccessKeyId",
    "InvalidArgument",
    "InvalidBucketName",
    "InvalidDigest",
    "InvalidObjectState",
    "InvalidPart",
    "InvalidPartOrder",
    "InvalidRange",
    "InvalidRequest",
    "InvalidToken",
    "KeyTooLongError",
    "MalformedXML",
    "MethodNotAllowed",
    "NoSuchBucket",
    "NoSuchKey",
    "NoSuchUpload",
    "NoSuchVersion",
    "NotImplemented",
    "OperationAborted",
    "PermanentRedirect",
    "PreconditionFailed",
    "QuotaExceeded",
    "RequestTimeout",
    "RequestTimeTooSkewed",
    "RestoreAlreadyInProgress",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "SlowDown",
    "TemporaryRedirect",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
]
# Whatever else a client of S3 writes around it, its error is known by the code.
_S3 = re.compile(
    r"An error occurred \((\w+)\) when calling|\bError Code: (\w+)|\bcode: (\w+), message:"
    rf"|\b({'|'.join(_S3_CODES)})\b(?=[\])]|:|,|$|\s)"
    r"|\[((?!\w+(?:Error|Exception)\])[A-Z][A-Za-z]*[a-z][A-Z][A-Za-z]+)\]"
)
# An error of OCFL is known by its code, too. Of the text after it, the words before its first detail are kept.
_OCFL = re.compile(r"\[?\b([EW]\d{3}[a-z]?)\b\]?:?\s*(.*)", re.DOTALL)
_OCFL_DETAIL = re.compile(r"\s*(?:…|:|\(|\b(?:root|v\d+)(?=\s(?:inventory|inv)\b)).*", re.DOTALL)


def extract_cause(faults: Iterable[str], names: Iterable[str] = ()) -> str:
    """Returns the cause of a failure with these faults, at most MAX_LENGTH characters: the kinds of faults, each once and in
    alphabetical order, so that neither their number nor their order counts. Empty if nothing but names and numbers is known.

    `names`: names of the item, its institution and its bucket.
    """
    hidden = _names_pattern(names)
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


def _names_pattern(names: Iterable[str]) -> "re.Pattern[str] | None":
    """Matches the names as whole words. A name that is one ordinary word isn't a name wherever it is found."""
    known = {name for name in names if len(name) > 2 and not re.fullmatch(r"[a-z]+", name)}
    if not known:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})(?!\w)")


def generalize(fault: str, names: "re.Pattern[str] | None" = None) -> str:
    """Returns the kind of a fault: its text with "…" for what differs between faults of one kind; empty if no word is left."""
    line = fault.strip().partition("\n")[0][:_MAX_FAULT_LENGTH]
    if found := _S3.search(line):
        return next(filter(None, found.groups()))
    if names:
        line = names.sub(_NAME, line)
    line = _replace_specifics(QUOTED.sub(_NAME, strip_verdict(line)))
    if found := _OCFL.match(line):
        return f"[{found[1]}] {_OCFL_DETAIL.sub('', found[2])}".strip()
    line = " ".join(_REPEATED.sub("…", line).split())
    return "" if _EMPTY.fullmatch(line) else line


def _replace_specifics(line: str) -> str:
    """Replaces everything specific, except what is kept."""
    kept: list[str] = []

    def keep(found: "re.Match[str]") -> str:
        if len(kept) == _MAX_KEPT:
            return found[0]
        kept.append(found[2])
        return found[1] + chr(ord(_NAME) + len(kept))

    line = _DOTTED.sub("", line)
    for pattern in _KEPT:
        line = pattern.sub(keep, line)
    line = _VALUE.sub(rf"\1\2\3\4{_NAME}", line)
    line = _PROCESS.sub(rf"\1{_NAME}", _SUBJECT.sub(rf"\1 {_NAME}", line))
    line = _SPECIFIC.sub("…", line).replace(_NAME, "…")
    for number, text in enumerate(kept, 1):
        line = line.replace(chr(ord(_NAME) + number), text)
    return line
