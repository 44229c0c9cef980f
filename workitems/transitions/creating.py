"""How an item is created: checked, stored and recorded, once per upload however often a client asks."""

from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from pharos.accounts.models import User

from ..durations import At, Bag, added
from ..durations import append as record_durations
from ..failures import failures_among, record_failures
from ..lifecycle import Phase, Refused, check_new, first_stage, new_with
from ..models import HistoryEntry, WorkItem
from ..vocabulary import Action, Status
from .batch import role_of
from .values import check_values


def create(
    *, by: User, via: str = "api", at: datetime | None = None, once_in: timedelta | None = None, **fields: Any
) -> WorkItem:
    """The verb `create`: stores a new item with its first history entry. Raises Refused.

    `stage` and `status` default to the first stage of the action, Pending; `date` to now (`at`, for a demo that plays the past).

    `once_in`: if the same caller made the same item no longer ago than this, that one is returned: a client that lost the
    answer asks again.
    """
    item, now = WorkItem(**fields), at or timezone.now()
    given_date = item.date
    _prepare(item, by, now)
    with transaction.atomic():
        if once_in is not None:
            _one_at_a_time(item)
            if made := WorkItem.objects.made_before(item, date=given_date, who=by.email, since=now - once_in):
                return made
        _store(item, by, via, now)
    return item


def _prepare(item: WorkItem, by: User, now: datetime) -> None:
    """Sets what the caller has left out, and checks the item whole. Raises Refused."""
    _check_institution(item)
    item.stage = item.stage or (first_stage(item.action) if item.action in tuple(Action) else "")
    item.status = item.status or Status.PENDING
    item.date = item.date or now
    item.created_at = item.updated_at = now
    item.stage_entered_at = now
    item.version = 1  # the number of its first history entry, whatever the caller has given
    check_new(item.action, item.stage, item.status, role=role_of(by))
    check_values(WorkItem, {column.name: getattr(item, column.attname) for column in item._meta.concrete_fields})
    sets = new_with(
        item.action,
        item.status,
        identifier=item.object_identifier,
        domain=item.institution.identifier,
        item_name=item.name,
    )
    for name, value in sets.items():
        setattr(item, name, value)
    if item.status == Status.STARTED:
        item.stage_started_at = item.stage_started_at or now
    if item.reviewed and item.phase is not Phase.CLOSED:
        raise Refused("invalid", _("“reviewed” is only for closed items."), "reviewed")


def _store(item: WorkItem, by: User, via: str, now: datetime) -> None:
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
    record_durations(added(Bag.of(item), "create", None, At.of(item), now))
    record_failures(failures_among([item]))


def _check_institution(item: WorkItem) -> None:
    if item.institution_id is None:
        return  # said by check_values, as of every column that must have a value
    try:
        item.institution  # noqa: B018  asked for, so that it is fetched
    except ObjectDoesNotExist:
        number = item.institution_id
        sentence = _("There is no institution with the number %(number)s.") % {"number": number}
        raise Refused("invalid", sentence, "institution_id") from None


def _one_at_a_time(item: WorkItem) -> None:
    """Whoever makes the same item now waits for the end of this transaction. On SQLite every writer does anyway."""
    if connection.vendor == "postgresql":
        same = f"{item.institution_id} {item.action} {item.etag} {item.name}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [same])
