"""Objects in preservation storage, derived from work items, because objects have no table here."""

from dataclasses import dataclass
from datetime import datetime

from pharos.accounts.models import User

from ..models import WorkItem

ACTIVE = "A"
DELETED = "D"


@dataclass(frozen=True)
class StoredObject:
    """An object as of its last successful ingest; `id` and the times are that item's. Unknown values are None."""

    id: int
    identifier: str
    institution: str  # its domain
    state: str
    created_at: datetime
    updated_at: datetime
    title: str | None = None
    access: str | None = None
    storage_option: str | None = None


def find_object(identifier: str, user: User) -> StoredObject | None:
    """The object with exactly this identifier; None if it was never ingested, as far as this user can see."""
    if not _is_storable(identifier):
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


def _is_storable(identifier: str) -> bool:
    """Whether an item could have this identifier at all; the databases differ in how they treat invalid ones."""
    longest = WorkItem._meta.get_field("object_identifier").max_length or 0
    if not identifier or "\0" in identifier or len(identifier) > longest:
        return False
    try:
        identifier.encode()
    except UnicodeEncodeError:
        return False
    return True
