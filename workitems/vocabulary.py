"""The words of a work item: actions, stages in pipeline order, statuses, each with what it means.

The terms and their meaning are those of the consortium's user guide and of its member API, versions 7 and 8; the
sentences are ours. Runs without a database. A new word is a row here and, for a stage, a place in lifecycle.PATHS;
`makemigrations` then writes the database's check.
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
    """In pipeline order, which is also the order on the page."""

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


# An item waits for a worker or is worked on: it changes soon, and there are few of them at any time.
MOVING = (Status.PENDING, Status.STARTED)


@dataclass(frozen=True)
class Term:
    """What one word means, and whether the seeds name it (then the left column always lists it)."""

    explanation: str | Promise
    in_seeds: bool = True


@dataclass(frozen=True)
class StageTerm(Term):
    """A stage. `busy`: the note of a worker that is busy with it, in the demo and in the simulation."""

    busy: str = field(kw_only=True)


ACTIONS: dict[Action, Term] = {
    Action.INGEST: Term(_("A bag that you uploaded is taken into preservation storage.")),
    Action.RESTORE: Term(
        _(
            "An object, or one file of it, is put together again and placed in your restoration bucket. Large bags take long."
        )
    ),
    Action.GLACIER_RESTORE: Term(
        _("Files are first called back from Glacier. Only then can they be restored to your bucket.")
    ),
    Action.DELETE: Term(
        _("An object, or one file of it, is deleted from preservation storage, because you asked for it.")
    ),
    Action.FIXITY_CHECK: Term(
        _(
            "Stored copies are compared with their checksums. It is scheduled by the consortium; nobody has to ask for it."
        )
    ),
    Action.DPN: Term(_("An object is copied to DPN, because you asked for it.")),
}

STAGES: dict[Stage, StageTerm] = {
    Stage.REQUESTED: StageTerm(
        _("Somebody has asked for this. For a restoration or deletion, “Started” here means that it is under way."),
        busy="A worker has started on the request.",
    ),
    Stage.RECEIVE: StageTerm(
        _(
            "The bag has been seen in your receiving bucket; its ingest has not begun. Buckets are looked at every hour, in busy times every few hours."
        ),
        busy="Looking at the bag in the receiving bucket.",
    ),
    Stage.FETCH: StageTerm(
        _("The bag is copied from your receiving bucket, or the files from preservation storage, to a work area."),
        busy="Copying to the work area.",
    ),
    Stage.UNPACK: StageTerm(
        _("The tar file is unpacked. No longer used: older items still show it."), busy="Untarring the bag."
    ),
    Stage.VALIDATE: StageTerm(
        _(
            "The bag's tags, manifests, files and checksums are checked. An invalid bag stops here. Very large bags take hours."
        ),
        busy="Checking the bag's tags, manifests and checksums.",
    ),
    Stage.REINGEST_CHECK: StageTerm(
        _("The system looks whether an earlier version of this bag is stored already."),
        in_seeds=False,
        busy="Looking for an earlier version of this object.",
    ),
    Stage.COPY_TO_STAGING: StageTerm(
        _("The bag's files are copied to the staging area."), in_seeds=False, busy="Copying the bag's files to staging."
    ),
    Stage.FORMAT_IDENTIFICATION: StageTerm(
        _("The format of every file is worked out."), in_seeds=False, busy="Identifying file formats."
    ),
    Stage.STORE: StageTerm(
        _("The bag's files are copied to long-term preservation storage."),
        busy="Copying the files to preservation storage.",
    ),
    Stage.STORAGE_VALIDATION: StageTerm(
        _("The stored copies are checked to be there, whole."),
        in_seeds=False,
        busy="Checking that every stored copy is present and complete.",
    ),
    Stage.RECORD: StageTerm(
        _("The files are stored; what the bag holds and what was done is now being written to the registry."),
        busy="Recording objects, files and events.",
    ),
    Stage.PACKAGE: StageTerm(
        _("The object's files are packed into a new bag for restoration."),
        busy="Packing the object's files into a bag.",
    ),
    Stage.RESTORING: StageTerm(
        _("The restored files are on their way to your restoration bucket."),
        in_seeds=False,
        busy="Copying to the restoration bucket.",
    ),
    Stage.AVAILABLE_IN_S3: StageTerm(
        _("Files called back from Glacier are in S3, ready to be restored."),
        in_seeds=False,
        busy="The restored copy has arrived; checking it.",
    ),
    Stage.CLEANUP: StageTerm(
        _("The work is done; temporary files and, after an ingest, the uploaded tar file are removed."),
        busy="Removing temporary files.",
    ),
    Stage.RESOLVE: StageTerm(
        _("The end of the way: completed or cancelled. Nothing more will be done."), busy="Closing."
    ),
}

STATUSES: dict[Status, Term] = {
    Status.PENDING: Term(_("Waiting for a free worker to begin the stage named beside it.")),
    Status.STARTED: Term(_("A worker is busy with the stage named beside it. Large bags spend hours in some stages.")),
    Status.SUCCESS: Term(_("Completed.")),
    Status.FAILED: Term(
        _(
            "It did not work. A temporary problem is tried again by itself; a permanent one, like an invalid bag, waits for a corrected upload. The note says which."
        )
    ),
    Status.CANCELLED: Term(
        _("An admin of the consortium has cancelled it, or a newer upload took its place. The note says why.")
    ),
    Status.SUSPENDED: Term(_("On hold until an admin of the consortium has decided."), in_seeds=False),
}


# The restorations of APTrust Registry, {its word: (ours, whether it is about one file; None: whether or not)}.
RESTORE_OBJECT, RESTORE_FILE = "Restore Object", "Restore File"
REGISTRY_ACTIONS: dict[str, tuple[Action, bool | None]] = {
    RESTORE_OBJECT: (Action.RESTORE, False),
    RESTORE_FILE: (Action.RESTORE, True),
    **{word.value: (word, None) for word in Action if word is not Action.RESTORE},
}


def registry_action(action: str, *, about_file: bool) -> str:
    """What Registry calls an action."""
    if action != Action.RESTORE:
        return action
    return RESTORE_FILE if about_file else RESTORE_OBJECT


def choices(words: Iterable[StrEnum]) -> list[tuple[str, str]]:
    """(value, label): the words are shown as they are stored."""
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
    """The explanation of a word ("action", "stage" or "status"); empty for a word that is not ours."""
    return EXPLANATIONS[kind].get(value, "")
