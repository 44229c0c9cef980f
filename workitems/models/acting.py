"""Which items somebody has to act on: conditions in SQL for what `explanations.advise` says about a single item.

Like the advice, they take other uploads of the bag into account. A test compares both for every kind of item.
"""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from ..lifecycle import EARLY_STAGES, RESTORATIONS, Origin
from ..vocabulary import Action
from . import uploads
from .failure import Failure
from .phases import HELD, NOT_CLOSED, OPEN

_EARLY_INGEST = Q(action=Action.INGEST, stage__in=EARLY_STAGES)
_LATE_INGEST = Q(action=Action.INGEST) & ~Q(stage__in=EARLY_STAGES)
_RESTORATION = Q(action__in=RESTORATIONS)
_BY_FLAG = Q(action__in=(Action.DELETE, Action.DPN))


def _has_origin(*origins: Origin) -> Any:
    return Exists(Failure.objects.filter(item=OuterRef("pk"), origin__in=origins))


def _failed_without_other_upload(rows: Any, items: QuerySet) -> Any:
    return uploads.annotate_other_uploads(rows.filter(uploads.FAILED_PERMANENTLY), items).filter(other_upload_id=None)


def institution_acts(rows: Any, items: QuerySet) -> Any:
    """Returns those of the rows on which the institution has to act. `items`: all items."""
    wrong_bag = _EARLY_INGEST & ~_has_origin(Origin.MACHINE, Origin.REPLACED)
    theirs = wrong_bag | _RESTORATION | (_BY_FLAG & Q(needs_admin_review=False))
    return _failed_without_other_upload(rows.filter(theirs, reviewed=False), items)


def awaits_second_review(rows: Any) -> Any:
    """Returns those of the rows whose failure an institution has reviewed while the consortium still has to act."""
    return rows.filter(uploads.FAILED_PERMANENTLY & _ours(), reviewed=True, needs_admin_review=True)


def _ours() -> Q:
    """The condition that a permanent failure is the consortium's to deal with."""
    early = _EARLY_INGEST & _has_origin(Origin.MACHINE)
    return Q(action=Action.FIXITY_CHECK) | _LATE_INGEST | early | (_BY_FLAG & Q(needs_admin_review=True))


def consortium_acts(rows: Any, items: QuerySet) -> Any:
    """Returns those of the rows on which the consortium has to act. `items`: all items."""
    failed = uploads.FAILED_PERMANENTLY & _ours() & (Q(reviewed=False) | Q(needs_admin_review=True))
    waiting = NOT_CLOSED & (HELD | (OPEN & Q(needs_admin_review=True)))
    rows = uploads.annotate_duplicates(rows.filter(failed | waiting), items)
    rows = uploads.annotate_other_uploads(uploads.annotate_superseded(rows, items), items)
    is_processed = Q(superseded_by_id=None, duplicate_of_id=None)
    return rows.filter((waiting & is_processed) | (failed & Q(other_upload_id=None)))
