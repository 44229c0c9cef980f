"""Objects in preservation storage, as far as work items tell of them: this product keeps no record of its own."""

from dataclasses import dataclass
from datetime import datetime

from pharos.accounts.models import User

from ..models import WorkItem

ACTIVE = "A"
DELETED = "D"


@dataclass(frozen=True)
class StoredObject:
    """An object as its last successful ingest shows it: `id` and the times are that item's. None: not known here."""

    id: int
    identifier: str
    institution: str  # its domain
    state: str
    created_at: datetime
    updated_at: datetime
    title: str | None = None
    access: str | None = None
    storage_option: str | None = None


def object_of(identifier: str, user: User) -> StoredObject | None:
    """The object of exactly this identifier; None where it was never ingested, as far as this person may know."""
    if not _can_be_stored(identifier):
        return None
    visible = WorkItem.objects.visible_to(user)
    ingest = visible.ingests_of_object(identifier).first()
    if ingest is None:
        return None
    return StoredObject(
        id=ingest.pk,
        identifier=ingest.object_identifier,
        institution=ingest.institution.identifier,
        state=DELETED if visible.deletions_since(ingest).exists() else ACTIVE,
        created_at=ingest.created_at,
        updated_at=ingest.updated_at,
    )


def _can_be_stored(identifier: str) -> bool:
    """Whether an item could have it at all; the databases differ in what they make of the rest."""
    longest = WorkItem._meta.get_field("object_identifier").max_length or 0
    if not identifier or "\0" in identifier or len(identifier) > longest:
        return False
    try:
        identifier.encode()
    except UnicodeEncodeError:
        return False
    return True
