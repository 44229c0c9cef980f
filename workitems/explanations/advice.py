"""Explains an item's state in plain words: in a row of the list, and as "What now?" on the item's page.

The explanation uses everything known about the item, never from the status alone: a worker often leaves an item Started
when it hits a temporary problem, and also when it gives up. Pure: no database, no request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pharos.accounts.roles import Permission, has_permission

from ..lifecycle import Party, Phase
from ..notes import find_faults, make_readable
from ..vocabulary import Action, Stage, Status
from .failure_advice import FAILURE_RULES
from .restored_copy import find_copy
from .rule import NOTHING_FROM_YOU, Advice, Rule, Text
from .situation import Situation
from .split_bags import advise_on_missing


class Tone(StrEnum):
    """The color and shape of a status, always shown together with its text."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    RETRYING = "retrying"
    HELD = "held"
    CANCELLED = "cancelled"
    QUIET = "quiet"  # a failure that needs no action any more
    SUPERSEDED = "superseded"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class StatusLabel:
    """A status as a row shows it."""

    tone: Tone
    text: str
    detail: str = ""


def first_line(note: str, limit: int = 140) -> str:
    """Returns the first meaningful line of a note: of its first fault, without a verdict such as "… is not valid." before."""
    line = _cached_first_line(note) if len(note) <= _LONGEST_CACHED else _first_line(note)
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def _first_line(note: str) -> str:
    faults = find_faults(note).texts
    return make_readable(faults[0].splitlines()[0]) if faults else ""


_LONGEST_CACHED = 500  # characters: as much of a note as rows load
# The rows of a page are shown again and again, and reading a note takes a third of a millisecond.
_cached_first_line = lru_cache(maxsize=2048)(_first_line)


NO_BREAK = "\N{NO-BREAK SPACE}"  # between a number and its unit


def format_unit(number: int, unit: str) -> str:
    """Formats a time in one unit, which is s, min, h, or d: 45 s, 6 min."""
    if unit == "s":
        text = _("%(number)d s")
    elif unit == "min":
        text = _("%(number)d min")
    else:
        text = _("%(number)d h") if unit == "h" else _("%(number)d d")
    return (text % {"number": number}).replace(" ", NO_BREAK)


def format_duration(time: timedelta) -> str:
    """Formats how long something took or has taken: 45 s, 6 min, 1 h 08 min, 3 d."""
    seconds = max(0, int(time.total_seconds()))
    if seconds >= 86_400:
        return format_unit(seconds // 86_400, "d")
    hours, minutes = seconds // 3600, seconds // 60 % 60
    if hours:
        text = _("%(hours)d h %(minutes)02d min") % {"hours": hours, "minutes": minutes}
        return text.replace(" ", NO_BREAK)
    return format_unit(minutes, "min") if minutes else format_unit(seconds, "s")


def describe_status(state: Situation, now: datetime) -> StatusLabel:
    """Returns the status in a few words, with its tone."""
    if state.superseded_by:
        return StatusLabel(Tone.SUPERSEDED, _("Superseded at %(stage)s") % {"stage": state.stage})
    if state.gave_up:
        return StatusLabel(
            Tone.HELD, _("Stopped at %(stage)s, waiting for APTrust") % {"stage": state.stage}, first_line(state.note)
        )
    if state.is_waiting_duplicate:
        return StatusLabel(Tone.SUPERSEDED, _("Duplicate, not ingested again"))
    describe = _WORDS.get(state.status, _unknown)
    return describe(state, now)


def _waiting(state: Situation, now: datetime) -> StatusLabel:
    return StatusLabel(Tone.WAITING, _("Waiting: %(stage)s") % {"stage": state.stage})


def _running(state: Situation, now: datetime) -> StatusLabel:
    # Counted like the "Late" badge: from when the item reached the stage, even if a worker started the stage again later.
    since = f", {format_duration(now - state.stage_entered_at)}" if state.stage_entered_at else ""
    # Requested and started means that the operation is in progress (member API, version 8).
    running = _("Running") if state.stage == Stage.REQUESTED else _("Running: %(stage)s") % {"stage": state.stage}
    return StatusLabel(Tone.RUNNING, running + since)


def _done(state: Situation, now: datetime) -> StatusLabel:
    return StatusLabel(Tone.DONE, _("Done"))


def _failed(state: Situation, now: datetime) -> StatusLabel:
    if state.retry:
        return StatusLabel(
            Tone.RETRYING, _("Will be retried: %(stage)s") % {"stage": state.stage}, first_line(state.note)
        )
    is_settled = state.other_upload or state.party is Party.NOBODY
    tone = Tone.QUIET if is_settled else Tone.FAILED
    failed = _("Failed") if state.stage == Stage.REQUESTED else _("Failed at %(stage)s") % {"stage": state.stage}
    return StatusLabel(tone, failed, first_line(state.note))


def _held(state: Situation, now: datetime) -> StatusLabel:
    return StatusLabel(Tone.HELD, _("On hold for APTrust"), first_line(state.note))


def _cancelled(state: Situation, now: datetime) -> StatusLabel:
    return StatusLabel(Tone.CANCELLED, _("Cancelled"), first_line(state.note))


def _unknown(state: Situation, now: datetime) -> StatusLabel:
    return StatusLabel(Tone.UNKNOWN, state.status)


_WORDS: dict[str, Callable[[Situation, datetime], StatusLabel]] = {
    Status.PENDING: _waiting,
    Status.STARTED: _running,
    Status.SUCCESS: _done,
    Status.FAILED: _failed,
    Status.SUSPENDED: _held,
    Status.CANCELLED: _cancelled,
}


_t = gettext_lazy

_SUCCEEDED: dict[str, tuple[Text, Text]] = {
    Action.INGEST: (_t("The bag is in preservation storage."), ""),
    Action.RESTORE: (
        _t("Your restored copy is in the restoration bucket."),
        _t("You can download and check it. If the note doesn't say where it is, contact APTrust."),
    ),
    Action.GLACIER_RESTORE: (
        _t("The files have been retrieved from Glacier."),
        _t("Their restoration to the bucket follows as a separate item."),
    ),
    Action.DELETE: (_t("It has been deleted from preservation storage."), ""),
    Action.FIXITY_CHECK: (_t("The stored copies match their checksums."), ""),
    Action.DPN: (_t("The object has been copied to DPN."), ""),
}

_COPY_WITH_ADDRESS = _t("You can download and check it. Its address is below.")
_COPY_OVER = (
    _t("Your restored copy was in the restoration bucket for a limited time, which has passed."),
    _t("If you still need it, request it again."),
)

_LOOK = _t("See the upload that counts:")
_DECIDE = _t("Read the note, fix the problem it describes, and then requeue or cancel the item.")


# The first rule that applies is used. Rules that override others come first, rules for a single status last.
RULES: tuple[Rule, ...] = (
    Rule(
        "superseded",
        lambda s: bool(s.superseded_by),
        _t(
            "This bag was uploaded again later, with another etag. Only the latest upload is processed, so this one "
            "will never be ingested."
        ),
        Party.NOBODY,
        _LOOK,
        link=lambda s: s.superseded_by,
    ),
    Rule(
        "duplicate",
        lambda s: s.is_waiting_duplicate,
        _t(
            "The same file, with the same etag, was uploaded earlier. It is ingested only once, so this item won't "
            "be ingested."
        ),
        Party.NOBODY,
        _LOOK,
        link=lambda s: s.duplicate_of,
    ),
    Rule(
        "on-hold",
        lambda s: s.phase is Phase.HELD,
        _t("Work on this item is on hold until an APTrust admin decides."),
        Party.CONSORTIUM,
        NOTHING_FROM_YOU,
        _DECIDE,
    ),
    Rule(
        "needs-decision",
        lambda s: s.phase is Phase.OPEN and s.needs_admin_review,
        _t(
            "A worker stopped and needs a decision. Nothing more will happen until an APTrust admin has looked at "
            "this item."
        ),
        Party.CONSORTIUM,
        NOTHING_FROM_YOU,
        _DECIDE,
    ),
    Rule(
        "retried",
        lambda s: s.status == Status.FAILED and s.retry,
        _t("There was a temporary problem, such as a network or disk failure. The task will be retried automatically."),
        Party.NOBODY,
        _t("If it keeps failing, an APTrust admin will step in."),
        _t("If it keeps failing with the same note, look into the cause."),
    ),
    Rule(
        "no-sign-of-life",
        lambda s: s.status == Status.STARTED and s.is_silent,
        _t("A worker started this stage, but nothing has changed since then for longer than it should take."),
        Party.CONSORTIUM,
        _t("You don't need to do anything. APTrust can see this too."),
        _t("Check whether its worker is still running. If not, requeue the item."),
    ),
    Rule(
        "no-retry",
        lambda s: s.status == Status.STARTED and not s.retry,
        _t("Work on this stage has started. If it is interrupted, it won't be retried automatically."),
        Party.NOBODY,
        _t("If this doesn't change for a long time, contact APTrust."),
        _t("If nothing changes for a long time, check whether its worker is still running, and then requeue the item."),
    ),
    Rule(
        "not-claimed",
        lambda s: s.status == Status.STARTED and not s.has_node and s.action == Action.INGEST,
        _t(
            "This stage has started, but no worker is processing it at the moment. It will be picked up again "
            "automatically, possibly at an earlier stage."
        ),
        Party.NOBODY,
        "",
        _t("If this doesn't change for a long time, requeue the item."),
    ),
    Rule(
        "in-progress",
        lambda s: s.status == Status.STARTED and s.stage == Stage.REQUESTED,
        _t("A worker is processing this item. Large bags take hours."),
        Party.NOBODY,
        "",
    ),
    Rule(
        "running",
        lambda s: s.status == Status.STARTED,
        _t("A worker is processing this stage. Large bags take hours."),
        Party.NOBODY,
        "",
    ),
    Rule(
        "awaits-upload",
        lambda s: s.status == Status.PENDING and bool(s.waits_for),
        _t(
            "An earlier upload of this bag has already reached storage, so it is finished first. This one is ingested "
            "after that, as an update."
        ),
        Party.NOBODY,
        _t("See the upload that it is waiting for:"),
        link=lambda s: s.waits_for,
    ),
    Rule(
        "received",
        lambda s: s.status == Status.PENDING and s.stage == Stage.RECEIVE,
        _t("The bag has been found in the receiving bucket and is waiting its turn."),
        Party.NOBODY,
        _t("In busy weeks, this can take two days."),
    ),
    Rule(
        "requested",
        lambda s: s.status == Status.PENDING and s.stage == Stage.REQUESTED,
        _t("The request has been recorded and is waiting its turn."),
        Party.NOBODY,
        "",
    ),
    Rule(
        "waiting",
        lambda s: s.status == Status.PENDING,
        _t("The item is waiting for a free worker to start this stage."),
        Party.NOBODY,
        "",
    ),
    *FAILURE_RULES,
    Rule(
        "cancelled-replaced",
        lambda s: s.status == Status.CANCELLED and bool(s.other_upload),
        _t("This upload was cancelled. Another upload of the bag is processed instead."),
        Party.NOBODY,
        _LOOK,
        link=lambda s: s.other_upload,
    ),
    Rule(
        "cancelled-upload",
        lambda s: s.status == Status.CANCELLED and s.action == Action.INGEST,
        _t("This upload was cancelled before the bag was ingested. The note says why."),
        Party.NOBODY,
        _t("Nothing more will happen. If you still want the bag ingested, upload it again."),
    ),
    Rule(
        "cancelled",
        lambda s: s.status == Status.CANCELLED,
        _t("This item was cancelled. The note says why."),
        Party.NOBODY,
        _t("Nothing more will happen. If it is still needed, request it again."),
    ),
)


def advise(state: Situation, role: str) -> Advice:
    """Returns what the situation means for a reader with this role, who needs to act, and what to do next."""
    if state.status == Status.SUCCESS and state.incomplete_bag and not state.reviewed:
        return advise_on_missing(state.incomplete_bag, role)
    if state.status == Status.SUCCESS:
        meaning, then = _describe_success(state)
        if has_permission(role, Permission.REVIEW) and not state.reviewed:
            then = " ".join(filter(None, [str(then), _("Mark it as reviewed once you have checked it.")]))
        return Advice(meaning, Party.NOBODY, then, "done")
    for rule in RULES:
        if rule.applies(state):
            is_admin = has_permission(role, Permission.REQUEUE)
            then = (is_admin and rule.next_for_admin) or rule.next
            return Advice(_with_parts(rule, state), rule.who, then, rule.code, rule.link(state))
    return Advice(
        _("Pharos doesn't recognize the status “%(status)s”.") % {"status": state.status},
        Party.CONSORTIUM,
        _("Contact APTrust."),
        "unknown-status",
    )


def _describe_success(state: Situation) -> tuple[Text, Text]:
    """What a success means, and what to do next."""
    if state.action == Action.RESTORE:
        if state.is_copy_over:
            return _COPY_OVER
        copy = find_copy(state.action, state.status, state.note, None, state.names)
        if copy and copy.address:
            return _SUCCEEDED[Action.RESTORE][0], _COPY_WITH_ADDRESS
    return _SUCCEEDED.get(state.action, (_("The task is complete."), ""))


def _with_parts(rule: Rule, state: Situation) -> Text:
    """The meaning of a rule; about another etag, it adds that the etag also depends on how a file is sent."""
    if rule.code != "superseded" or not state.is_multipart:
        return rule.meaning
    hint = _("It may be the same file, sent in other parts.")
    return f"{rule.meaning} {hint}"


def format_item_count(number: int) -> str:
    """Formats a number of items: 1 item, 12,438 items."""
    return ngettext("%(number)s item", "%(number)s items", number) % {"number": f"{number:,}"}
