"""Takes off what surrounds the faults in a note: terminal codes, log prefixes, tracebacks, and verdicts."""

import re
from typing import NamedTuple

_TERMINAL_CODES = re.compile(
    r"\x9b[0-?]*[ -/]*[@-~]|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])"
)
_PYTHON = "Traceback (most recent call last):"
_PRIVATE = re.compile("[\ue000-\uf8ff]")  # used here as marks
# What a stack trace of Java, JavaScript, .NET, Go, Ruby, Rust or PHP has besides what went wrong.
_FRAME = re.compile(
    r"^\s+at .* \{\n(?:.*\n)*?\}$"  # the fields of a JavaScript error
    r"|^\s+(?:at |from )\S.*$|^\s*\.\.\. \d+ (?:more|common frames).*$|^\s+File \"[^\"\n]*\", line \d+.*(?:\n {4}.*)*"
    r"|^(?:\[signal SIG.*\]\n+)?goroutine \d+ \[[\s\S]*\Z"
    r"|^#\d+ (?:\{main\}|\S+\(\d+\): .*|\[internal function\].*)$|^Stack trace:$|^\s+thrown in .*$"
    r"|^thread '[^'\n]*' panicked at .*:$|^note: run with .*$|^Node\.js v\d.*$|^\S+:\d+\n.*\n\s*\^+$",
    re.MULTILINE,
)
_CAUSED_BY = re.compile(r"^\s*Caused by: (.+)", re.MULTILINE)

_LEVEL = r"(?:DEBUG|TRACE|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|SEVERE|FATAL|CRIT(?:ICAL)?|PANIC|(?<=\[)(?:debug|info|notice|warn|error|crit|alert|emerg)(?=\]))"
_TIME = (
    r"(?:\d{4}[-/]\d\d[-/]\d\d[T\x20]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:\x20?(?:Z|UTC|[+-]\d\d:?\d\d))?"
    r"|[A-Z][a-z]{2}\x20+\d{1,2}\x20\d\d:\d\d:\d\d|\d\d:\d\d:\d\d(?:[.,]\d+)?)"
)
_BEFORE, _AFTER = r"[\s|\[(]*", r"[\s|\]):–-]+"
# A system's log, the log of several containers, and Ruby have something before the time.
_SOURCE = rf"(?:<\d{{1,3}}>\d?\s|[\w.-]+\s+\|\s(?={_BEFORE}(?:{_TIME}|{_LEVEL}\b))|[DIWEFA],\s(?=\[{_TIME}))?"
_LOG_LINE = re.compile(
    rf"""
    ^{_SOURCE}{_BEFORE}
    (?: (?P<time>{_TIME}){_AFTER} (?: (?:\[[^\]]{{1,60}}\]\s*|[\w.$/#-]+(?:\[\d+\])?\]?:?\s[|\s-]*){{0,4}}? [\[(|]*(?P<level>{_LEVEL})\b(?:/[\w.-]+)?[\])]?
                          | (?:\S+\s)?[\w./-]+\[\d+\]:\s | )
      | (?P<bare>{_LEVEL}|[Ee]rror|[Ww]arning|[Ff]atal|[Ii]nfo)[\])]?\s*(?:[:|]|-\s|(?<=[\])])\s|(?<=[A-Z])\s+(?=\S))
      | (?P<klog>[IWEF])\d{{4}}\x20[\d:.]+\s+\d+\s[\w./-]+:\d+\]\s
      | (?=\[?(?P<ocfl>[EW])\d{{3}}[a-z]?\b) )
    """,
    re.VERBOSE,
)
# What a log names before the message: a logger, a process.
_LOGGER = re.compile(
    r"^[\s|\-–:]*(?:(?:\w+::)+\w+[:\]]\s+|(?:(?:[\w$]+\.)+[\w$]+|root|[a-z][\w-]{1,30})(?::[\w<>]+)?(?::\d+)?(?:\s*(?:[|]|-\s|—)|\s+:\s|:(?=\S))\s*"
    r"|(?:(?:[a-z_]\w*\.)+[a-z_]\w*|root)\s+(?!(?:is|are|was|were|has|had|does|cannot|could)\b)(?=\w|\[))"
)
_PID = re.compile(r"^[\s|\-–:]*(?:\d+\s+---\s+)?(?:\[(?![EW]\d{3})\s*(?:\d[\w.-]*|[a-z][\w.-]*)\]:?|\d+#\d+:)\s+(?=\S)")
_LOGFMT_LEVEL = re.compile(r"\blevel=\"?(\w+)")
_LOGFMT_MESSAGE = re.compile(r"\b(?:error|err|msg|message)=(?:\"((?:[^\"\\]|\\.)*)\"|(\S+))")

# Announces faults without being one. The subject of "is not valid" can be any name; before "failed" only plain words.
_VERDICT = (
    r"(?:(?P<subject>[^|]{0,300}?)\s?\b(?:is|was)\s(?:not\s(?:a\s)?(?:valid|complete)(?:\s\w+)?|invalid|incomplete)"
    r"|(?:(?P<conforms>[^|]{0,300}?)\s)?(?:does|do|did)\snot\s(?:conform|comply)(?:\s(?:to|with))?(?:\s\w+){0,2}\sprofile"
    r"|(?:the\s)?(?:[A-Za-z]+\s){0,3}(?:validation|verification|check|ingest|ingestion|restoration|processing|job|task)"
    r"(?:\s(?:has\s)?failed|\s(?:errors?|failures?))?"
    r"|(?:the\s|there\s(?:is|are|were)\s)?(?:following\s|validation\s|ingest\s|bag\s|multiple\s|several\s|some\s|(?:too\s)?many\s|[\d,]+\s){0,3}"
    r"(?:errors?|faults|problems|issues|failures)(?:\s\(\d+\))?(?:\s(?:were\s|was\s)?(?:found|detected|occurred|listed|reported))?"
    r"(?:\s(?:in|with|for)\s[^:]{1,300})?"
    r"|failed|failure|invalid|not\svalid|rejected)"
    r"(?:\s(?:for\sthe\sfollowing\sreasons?|because(?:\sof)?))?"
)
_INLINE_VERDICT = re.compile(
    rf"\s*[\"']?{_VERDICT}(?:\s*:+\s+|\s*[.!]\s+(?=[A-Z“\"'/])|\s+[-–—]\s+)(?=\S)", re.IGNORECASE
)
_ONLY_VERDICT = re.compile(rf"\s*[\"']?{_VERDICT}(?:,[^:]{{1,80}})?[\s:.!\"']*", re.IGNORECASE)
_ERROR_OF_CLASS = re.compile(r"^(?:error:?\s*)?\[(\w+(?:Error|Exception|Fault))\]:?\s*", re.IGNORECASE)
_EXCEPTION = re.compile(
    r"^(?:Exception in thread \"[^\"]*\" |Unhandled [Ee]xception[.:] |PHP Fatal error:\s+(?:Uncaught )?)?(?:[\w$]+\.)*(\w*(?:Error|Exception|Fault|Failure|Conflict))(?::\s+(?=\S)|$)"
)


def clean(note: str) -> str:
    """Returns the note without terminal codes, with `\\n` between lines, and with the last state of each progress line."""
    text = _PRIVATE.sub("\ufffd", _TERMINAL_CODES.sub("", note)).replace("\r\n", "\n")
    if "\r" not in text:
        return text
    return "\n".join(_last_state(line) for line in text.split("\n"))


def _last_state(line: str) -> str:
    return next((state for state in reversed(line.split("\r")) if state.strip()), "")


def unwrap_traceback(text: str) -> str:
    """Returns what a stack trace says, or the text as it is."""
    if _PYTHON in text:
        return _last_exception(text.rpartition(_PYTHON)[2])
    if not _FRAME.search(text):
        return text
    causes = _CAUSED_BY.findall(text)
    return causes[-1] if causes else _FRAME.sub("", text).strip()


def _last_exception(frames: str) -> str:
    """The exception with its message: what follows the indented frames, up to the next line of a log."""
    lines = frames.strip("\n").split("\n")
    start = next((n for n, line in enumerate(lines) if line.strip() and not line[0].isspace()), len(lines) - 1)
    message = [lines[start]]
    for line in lines[start + 1 :]:
        if _LOG_LINE.match(line) or _PYTHON in line:
            break
        message.append(line)
    return "\n".join(message).strip()


class LogLine(NamedTuple):
    """A line of a log. `level`: "" for a line without one, None for what isn't of a log; `is_timed`: whether it has a time."""

    level: str | None
    message: str
    is_timed: bool = False


def split_log_line(line: str, *, is_inner: bool = False) -> LogLine:
    """Returns what a line of a log says, or the line itself. `is_inner`: the line is in a line of another log."""
    if logged := _LOGFMT_LEVEL.search(line):
        messages = _LOGFMT_MESSAGE.findall(line)
        return LogLine(logged[1].upper(), next((quoted or bare for quoted, bare in messages[::-1]), line), True)
    found = _LOG_LINE.match(line)
    if not found or found.end() == len(line):
        return LogLine(None, line)
    rest = line[found.end() :]
    if found["ocfl"]:
        return LogLine({"E": "ERROR", "W": "WARNING"}[found["ocfl"]], line)
    for prefix in (_PID, _LOGGER) if found["bare"] is None or found["bare"].isupper() else ():
        rest = prefix.sub("", rest, count=1)
    rest = rest.lstrip(" |-–:\t")
    if found["klog"]:
        return LogLine({"E": "ERROR", "F": "FATAL", "W": "WARNING"}.get(found["klog"], "INFO"), rest, True)
    level = (found["level"] or found["bare"] or "").upper()
    # The line of a program can be in a line of the system's log.
    inner = LogLine(None, "") if level or is_inner else split_log_line(rest, is_inner=True)
    return LogLine(level, rest, bool(found["time"])) if inner.level is None else inner._replace(is_timed=True)


def strip_verdict(text: str) -> str:
    """Returns a fault without the verdict, the class of error, or the path of the bag before it."""
    return split_verdict(text)[0]


def split_verdict(text: str) -> tuple[str, bool]:
    """Returns what `strip_verdict` returns, and whether there was a verdict, which a list of faults can follow."""
    has_verdict = False
    for _round in range(4):
        before = text
        for pattern in (_ERROR_OF_CLASS, _EXCEPTION):
            if found := pattern.match(text):
                rest = text[found.end() :]
                text = rest if _is_announced(rest) else f"{found[1]}: {rest}" if rest else found[1]
        if (found := _INLINE_VERDICT.match(text)) and not _is_a_fault(found):
            text, has_verdict = text[found.end() :], True
        if text == before:
            break
    return text, has_verdict


def _is_announced(text: str) -> bool:
    return bool(_INLINE_VERDICT.match(text) or _ONLY_VERDICT.fullmatch(text))


def _is_a_fault(found: "re.Match[str]") -> bool:
    """Whether what looks like a verdict says what is wrong: "bag-info.txt: Title is invalid: x"."""
    return bool(re.search(r":\s", found["subject"] or found["conforms"] or ""))


def is_verdict(text: str) -> bool:
    """Whether a text only announces faults."""
    return bool(_ONLY_VERDICT.fullmatch(text[:400]))
