"""Presets, which are lists that a role often needs, and lists that need action. Each is a query string."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from pharos.accounts.roles import Role

Text = str | Promise


class Preset(NamedTuple):
    label: Text
    query: str


_IN_PROGRESS = Preset(_("In progress"), "phase=open&phase=held")
# `phase` says nothing more, but lets the database leave out what is open.
_NEEDS_ME = Preset(_("Needs me"), "phase=closed&acts=institution")
_TO_REVIEW = Preset(_("Finished, not reviewed"), "phase=closed&reviewed=false")
_NEEDS_ADMIN = Preset(
    _("Needs admin review"),
    # Workers set the flag on every fatal error, so failures on which nobody has to act any more still have it.
    "needs_admin_review=true&acts=institution&acts=consortium",
)
_LATE = Preset(_("Late"), "late=true&superseded=false&duplicate=false")
_SUSPENDED = Preset(_("Suspended"), "status=Suspended")
_FAILED = Preset(_("Failed, not reviewed"), "status=Failed&phase=closed&reviewed=false")

PRESETS: dict[str, tuple[Preset, ...]] = {
    Role.DEPOSITOR: (_IN_PROGRESS, _NEEDS_ME),
    Role.STAFF: (_TO_REVIEW, _NEEDS_ME, _IN_PROGRESS),
    Role.ADMIN: (
        _NEEDS_ADMIN,
        _LATE,
        _SUSPENDED,
        Preset(_("No change for longest"), "phase=open&superseded=false&duplicate=false&sort=-updated"),
        Preset(pgettext_lazy("several items", "Superseded"), "superseded=true"),
        _FAILED,
        _IN_PROGRESS,
    ),
}


def presets_for(role: str) -> tuple[Preset, ...]:
    return PRESETS.get(role, ())


class Need(NamedTuple):
    """A list that needs action as soon as it isn't empty: its label, what to do, and its tone (advice.Tone).

    `is_pressing`: the reader needs to act, and soon.
    """

    label: Text
    query: str
    hint: Text
    tone: str
    is_pressing: bool = True


# Together, the next two have what "Needs me" has; apart, each is counted by an index.
_UPLOADS_FAILED = Need(
    _("Failed, your turn"),
    "status=Failed&phase=closed&reviewed=false&acts=institution",
    _("Correct the bag as its note says and upload it again, or request the restoration again."),
    "failed",
)
_PARTS_MISSING = Need(
    _("Parts missing"),
    "missing_part=true",
    _("Of these split bags, a part never came. Upload it, or mark the item as reviewed if nothing more will come."),
    "held",
)
_DAMAGED_QUERY = "item_action=Fixity+Check&status=Failed&phase=closed&reviewed=false"
_DAMAGED = Need(
    _("Damaged copies"),
    _DAMAGED_QUERY,
    _("APTrust repairs them from the other copies. You don't need to do anything."),
    "failed",
    is_pressing=False,
)
_SLOW = Need(
    _("Late"),
    _LATE.query,
    _("Slower than 95\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}of similar items. APTrust can see this too."),
    "held",
    is_pressing=False,
)
_ON_HOLD = Need(
    _("On hold for APTrust"),
    _SUSPENDED.query,
    _("Waiting for APTrust's decision. You don't need to do anything."),
    "held",
    is_pressing=False,
)

# Most urgent first.
NEEDS: dict[str, tuple[Need, ...]] = {
    Role.DEPOSITOR: (_DAMAGED, _UPLOADS_FAILED, _PARTS_MISSING, _SLOW, _ON_HOLD),
    Role.STAFF: (
        _DAMAGED,
        _UPLOADS_FAILED,
        _PARTS_MISSING,
        Need(*_TO_REVIEW, _("Check each result and mark it as reviewed."), "done", is_pressing=False),
        _SLOW,
        _ON_HOLD,
    ),
    Role.ADMIN: (
        Need(
            _("Damaged copies"),
            _DAMAGED_QUERY,
            _("Repair each from another copy. Then requeue the check, or mark it as reviewed and say what was done."),
            "failed",
        ),
        Need(
            *_NEEDS_ADMIN,
            _("Workers stopped or gave up. Read each note, and requeue, cancel, or review the item."),
            "held",
        ),
        Need(
            *_LATE,
            _("Slower than 95\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}of similar items. Check whether anything is stuck."),
            "held",
        ),
        Need(
            _("No sign of life"),
            "silent=true&superseded=false&duplicate=false",
            _("Started, and then not touched for too long. Check their workers, and requeue the items if needed."),
            "held",
        ),
        Need(*_SUSPENDED, _("On hold until an admin decides."), "held"),
        Need(*_FAILED, _("Failed permanently and not yet reviewed."), "failed"),
    ),
}


def needs_for(role: str) -> tuple[Need, ...]:
    return NEEDS.get(role, ())
