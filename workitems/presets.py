"""Lists that a role needs often. Each is a plain query string of the list."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User
from pharos.accounts.roles import Role


class Preset(NamedTuple):
    label: str | Promise
    query: str


_IN_PROGRESS = Preset(_("In progress"), "phase=open&phase=held")
# What explain.RULES says the institution has to act on: uploads that failed for good, and that nothing has replaced.
_NEEDS_ME = Preset(
    _("Needs me"),
    "item_action=Ingest&status=Failed&phase=closed&reviewed=false&other_upload=false&needs_admin_review=false",
)
_TO_REVIEW = Preset(_("Finished, not reviewed"), "phase=closed&reviewed=false")

PRESETS: dict[str, tuple[Preset, ...]] = {
    Role.DEPOSITOR: (_IN_PROGRESS, _NEEDS_ME),
    Role.STAFF: (_TO_REVIEW, _NEEDS_ME, _IN_PROGRESS),
    Role.ADMIN: (
        Preset(
            _("Needs admin review"),
            "needs_admin_review=true&status=Pending&status=Started&status=Failed&status=Suspended",
        ),
        Preset(_("Suspended"), "status=Suspended"),
        Preset(_("Longest without a change"), "phase=open&superseded=false&duplicate=false&sort=-updated"),
        Preset(_("Superseded"), "superseded=true"),
        Preset(_("Failed, not reviewed"), "status=Failed&phase=closed&reviewed=false"),
        _IN_PROGRESS,
    ),
}


def presets_for(user: User) -> tuple[Preset, ...]:
    return PRESETS.get(user.role, ())
