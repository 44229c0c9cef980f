"""Uploads of one bag in several states, stored as whole rows."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from workitems.models import WorkItem

from .factories import InstitutionFactory

START = datetime(2026, 3, 1, tzinfo=UTC)
names = (f"bag-{number}.tar" for number in itertools.count())

# A state in a word, as the cases below give it: status, retry.
STATES = {
    "waits": ("Pending", True),
    "runs": ("Started", True),
    "stuck": ("Started", False),
    "held": ("Suspended", False),
    "again": ("Failed", True),
    "failed": ("Failed", False),
    "cancelled": ("Cancelled", False),
    "done": ("Success", False),
}
OPEN = {"waits", "runs", "stuck", "held", "again"}


@dataclass(frozen=True)
class Upload:
    """One line of a case. `kind`: its etag, "delete" for a deletion of the object, or "delete file" for one of its
    files.
    """

    kind: str
    hour: int
    state: str = "waits"
    stage: str = "Validate"

    def row(self, institution, name):
        status, retry = STATES[self.state]
        common = {
            "institution": institution,
            "name": name,
            "date": START + timedelta(hours=self.hour),
            "status": status,
            "retry": retry,
        }
        identifier = f"{institution.identifier}/{name.removesuffix('.tar')}"
        if self.kind.startswith("delete"):
            file = f"{identifier}/data/1.txt" if self.kind == "delete file" else ""
            return WorkItem(
                action="Delete",
                stage="Resolve",
                object_identifier=identifier,
                generic_file_identifier=file,
                **common,
            )
        done = identifier if self.state == "done" else ""
        return WorkItem(action="Ingest", stage=self.stage, etag=self.kind, object_identifier=done, **common)


def stored(uploads, institution=None, name=None):
    """The uploads of one bag, stored in this order; whole rows, since the states do not matter here for their history."""
    institution = institution or InstitutionFactory(identifier="virginia.edu")
    name = name or next(names)
    return WorkItem.objects.bulk_create([upload.row(institution, name) for upload in uploads])


def numbers(rows):
    return {row.pk for row in rows}
