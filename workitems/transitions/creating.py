"""Creates an item: checks it, stores it, and records it, once per upload even if a client repeats the request."""

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from pharos.accounts.models import User

from ..durations import ItemProfile, StagePosition, measure, record_durations
from ..failures import failed_items, record_failures
from ..lifecycle import Phase, Refused, check_creation, check_received, fields_on_creation, first_stage, normalize_etag
from ..models import HistoryEntry, WorkItem
from ..vocabulary import Action, Status
from .batch import effective_role
from .values import check_values


def create(
    *,
    by: User,
    via: str = "api",
    at: datetime | None = None,
    deduplicate_within: timedelta | None = None,
    **fields: Any,
) -> WorkItem:
    """Stores a new item with its first history entry. Raises Refused.

    `stage` and `status` default to the action's first stage and Pending, `date` to now. `at`: when it is created, if not now.

    `deduplicate_within`: if the same caller created the same item within this time, that item is returned, so that a
    client can repeat a request whose response it lost.
    """
    item, now = WorkItem(**fields), at or timezone.now()
    given_date = item.date
    _prepare(item, by, now)
    with transaction.atomic():
        if deduplicate_within is not None:
            _lock_same_upload(item)
            if made := WorkItem.objects.find_resubmission(
                item, date=given_date, who=by.email, since=now - deduplicate_within
            ):
                return made
        _insert(item, by, via, now)
    return item


def _prepare(item: WorkItem, by: User, now: datetime) -> None:
    """Fills in what the caller left out, and checks the complete item. Raises Refused."""
    _check_institution(item)
    item.stage = item.stage or (first_stage(item.action) if item.action in tuple(Action) else "")
    item.status = item.status or Status.PENDING
    item.date = item.date or now
    item.created_at = item.updated_at = now
    item.stage_entered_at = now
    item.version = 1  # the number of its first history entry, whatever the caller sent
    check_creation(item.action, item.stage, item.status, role=effective_role(by))
    check_values(WorkItem, {column.name: getattr(item, column.attname) for column in item._meta.concrete_fields})
    check_received(item.date, now)
    sets = fields_on_creation(
        item.action,
        item.status,
        identifier=item.object_identifier,
        domain=item.institution.identifier,
        item_name=item.name,
    )
    for name, value in sets.items():
        setattr(item, name, value)
    item.etag = normalize_etag(item.etag)
    if item.status == Status.STARTED:
        item.stage_started_at = item.stage_started_at or now
    item.finished_at = now if item.phase is Phase.CLOSED else None
    if item.reviewed and item.phase is not Phase.CLOSED:
        raise Refused("invalid", _("“reviewed” is only for closed items."), "reviewed")


def _insert(item: WorkItem, by: User, via: str, now: datetime) -> None:
    item.save(force_insert=True)
    HistoryEntry.objects.create(
        item=item,
        number=1,
        at=now,
        who=by.email,
        via=via,
        move="create",
        stage_after=item.stage,
        status_after=item.status,
        note=item.note,
    )
    record_durations(measure(ItemProfile.of(item), "create", None, StagePosition.of(item), now))
    record_failures(failed_items([item]))


def _check_institution(item: WorkItem) -> None:
    if item.institution_id is None:
        return  # check_values reports this, like any missing value
    try:
        item.institution  # noqa: B018  loads the institution
    except ObjectDoesNotExist:
        number = item.institution_id
        sentence = _("There is no institution with the number %(number)s.") % {"number": number}
        raise Refused("invalid", sentence, "institution_id") from None


def _lock_same_upload(item: WorkItem) -> None:
    """Makes others who create the same item wait for this transaction. On SQLite every writer waits anyway."""
    if connection.vendor == "postgresql":
        same = f"{item.institution_id} {item.action} {item.etag} {item.name}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [same])
