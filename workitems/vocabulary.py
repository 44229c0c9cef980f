"""The vocabulary of work items: actions, stages in pipeline order, and statuses, each with an explanation.

The terms and their meaning come from the consortium's user guide and from its member API, versions 7 and 8; the wording
is ours. Pure. A new term is a row here and, for a stage, a place in lifecycle.PATHS; `makemigrations` then writes the
migration of the database's check.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Action(StrEnum):
    INGEST = "Ingest"
    RESTORE = "Restore"
    GLACIER_RESTORE = "Glacier Restore"
    DELETE = "Delete"
    FIXITY_CHECK = "Fixity Check"
    DPN = "DPN"


class Stage(StrEnum):
    """In pipeline order, which is also their order in the left column."""

    REQUESTED = "Requested"
    RECEIVE = "Receive"
    FETCH = "Fetch"
    UNPACK = "Unpack"
    VALIDATE = "Validate"
    REINGEST_CHECK = "Reingest Check"
    COPY_TO_STAGING = "Copy To Staging"
    FORMAT_IDENTIFICATION = "Format Identification"
    STORE = "Store"
    STORAGE_VALIDATION = "Storage Validation"
    RECORD = "Record"
    PACKAGE = "Package"
    RESTORING = "Restoring"
    AVAILABLE_IN_S3 = "Available in S3"
    CLEANUP = "Cleanup"
    RESOLVE = "Resolve"


class Status(StrEnum):
    PENDING = "Pending"
    STARTED = "Started"
    SUCCESS = "Success"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    SUSPENDED = "Suspended"


# Waiting for a worker or being processed. Such items change soon, and there are few of them at any time.
MOVING = (Status.PENDING, Status.STARTED)


@dataclass(frozen=True)
class Term:
    """What one term means. `always_listed`: the left column lists it even if no item has it."""

    explanation: str | Promise
    always_listed: bool = True


@dataclass(frozen=True)
class StageTerm(Term):
    """A stage. `busy`: the note of a worker that is processing it, in the demo and in the simulation."""

    busy: str = field(kw_only=True)


ACTIONS: dict[Action, Term] = {
    Action.INGEST: Term(_("A bag that you uploaded is added to preservation storage.")),
    Action.RESTORE: Term(
        _(
            "An object, or one of its files, is reassembled and placed in your restoration bucket. Large bags take "
            "a long time."
        )
    ),
    Action.GLACIER_RESTORE: Term(
        _("Files are first retrieved from Glacier. Only then can they be restored to your bucket.")
    ),
    Action.DELETE: Term(_("An object, or one of its files, is deleted from preservation storage at your request.")),
    Action.FIXITY_CHECK: Term(
        _(
            "Stored copies are compared with their checksums. The consortium schedules these checks; you don't "
            "need to request them."
        )
    ),
    Action.DPN: Term(_("An object is copied to DPN at your request.")),
}

STAGES: dict[Stage, StageTerm] = {
    Stage.REQUESTED: StageTerm(
        _(
            "The action has been requested. For a restoration or deletion, “Started” at this stage means that it is "
            "in progress."
        ),
        busy="A worker has started on the request.",
    ),
    Stage.RECEIVE: StageTerm(
        _(
            "The bag has been found in your receiving bucket, but its ingest hasn't started. Buckets are checked "
            "every hour, or every few hours at busy times."
        ),
        busy="Checking the bag in the receiving bucket.",
    ),
    Stage.FETCH: StageTerm(
        _(
            "The bag is copied from your receiving bucket to a work area, or the files are copied there from "
            "preservation storage."
        ),
        busy="Copying to the work area.",
    ),
    Stage.UNPACK: StageTerm(
        _("The tar file is unpacked. This stage is no longer used, but older items still show it."),
        busy="Untarring the bag.",
    ),
    Stage.VALIDATE: StageTerm(
        _(
            "The bag's tags, manifests, files, and checksums are checked. An invalid bag stops here. Very large "
            "bags take hours."
        ),
        busy="Checking the bag's tags, manifests, and checksums.",
    ),
    Stage.REINGEST_CHECK: StageTerm(
        _("The system checks whether an earlier version of this bag is already stored."),
        always_listed=False,
        busy="Looking for an earlier version of this object.",
    ),
    Stage.COPY_TO_STAGING: StageTerm(
        _("The bag's files are copied to the staging area."),
        always_listed=False,
        busy="Copying the bag's files to staging.",
    ),
    Stage.FORMAT_IDENTIFICATION: StageTerm(
        _("The format of every file is identified."), always_listed=False, busy="Identifying file formats."
    ),
    Stage.STORE: StageTerm(
        _("The bag's files are copied to long-term preservation storage."),
        busy="Copying the files to preservation storage.",
    ),
    Stage.STORAGE_VALIDATION: StageTerm(
        _("The stored copies are checked for presence and completeness."),
        always_listed=False,
        busy="Checking that every stored copy is present and complete.",
    ),
    Stage.RECORD: StageTerm(
        _("The files are stored. The bag's contents and the actions taken are now being recorded in the registry."),
        busy="Recording objects, files, and events.",
    ),
    Stage.PACKAGE: StageTerm(
        _("The object's files are packaged into a new bag for restoration."),
        busy="Packaging the object's files into a bag.",
    ),
    Stage.RESTORING: StageTerm(
        _("The restored files are being copied to your restoration bucket."),
        always_listed=False,
        busy="Copying to the restoration bucket.",
    ),
    Stage.AVAILABLE_IN_S3: StageTerm(
        _("The files retrieved from Glacier are in S3, ready to be restored."),
        always_listed=False,
        busy="Checking the restored copy.",
    ),
    Stage.CLEANUP: StageTerm(
        _("The work is done. Temporary files are being removed, and after an ingest, the uploaded tar file too."),
        busy="Removing temporary files.",
    ),
    Stage.RESOLVE: StageTerm(_("The final stage: completed or cancelled. Nothing more will be done."), busy="Closing."),
}

STATUSES: dict[Status, Term] = {
    Status.PENDING: Term(_("Waiting for a free worker to start the stage shown next to it.")),
    Status.STARTED: Term(
        _("A worker is processing the stage shown next to it. Large bags spend hours in some stages.")
    ),
    Status.SUCCESS: Term(_("Completed.")),
    Status.FAILED: Term(
        _(
            "The task failed. Temporary problems are retried automatically; a permanent one, such as an invalid "
            "bag, needs a corrected upload. The note says which it is."
        )
    ),
    Status.CANCELLED: Term(_("Cancelled by an APTrust admin, or replaced by a newer upload. The note says why.")),
    Status.SUSPENDED: Term(_("On hold until an APTrust admin decides."), always_listed=False),
}


# {Registry's action: (our action, whether it is about a single file; None: either)}. Registry has two kinds of restores.
RESTORE_OBJECT, RESTORE_FILE = "Restore Object", "Restore File"
REGISTRY_ACTIONS: dict[str, tuple[Action, bool | None]] = {
    RESTORE_OBJECT: (Action.RESTORE, False),
    RESTORE_FILE: (Action.RESTORE, True),
    **{word.value: (word, None) for word in Action if word is not Action.RESTORE},
}


def registry_action(action: str, *, about_file: bool) -> str:
    """Returns Registry's name for an action."""
    if action != Action.RESTORE:
        return action
    return RESTORE_FILE if about_file else RESTORE_OBJECT


def choices(words: Iterable[StrEnum]) -> list[tuple[str, str]]:
    """Returns (value, label) pairs. Terms are shown as they are stored."""
    return [(word.value, word.value) for word in words]


def action_choices() -> list[tuple[str, str]]:
    return choices(Action)


def stage_choices() -> list[tuple[str, str]]:
    return choices(Stage)


def status_choices() -> list[tuple[str, str]]:
    return choices(Status)


EXPLANATIONS: dict[str, dict[str, str | Promise]] = {
    "action": {word.value: term.explanation for word, term in ACTIONS.items()},
    "stage": {word.value: term.explanation for word, term in STAGES.items()},
    "status": {word.value: term.explanation for word, term in STATUSES.items()},
}


def explain(kind: str, value: str) -> str | Promise:
    """Returns the explanation of a term; empty if it is unknown. `kind`: "action", "stage", or "status"."""
    return EXPLANATIONS[kind].get(value, "")
