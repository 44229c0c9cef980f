"""What to do about permanent failures. Who has to act is decided by `lifecycle.responsible_party`."""

from collections.abc import Callable

from django.utils.translation import gettext_lazy as _

from ..lifecycle import RESTORATIONS, Origin, Party
from ..vocabulary import Action
from .rule import NOTHING_FROM_YOU, Rule
from .situation import Situation

_REQUEUE_OR_REVIEW = _(
    "Read the note. Fix the problem and requeue the item, or mark it as reviewed if nothing is left to do."
)


def _of(party: Party, *actions: Action, origin: Origin | None = None) -> Callable[[Situation], bool]:
    """The condition that this party has to act on a permanent failure of one of these actions (none: any)."""

    def applies(s: Situation) -> bool:
        if not s.failed_permanently or (actions and s.action not in actions):
            return False
        return s.party is party and (origin is None or s.origin is origin)

    return applies


FAILURE_RULES: tuple[Rule, ...] = (
    Rule(
        "uploaded-again",
        lambda s: s.failed_permanently and bool(s.other_upload),
        _("This upload failed permanently. The bag has been uploaded again since then."),
        Party.NOBODY,
        _("See the newer upload:"),
        link=lambda s: s.other_upload,
    ),
    Rule(
        "damaged-copy",
        _of(Party.CONSORTIUM, Action.FIXITY_CHECK),
        _("A stored copy is damaged or couldn't be read."),
        Party.CONSORTIUM,
        _(
            "You don't need to do anything. APTrust repairs the copy from another one. If you have questions, contact APTrust."
        ),
        _(
            "Read the note, compare the other copies, and repair the damaged one. Then requeue the check, or mark the item "
            "as reviewed and say what was done."
        ),
    ),
    Rule(
        "machine-failed",
        _of(Party.CONSORTIUM, Action.INGEST, origin=Origin.MACHINE),
        _(
            "The bag was not ingested because of a problem on APTrust's side. The bag itself wasn't found to be invalid."
        ),
        Party.CONSORTIUM,
        _("You don't need to do anything or to upload the bag again. The note says what happened."),
        _REQUEUE_OR_REVIEW,
    ),
    Rule(
        "valid-bag-failed",
        _of(Party.CONSORTIUM, Action.INGEST),
        _("The bag is valid, but it couldn't be stored."),
        Party.CONSORTIUM,
        _("You don't need to do anything or to upload the bag again. The note says what happened."),
        _REQUEUE_OR_REVIEW,
    ),
    Rule(
        "newer-in-bucket",
        lambda s: _of(Party.NOBODY, Action.INGEST, origin=Origin.REPLACED)(s) and not s.reviewed,
        _("This upload was not ingested, because a newer version of the bag was in the receiving bucket by then."),
        Party.NOBODY,
        _("The newer version has an item of its own or gets one as soon as the bucket is checked."),
    ),
    Rule(
        "gone-from-bucket",
        _of(Party.INSTITUTION, Action.INGEST, origin=Origin.GONE),
        _("The bag was no longer in the receiving bucket when its ingest started."),
        Party.INSTITUTION,
        _("If you still want it ingested, upload it again. The new upload appears as a new item."),
        _("If the depositor still wants it ingested, it needs to be uploaded again."),
    ),
    Rule(
        "invalid-bag",
        _of(Party.INSTITUTION, Action.INGEST, origin=Origin.BAG),
        _("The bag is not valid, so it was not ingested."),
        Party.INSTITUTION,
        _("Correct the bag as described in the note, and upload it again. The new upload appears as a new item."),
        _(
            "The depositor needs to correct the bag. If it is valid and the problem was on our side, requeue the item instead."
        ),
    ),
    Rule(
        "failed-upload",
        _of(Party.INSTITUTION, Action.INGEST),
        _("This upload failed permanently. The bag was not ingested, and the ingest won't be retried."),
        Party.INSTITUTION,
        _(
            "If the note is about the bag, correct the bag and upload it again. If the note is about anything else, "
            "contact APTrust."
        ),
        _(
            "If the note is about the bag, the depositor needs to correct it. If the problem was on our side, requeue the item."
        ),
    ),
    Rule(
        "failed-restoration",
        _of(Party.INSTITUTION, *RESTORATIONS),
        _("The restoration failed permanently and won't be retried."),
        Party.INSTITUTION,
        _("Read the note. If you still need the copy, request it again. If it fails again, contact APTrust."),
        _("If the problem was on our side, fix it and requeue the item; otherwise, it needs to be requested again."),
    ),
    Rule(
        "failed-needs-admin",
        _of(Party.CONSORTIUM),
        _("This item failed, and an APTrust admin needs to look at it."),
        Party.CONSORTIUM,
        NOTHING_FROM_YOU,
        _REQUEUE_OR_REVIEW,
    ),
    Rule(
        "failed",
        _of(Party.INSTITUTION),
        _("This item failed permanently and won't be retried."),
        Party.INSTITUTION,
        _("Read the note. If you still need this, request it again."),
        _("If the problem was on our side, fix it and requeue the item; otherwise, it needs to be requested again."),
    ),
    Rule(
        "reviewed-upload",
        lambda s: s.failed_permanently and s.action == Action.INGEST,
        _("This upload failed permanently, and the bag was not ingested. It has been reviewed."),
        Party.NOBODY,
        _("If the bag is still needed, correct it as described in the note and upload it again."),
    ),
    Rule(
        "reviewed-failure",
        lambda s: s.failed_permanently,
        _("This item failed permanently. It has been reviewed."),
        Party.NOBODY,
        _("If it is still needed, request it again."),
    ),
)
