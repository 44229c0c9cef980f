"""Permanent failures: what the note says about their origin, and who has to act. Pure.

Workers set `needs_admin_review` on every fatal error, so the flag alone doesn't say whether a bag or a machine is at fault.
The note does: `_FORMS` is a table of the forms of messages that workers, validators, and storage services write.
"""

import re
from collections.abc import Iterable
from enum import StrEnum

from ..vocabulary import Action, Status
from .paths import RESTORATIONS, is_early


class Origin(StrEnum):
    """Where a failure comes from, as its note says."""

    BAG = "bag"  # a fault of the bag
    MACHINE = "machine"  # a problem of the consortium's machines or of its storage
    REPLACED = "replaced"  # another version of the bag was in the bucket by then
    GONE = "gone"  # the bag was no longer in the bucket
    UNKNOWN = "unknown"


class Party(StrEnum):
    """Who has to act."""

    NOBODY = "nobody"
    INSTITUTION = "institution"
    CONSORTIUM = "consortium"


MAX_READ = 20_000  # characters of a note that are examined

# Names and paths can contain any words, so they aren't examined. Validators also quote whole sentences, which are.
_NAMES = re.compile(
    r"""[“"`'](?: [^\s“”"`']* | [^“”"`'\n]*\.\w{1,8} )[”"`']    # a quoted word or file name
      | \b(?:data|metadata|objects)/[^|;\n]*?\.\w{1,8}\b      # a path in a bag, which can contain spaces
      | \w+://\S+ | \S*/\S*""",
    re.VERBOSE,
)

_SPACES = re.compile(r"[ \t]+")
_XML_TAGS = re.compile(r"</?[\w:.-]+>")

# The first form that a note contains decides.
_FORMS: tuple[tuple[Origin, re.Pattern[str]], ...] = tuple(
    (origin, re.compile("|".join(forms), re.IGNORECASE))
    for origin, forms in (
        (
            Origin.REPLACED,
            (
                r"\b(newer|later|more recent) (version|upload|copy)\b|\banother (version|upload|copy) of (this|the) bag\b",
                r"\bsuperseded\b|\b(changed|modified|replaced|overwritten)\b.{0,30}\bbucket\b",
                r"\betag\b.{0,60}\b(changed|no longer matches)\b|\bPreconditionFailed\b",
            ),
        ),
        (
            Origin.GONE,
            (
                r"\b(deleted|removed|gone|missing|disappeared|vanished) from (the |its |\S+ )*bucket\b",
                r"\b(no longer|not) (be )?(found |present |there |exists? )?in (the |its )?(\w+ )?bucket\b",
                r"\bNoSuchKey\b",
                r"\b(key|object) (does not|doesn't|no longer) exists?\b",
            ),
        ),
        (
            Origin.MACHINE,
            (
                r"\bno (space|room) (is )?left\b|\b(disk|volume|device|quota)\b.{0,20}\b(full|exceeded|exhausted)\b",
                r"\b(not enough|insufficient|out of|too little) (free |disk |storage |work )*(space|memory|disk|storage)\b",
                r"\btime[d-]? ?-?outs?\b|\bdeadline exceeded\b|\btook too long\b",
                r"\bconnection\b.{0,40}\b(refused|reset|closed|aborted|lost|broken|failed)\b|\bbroken pipe\b",
                r"\b(host|network|service|server|bucket|database|redis|registry|queue)\b.{0,30}"
                r"\b(unreachable|unavailable|not (be )?reachable|down)\b",
                r"\bno route to host\b|\bno such host\b|\bname resolution\b|\bcould(n't| not) resolve\b",
                r"\btemporar(y|ily) (unavailable|failure|error|problem)\b",
                r"\b(SIGKILL|SIGTERM|OOM(Killed)?)\b|\b(was|been|got|process|container|worker|signal:?) ?(was )?(killed|evicted)\b",
                r"^\W*killed\W*$|\bexit(ed)?\b.{0,20}\b(137|139|143)\b|\bsegmentation fault\b|\bcannot allocate memory\b",
                r"\b(SlowDown|InternalError|ServiceUnavailable|RequestTimeout\w*|RequestTimeTooSkewed|Throttling\w*|"
                r"TooManyRequests\w*|ExpiredToken|InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied|NoSuchBucket)\b",
                r"\b(registry|server|service|s3|storage|api|upstream|gateway)\b.{0,40}\b(answered|returned|responded|status|error)\b"
                r".{0,20}\b[45]\d\d\b|\bstatus(:| code)? ?5\d\d\b|\b50[0234] (bad|internal|service|gateway)\b",
                r"\bpermission denied\b|\bread-only file system\b|\binput/output error\b|\bi/o error\b|\btoo many open files\b",
                r"\b(worker|node|machine|host|container)\b.{0,30}\b(restarted|crashed|died|went away|shut ?down|stopped)\b",
            ),
        ),
        (
            Origin.BAG,
            (
                r"\bbag(s|it|-info|-it)?\b.{0,80}\b(invalid|incomplete|not valid|malformed|missing|untars?)\b",
                r"\bbag-info\b|\baptrust-info\b|\bbagit\.txt\b|\bbag-it\b|\bpayload\b|\boxum\b|\btag ?manifest|\bmanifest",
                r"\b(checksum|digest|md5|sha-?\d+|fixity)\b.{0,80}\b(match|mismatch|differs?|wrong|invalid|fail|expected|but)",
                r"\b(mismatch|does not match|doesn't match|do not match|don't match)\b",
                r"\b(required|mandatory|missing|illegal|invalid|empty) (tag|value|field|file ?name)s?\b|\btag\b.{0,60}\b(missing|"
                r"required|empty|illegal|invalid|not allowed|no value|must)\b",
                r"\b(not|illegal|invalid|allowed)\b.{0,40}\b(value|file ?name|serialization|profile)s?\b|\bprofile\b",
                r"\b(tar|archive)\b.{0,60}\b(corrupt|damaged|truncated|invalid|unreadable|not a|untars?|unpack|extract)",
                r"\b(fetch\.txt|untars?|folder|directory) .{0,60}\b(name|contain|expected|should|another)",
                r"\b(file|files)\b.{0,80}\b(missing|not (be )?found|not listed|does not exist|doesn't exist|unexpected|empty)\b",
                r"\bE\d{3}[a-z]?\b",  # OCFL's validation codes
            ),
        ),
        # A program's crash, unless its message is about the bag.
        (
            Origin.MACHINE,
            (r"\bTraceback \(most recent call last\)|\bpanic: |\bException in thread\b|\bgoroutine \d+\b",),
        ),
    )
)


def read_origin(note: str, names: Iterable[str] = ()) -> Origin:
    """Returns where a failure comes from, as its note says. `names`: the item's own names, which are not examined."""
    text = note[:MAX_READ]
    for name in sorted(filter(None, names), key=len, reverse=True):
        text = text.replace(name, " ")
    text = _SPACES.sub(" ", _NAMES.sub(" ", _XML_TAGS.sub(" ", text)))  # what was taken out leaves no gap
    return next((origin for origin, form in _FORMS if form.search(text)), Origin.UNKNOWN)


def is_damaged_copy(action: str, status: str, *, retry: bool) -> bool:
    """Returns whether a fixity check has failed permanently: a stored copy is damaged or can't be read."""
    return action == Action.FIXITY_CHECK and status == Status.FAILED and not retry


def responsible_party(action: str, stage: str, *, needs_admin_review: bool, reviewed: bool, origin: Origin) -> Party:
    """Returns who has to act on a permanent failure.

    If a valid bag could not be ingested, or a machine failed, the consortium has to act. Otherwise, the institution corrects
    the bag or requests the restoration again. A review closes what an institution has to do. It closes what the consortium
    has to do only if an admin makes it, who thereby clears `needs_admin_review`.
    """
    party = _party_of(action, stage, needs_admin_review=needs_admin_review, origin=origin)
    is_closed = reviewed and not (party is Party.CONSORTIUM and needs_admin_review)
    return Party.NOBODY if is_closed else party


def _party_of(action: str, stage: str, *, needs_admin_review: bool, origin: Origin) -> Party:
    if action == Action.FIXITY_CHECK:
        return Party.CONSORTIUM
    if action == Action.INGEST:
        if not is_early(action, stage) or origin is Origin.MACHINE:
            return Party.CONSORTIUM
        return Party.NOBODY if origin is Origin.REPLACED else Party.INSTITUTION
    if action in RESTORATIONS:
        return Party.INSTITUTION
    return Party.CONSORTIUM if needs_admin_review else Party.INSTITUTION
