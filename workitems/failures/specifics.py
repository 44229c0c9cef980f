"""What differs between faults of one kind: names, paths, addresses, digests, numbers, dates. Tables of patterns; pure.

A name can have spaces, apostrophes, and commas, so the tables say where in a sentence a name ends.
"""

import re
from collections.abc import Iterable

from ..notes import QUOTED

_MAX_KEPT = 1000  # in one fault
_NAME = "\ue000"  # stands for something replaced, so that "…" in a note isn't taken for it
_MARKS = "\ue001-\uf8ff"  # stand for what is kept
# Words that notes use. An item with such a name isn't meant wherever the word is found.
_ORDINARY = frozenset(
    [
        "access",
        "archive",
        "backup",
        "bag",
        "bags",
        "checksum",
        "container",
        "content",
        "data",
        "digest",
        "directory",
        "disk",
        "document",
        "documents",
        "error",
        "file",
        "files",
        "folder",
        "image",
        "images",
        "ingest",
        "item",
        "items",
        "manifest",
        "metadata",
        "missing",
        "name",
        "object",
        "objects",
        "package",
        "path",
        "payload",
        "record",
        "records",
        "source",
        "storage",
        "tag",
        "tags",
        "tar",
        "test",
        "text",
        "the",
        "title",
        "upload",
        "validation",
        "value",
        "version",
        "worker",
    ]
)

_VERB = (
    r"(?:is|are|was|were|has|have|had|does|do|did|can|cannot|could|must|should|will|would|may|contains?|exists?|fail(?:s|ed)"
    r"|differs?|listed|found|named|mentioned|present|absent|required|expected|declared|recorded|lacks?|needs?|appears?|occurs?|ends?|matche[sd]|match|belongs?|already|not|missing|never|got|ran|runs|timed|lost|ended|stopped|restarted"
    r"|denied|refused|rejected|says?|evicted|terminated|exited|died|crashed|killed)"
)
_PREPOSITION = (
    r"(?:in|on|at|of|to|from|for|with|by|under|within|but|and|or|as|because|after|before|than|while|during|which|that)"
)
_EXTENSION = r"\.[A-Za-z][A-Za-z0-9]{1,4}"
_PATH_START = r"(?:(?<![\w<])(?:[A-Za-z]:\\|~?/|\.{1,2}/)|(?<![\w/])(?=[^\s/]*/)(?!\w+://))"
_ALGORITHM = r"(?:md5|sha-?\d+|MD5|SHA-?\d+)"
_LISTED = rf"\s{_PREPOSITION}\s(?:the\s)?\S*(?:manifest|-info|bagit)"  # "… in manifest-md5.txt"
# Where a path without a file extension ends.
_PATH_END = (
    rf"\s(?:{_VERB}|{_PREPOSITION}|{_ALGORITHM}|[Vv]alidation|[Cc]hecksum|[Dd]igest|[Hh]ash|multiple|twice)\b|[:;,]\s"
    rf"|\s\((?=[\d.]+\s\w|[a-z]+[\s:]|{_ALGORITHM}\)|[A-Z]\w+(?:::|Error|Exception))|[.)]$"
)
_NO_EXTENSION = rf"(?!\S*{_EXTENSION}(?:[\s,;:)]|$))"  # at the end of a path's first word
_SUBJECT_ENDS = rf"(?=:\s|\s(?:{_ALGORITHM}\s)?(?:{_VERB}|validation)\b)"
_IN_PATH = rf"[^\n\"“{_MARKS}]"
_PATH = "|".join(
    (
        # An absolute path before a colon, at the beginning of a line.
        rf"^/(?:(?!\s{_VERB}\b|:\s)[^\n{_MARKS}]){{1,300}}(?=:\s)",
        # With spaces, up to a file extension with no verb before it, or up to a file extension that a verb follows.
        rf"{_PATH_START}{_NO_EXTENSION}(?:(?!\s{_VERB}\b|:\s|{_LISTED}){_IN_PATH}){{1,200}}?{_EXTENSION}(?=[\s,;:)\]]|\.(?:\s|$)|$)",
        rf"{_PATH_START}{_NO_EXTENSION}\S(?:(?!:\s|\s{_VERB}\s{_PREPOSITION}\b|{_LISTED}){_IN_PATH}){{0,200}}?{_EXTENSION}{_SUBJECT_ENDS}",
        # With a colon and a space.
        rf"{_PATH_START}{_NO_EXTENSION}(?:(?!\s{_VERB}\b|:\s){_IN_PATH}){{1,100}}:\s(?:(?!\s{_VERB}\b|[:;]\s){_IN_PATH}){{1,60}}?{_EXTENSION}{_SUBJECT_ENDS}",
        # Without an extension: also with a preposition, if a later word has a slash.
        rf"{_PATH_START}{_NO_EXTENSION}(?:(?!\s{_VERB}\b|[:;,(]\s?){_IN_PATH}){{1,100}}\s(?!\.{{0,2}}/)[^\s/:]+/(?:(?!{_PATH_END}){_IN_PATH}){{1,100}}",
        rf"{_PATH_START}{_NO_EXTENSION}(?:(?!{_PATH_END}){_IN_PATH}){{1,200}}",
        r"(?<![^\s/(])[^\s/(]*/\S*[^\s.,;:)]|(?<![^\s\\])[^\s\\]*\\\S+",
    )
)
_NOUN = r"(?:Bag|Object|File|Item|Bucket|Key|Directory|Folder|Entry|Tag|Field)"
_SUBJECT = re.compile(
    rf"\b({_NOUN}|{_NOUN.lower()})\s(?!{_VERB}\b|{_PREPOSITION}\b|[a-z]+(?:\s|[.,:;](?:\s|$)|$)|[{_NAME}]|[^\s/]*/)"
    rf"(?:(?:(?!:\s|\s{_VERB}\b).){{1,200}}?{_EXTENSION}(?=\.?(?:[\s,;:]|$))"
    rf"|(?:(?![:;,]\s).){{1,200}}?(?=\s(?:{_VERB}|{_PREPOSITION})\b|[:;,]\s|\.?$))"
    rf"|\b([Ff]iles?)\s(?:(?!(?:{_VERB}|{_PREPOSITION})\b)[^\s/:;{_NAME}]+\s){{1,3}}[^\s/:;{_NAME}]+{_EXTENSION}(?=\.?(?:[\s,;:]|$))"
)
_PROCESS_ENDS = (
    "killed|exited|died|crashed|stopped|ran|timed|lost|denied|refused|rejected|says?|evicted|terminated|restarted"
)
# Containers and the like have ordinary words as names.
_PROCESS = re.compile(
    rf"\b((?i:container|pod|worker|node|host|task|job|process|service|program)\s)"
    rf"(?!(?:process|image|memory|queue|key|version|list|limit|name|id|time|{_VERB[3:-1]}|{_PREPOSITION[3:-1]})\b)[\w.-]+"
    rf"(?=\s(?:{_VERB}|on|at|in)\b)"
    rf"|\b()[a-z]+(?:_[a-z0-9]+)+(?=\s(?:is|was|has|{_PROCESS_ENDS})\b)"
)
# A value at the end: "invalid tag: x", "must be a number, not x", "a directory called x", "tag is missing: x".
_VALUE = re.compile(
    rf"((?i:\b(?:invalid|unknown|unsupported|unexpected|malformed|illegal|unrecogni[sz]ed|bad|wrong|missing|required|duplicate|extra|forbidden|more\sthan\sone|multiple))"
    rf"(?:(?:\s[\w.{_MARKS}-]+){{1,4}}:\s|\svalue\s(?!{_PREPOSITION}\b))|\b(?:allowed|accepted|permitted)\svalues\sare:?\s)[^{_MARKS}]+$"
    rf"|(,\s(?:but\s)?(?:not|got|found|was|is)\s)(?:[^\s)]+|(?=\S*\d)[^:;()]{{1,60}})$"
    r"|(\b(?:called|named|directory|folder|untars?\sto|unpacks?\sto)\s)\S+$"
    rf"|(\b{_VERB}\b[^:/]*:\s)(?=\S*/)[^:{_MARKS}]+{_EXTENSION}$"
    rf"|(\b[Tt]ags?\b[^:]*:\s)[A-Z][\w-]*(?:,\s[A-Z][\w-]*)*$"
    rf"|(\bin\sposition\s)\d.*$"
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
        r"()((?-i:(?<!\+)\b[EW]\d{3}[a-z]?\b))",
        r"()(\b(?:S3|EC2|B2|IPv[46]|UTF-?(?:8|16)|base64|TLSv?[\d.]*|x509|OAuth2|ISO-8859-1|fetch\.txt|i/o|and/or|n/a|read/write)\b)",
    )
)
_SPECIFIC = re.compile(
    rf"""
      (?<!\w)\w+://[^\s<>]*[^\s<>.,;:)\]] | [^\s@<(]+@[^\s>)]+\w     # URLs and email addresses
    | <[^<>\n]*>
    | {_PATH}
    | (?<![\w'()&+-])(?:\b(?!E[A-Z]{{4,}}\b)[A-Z0-9][\w'-]*\s)*[\w'()&+-]+(?:\.[\w'()-]+)*{_EXTENSION}\b(?!\.[A-Z])   # files with capital letters before, hosts
    | \b(?!Payload-Oxum\b)[A-Z][A-Za-z]+(?:-[A-Z][A-Za-z]+)+\b   # tags
    | (?<=\b[Tt]ag\s)[A-Z]\w* | (?<=\b[Ff]ield\s)[A-Z]\w*
    | (?<![^\s(\[{{<“"'=:{_NAME}])(?!S3\b)[^\s(\[{{<“"'=:{_NAME}]*\d[^\s,;:)\]}}>”"'{_NAME}]*(?:\s?{_UNITS}\b)?   # numbers, digests, times, names with numbers
    | \b[0-9a-f]{{16,}}\b | \bU\+[0-9A-F]{{4,6}}\b
    """,
    re.VERBOSE,
)


def match_names(names: Iterable[str]) -> "re.Pattern[str] | None":
    """Matches the names as whole words. A name that is a word of many notes isn't a name wherever it is found."""
    known = {name for name in names if len(name) > 2 and name.lower() not in _ORDINARY}
    if not known:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})(?!\w)")


def blank_specifics(line: str, names: "re.Pattern[str] | None") -> str:
    """Returns a line with "…" for everything specific. `names`: from `match_names`; they are replaced first."""
    kept: list[str] = []

    def keep(found: "re.Match[str]") -> str:
        if len(kept) == _MAX_KEPT:
            return found[0]
        kept.append(found[2])
        return found[1] + chr(ord(_NAME) + len(kept))

    if names:
        line = names.sub(_NAME, line)
    line = _DOTTED.sub("", QUOTED.sub(_NAME, line))
    for pattern in _KEPT:
        line = pattern.sub(keep, line)
    line = _VALUE.sub(rf"\1\2\3\4\5\6{_NAME}", line)
    line = _PROCESS.sub(lambda found: f"{found[1] or ''}{_NAME}", _SUBJECT.sub(rf"\1\2 {_NAME}", line))
    line = _SPECIFIC.sub("…", line).replace(_NAME, "…")
    for number, text in enumerate(kept, 1):
        line = line.replace(chr(ord(_NAME) + number), text)
    return line
