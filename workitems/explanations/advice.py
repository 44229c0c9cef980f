"""Explains an item's state in plain words: in a row of the list, and as "What now?" on the item's page.

The explanation uses everything known about the item, never from the status alone: a worker often leaves an item Started
when it hits a temporary problem, and also when it gives up. Pure: no database, no request.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pharos.accounts.roles import Permission, has_permission

from ..lifecycle import Phase, phase_of
from ..notes import find_faults
from ..vocabulary import Action, Stage, Status

Text = str | Promise


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
class Situation:
    """What is known about an item. The upload ids are those of other uploads of the same bag."""

    action: str
    stage: str
    status: str
    retry: bool
    needs_admin_review: bool
    reviewed: bool
    has_node: bool
    stage_entered_at: datetime | None
    note: str = ""
    superseded_by: int | None = None
    duplicate_of: int | None = None
    other_upload: int | None = None

    @property
    def phase(self) -> Phase:
        return phase_of(self.status, retry=self.retry)

    @property
    def is_waiting_duplicate(self) -> bool:
        return bool(self.duplicate_of) and self.phase is not Phase.CLOSED

    @property
    def gave_up(self) -> bool:
        """Whether a worker left it Started and it won't continue automatically."""
        return self.status == Status.STARTED and self.needs_admin_review and not self.retry


@dataclass(frozen=True)
class StatusLabel:
    """A status as a row shows it."""

    tone: Tone
    text: str
    detail: str = ""


def first_line(note: str, limit: int = 140) -> str:
    """Returns the first meaningful line of a note: of its first fault, without a verdict such as "… is not valid." before."""
    faults = find_faults(note).texts
    line = faults[0].splitlines()[0] if faults else ""
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


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
    tone = Tone.QUIET if state.reviewed or state.other_upload else Tone.FAILED
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


class Who(StrEnum):
    """Who needs to act."""

    NOBODY = "nobody"
    INSTITUTION = "institution"
    CONSORTIUM = "consortium"


@dataclass(frozen=True)
class Advice:
    """What the state means, who needs to act, and what to do next. `link`: the id of the item that `next` refers to."""

    meaning: Text
    who: Who
    next: Text
    link: int | None = None


@dataclass(frozen=True)
class Rule:
    applies: Callable[[Situation], bool]
    meaning: Text
    who: Who
    next: Text
    next_for_admin: Text | None = None
    link: Callable[[Situation], int | None] = lambda state: None


_t = gettext_lazy

_SUCCEEDED: dict[str, tuple[Text, Text]] = {
    Action.INGEST: (_t("The bag is in preservation storage."), ""),
    Action.RESTORE: (
        _t("Your restored copy is in the restoration bucket."),
        _t("You can download and check it. The note says where it is."),
    ),
    Action.GLACIER_RESTORE: (
        _t("The files have been retrieved from Glacier."),
        _t("Their restoration to the bucket follows as a separate item."),
    ),
    Action.DELETE: (_t("It has been deleted from preservation storage."), ""),
    Action.FIXITY_CHECK: (_t("The stored copies match their checksums."), ""),
    Action.DPN: (_t("The object has been copied to DPN."), ""),
}

_LOOK = _t("See the upload that counts:")
_DECIDE = _t("Read the note, fix the problem it describes, and then requeue or cancel the item.")
_NOTHING_FROM_YOU = _t("You don't need to do anything. The note explains why.")


def _failed_permanently(s: Situation) -> bool:
    return s.status == Status.FAILED and not s.retry


# The first rule that applies is used. Rules that override others come first, rules for a single status last.
RULES: tuple[Rule, ...] = (
    Rule(
        lambda s: bool(s.superseded_by),
        _t(
            "A different version of this bag was uploaded later. Only the latest upload is processed, so this one "
            "will never be ingested."
        ),
        Who.NOBODY,
        _LOOK,
        link=lambda s: s.superseded_by,
    ),
    Rule(
        lambda s: s.is_waiting_duplicate,
        _t(
            "The same file, with the same etag, was uploaded earlier. It is ingested only once, so this item won't "
            "be ingested."
        ),
        Who.NOBODY,
        _LOOK,
        link=lambda s: s.duplicate_of,
    ),
    Rule(
        lambda s: s.phase is Phase.HELD,
        _t("Work on this item is on hold until an APTrust admin decides."),
        Who.CONSORTIUM,
        _NOTHING_FROM_YOU,
        _DECIDE,
    ),
    Rule(
        lambda s: s.phase is Phase.OPEN and s.needs_admin_review,
        _t(
            "A worker stopped and needs a decision. Nothing more will happen until an APTrust admin has looked at "
            "this item."
        ),
        Who.CONSORTIUM,
        _NOTHING_FROM_YOU,
        _DECIDE,
    ),
    Rule(
        lambda s: s.status == Status.FAILED and s.retry,
        _t("There was a temporary problem, such as a network or disk failure. The task will be retried automatically."),
        Who.NOBODY,
        _t("If it keeps failing, an APTrust admin will step in."),
        _t("If it keeps failing with the same note, look into the cause."),
    ),
    Rule(
        lambda s: s.status == Status.STARTED and not s.retry,
        _t("Work on this stage has started. If it is interrupted, it won't be retried automatically."),
        Who.NOBODY,
        _t("If this doesn't change for a long time, contact APTrust."),
        _t("If nothing changes for a long time, check whether its worker is still running, and then requeue the item."),
    ),
    Rule(
        lambda s: s.status == Status.STARTED and not s.has_node and s.action == Action.INGEST,
        _t(
            "This stage has started, but no worker is processing it at the moment. It will be picked up again "
            "automatically, possibly at an earlier stage."
        ),
        Who.NOBODY,
        "",
        _t("If this doesn't change for a long time, requeue the item."),
    ),
    Rule(
        lambda s: s.status == Status.STARTED and s.stage == Stage.REQUESTED,
        _t("A worker is processing this item. Large bags take hours."),
        Who.NOBODY,
        "",
    ),
    Rule(
        lambda s: s.status == Status.STARTED,
        _t("A worker is processing this stage. Large bags take hours."),
        Who.NOBODY,
        "",
    ),
    Rule(
        lambda s: s.status == Status.PENDING and s.stage == Stage.RECEIVE,
        _t("The bag has been found in the receiving bucket and is waiting its turn."),
        Who.NOBODY,
        _t("In busy weeks, this can take two days."),
    ),
    Rule(
        lambda s: s.status == Status.PENDING and s.stage == Stage.REQUESTED,
        _t("The request has been recorded and is waiting its turn."),
        Who.NOBODY,
        "",
    ),
    Rule(
        lambda s: s.status == Status.PENDING,
        _t("The item is waiting for a free worker to start this stage."),
        Who.NOBODY,
        "",
    ),
    Rule(
        lambda s: s.status == Status.FAILED and bool(s.other_upload),
        _t("This upload failed permanently. The bag has been uploaded again since then."),
        Who.NOBODY,
        _t("See the newer upload:"),
        link=lambda s: s.other_upload,
    ),
    Rule(
        lambda s: _failed_permanently(s) and s.needs_admin_review,
        _t("This item failed, and an APTrust admin needs to look at it."),
        Who.CONSORTIUM,
        _NOTHING_FROM_YOU,
        _t("Read the note. Then requeue the item, or edit it to clear “Needs admin review”."),
    ),
    Rule(
        lambda s: _failed_permanently(s) and s.reviewed and s.action == Action.INGEST,
        _t("This upload failed permanently, and the bag was not ingested. It has been reviewed."),
        Who.NOBODY,
        _t("If the bag is still needed, correct it as described in the note and upload it again."),
    ),
    Rule(
        lambda s: _failed_permanently(s) and s.reviewed,
        _t("This item failed permanently. It has been reviewed."),
        Who.NOBODY,
        _t("If it is still needed, request it again."),
    ),
    Rule(
        lambda s: _failed_permanently(s) and s.action == Action.INGEST,
        _t("This upload failed permanently. The bag was not ingested, and the ingest won't be retried."),
        Who.INSTITUTION,
        _t("Correct the bag as described in the note, and upload it again. The new upload appears as a new item."),
        _t(
            "If the bag is valid and the problem was on our side, requeue the item; otherwise, the depositor needs "
            "to correct the bag."
        ),
    ),
    Rule(
        lambda s: _failed_permanently(s) and s.action == Action.FIXITY_CHECK,
        _t("A stored copy couldn't be checked or doesn't match its checksum."),
        Who.CONSORTIUM,
        _t("You don't need to do anything. If you have questions, contact APTrust."),
        _t("Read the note, compare the other copies, repair the damaged one, and then requeue the check."),
    ),
    Rule(
        _failed_permanently,
        _t("This item failed permanently and won't be retried."),
        Who.INSTITUTION,
        _t("Read the note. If you still need this, request it again."),
        _t("If the problem was on our side, fix it and requeue the item; otherwise, it needs to be requested again."),
    ),
    Rule(
        lambda s: s.status == Status.CANCELLED and bool(s.other_upload),
        _t("This upload was cancelled. Another upload of the bag is processed instead."),
        Who.NOBODY,
        _LOOK,
        link=lambda s: s.other_upload,
    ),
    Rule(
        lambda s: s.status == Status.CANCELLED and s.action == Action.INGEST,
        _t("This upload was cancelled before the bag was ingested. The note says why."),
        Who.NOBODY,
        _t("Nothing more will happen. If you still want the bag ingested, upload it again."),
    ),
    Rule(
        lambda s: s.status == Status.CANCELLED,
        _t("This item was cancelled. The note says why."),
        Who.NOBODY,
        _t("Nothing more will happen. If it is still needed, request it again."),
    ),
)


def advise(state: Situation, role: str) -> Advice:
    """Returns what the situation means for a reader with this role, who needs to act, and what to do next."""
    if state.status == Status.SUCCESS:
        meaning, then = _SUCCEEDED.get(state.action, (_("The task is complete."), ""))
        if has_permission(role, Permission.REVIEW) and not state.reviewed:
            then = " ".join(filter(None, [str(then), _("Mark it as reviewed once you have checked it.")]))
        return Advice(meaning, Who.NOBODY, then)
    for rule in RULES:
        if rule.applies(state):
            is_admin = has_permission(role, Permission.REQUEUE)
            return Advice(rule.meaning, rule.who, (is_admin and rule.next_for_admin) or rule.next, rule.link(state))
    return Advice(
        _("Pharos doesn't recognize the status “%(status)s”.") % {"status": state.status},
        Who.CONSORTIUM,
        _("Contact APTrust."),
    )


def format_item_count(number: int) -> str:
    """Formats a number of items: 1 item, 12,438 items."""
    return ngettext("%(number)s item", "%(number)s items", number) % {"number": f"{number:,}"}
