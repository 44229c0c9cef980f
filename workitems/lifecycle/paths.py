"""The path of each action through the stages, the stages at which it can succeed, and the phases: open, held, closed."""

from collections.abc import Collection
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from ..vocabulary import STAGES, Action, Stage, Status

S = Stage

PATHS: dict[Action, tuple[Stage, ...]] = {
    Action.INGEST: (
        S.RECEIVE,
        S.FETCH,
        S.UNPACK,
        S.VALIDATE,
        S.REINGEST_CHECK,
        S.COPY_TO_STAGING,
        S.FORMAT_IDENTIFICATION,
        S.STORE,
        S.STORAGE_VALIDATION,
        S.RECORD,
        S.CLEANUP,
        S.RESOLVE,
    ),
    Action.RESTORE: (
        S.REQUESTED,
        S.FETCH,
        S.PACKAGE,
        S.VALIDATE,
        S.RESTORING,
        S.AVAILABLE_IN_S3,
        S.RECORD,
        S.CLEANUP,
        S.RESOLVE,
    ),
    Action.GLACIER_RESTORE: (
        S.REQUESTED,
        S.FETCH,
        S.RESTORING,
        S.AVAILABLE_IN_S3,
        S.RECORD,
        S.CLEANUP,
        S.RESOLVE,
    ),
    Action.DELETE: (S.REQUESTED, S.RECORD, S.CLEANUP, S.RESOLVE),
    Action.FIXITY_CHECK: (S.REQUESTED, S.FETCH, S.VALIDATE, S.RECORD, S.CLEANUP, S.RESOLVE),
    Action.DPN: (S.REQUESTED, S.FETCH, S.PACKAGE, S.VALIDATE, S.STORE, S.RECORD, S.CLEANUP, S.RESOLVE),
}

_ENDS = (S.RECORD, S.CLEANUP, S.RESOLVE)
SUCCESS_AT: dict[Action, tuple[Stage, ...]] = {
    Action.INGEST: _ENDS,
    Action.RESTORE: (S.AVAILABLE_IN_S3, *_ENDS),
    Action.GLACIER_RESTORE: (S.AVAILABLE_IN_S3, *_ENDS),
    Action.DELETE: _ENDS,
    Action.FIXITY_CHECK: _ENDS,
    Action.DPN: _ENDS,
}

RESTORATIONS = (Action.RESTORE, Action.GLACIER_RESTORE)

PIPELINE: tuple[Stage, ...] = tuple(Stage)

# A service can cancel an ingest up to this stage. Later, the bag has left the bucket for the work area, and its ingest is
# finished whatever becomes of the upload.
LAST_STAGE_FOR_A_SERVICE_TO_CANCEL = S.VALIDATE

# The stages up to there, at which a failure can be due to the bag.
EARLY_STAGES: tuple[Stage, ...] = PATHS[Action.INGEST][
    : PATHS[Action.INGEST].index(LAST_STAGE_FOR_A_SERVICE_TO_CANCEL) + 1
]

# The stages of an ingest before Store. From Store on, workers finish an upload even if a newer one has arrived.
REPLACEABLE_STAGES: tuple[Stage, ...] = PATHS[Action.INGEST][: PATHS[Action.INGEST].index(S.STORE)]


class Phase(StrEnum):
    OPEN = "open"
    HELD = "held"
    CLOSED = "closed"


PHASE_WORDS: dict[Phase, str | Promise] = {
    Phase.OPEN: gettext_lazy("open"),
    Phase.HELD: gettext_lazy("on hold"),
    Phase.CLOSED: gettext_lazy("closed"),
}


# The statuses of each phase, as (statuses, retry); None stands for either value of retry. `models` derives SQL conditions
# from this table, and `listing` derives conditions on the summary table.
PHASE_DEFINITIONS: dict[Phase, tuple[tuple[tuple[Status, ...], bool | None], ...]] = {
    Phase.OPEN: (((Status.PENDING, Status.STARTED), None), ((Status.FAILED,), True)),
    Phase.HELD: (((Status.SUSPENDED,), None),),
    Phase.CLOSED: (((Status.SUCCESS, Status.CANCELLED), None), ((Status.FAILED,), False)),
}
_PHASE_OF = {
    (status.value, either): phase
    for phase, parts in PHASE_DEFINITIONS.items()
    for statuses, retry in parts
    for status in statuses
    for either in ((True, False) if retry is None else (retry,))
}


def phase_of(status: str, *, retry: bool) -> Phase:
    """Open: Pending, Started, and Failed with retry. Held: Suspended. Closed: Success, Cancelled, and Failed permanently."""
    return _PHASE_OF.get((status, bool(retry)), Phase.CLOSED)


def position(action: str, stage: str) -> float:
    """Returns how far along the action's path a stage is, for comparisons.

    Old data has stages that are not on the path. They come between its stages, in pipeline order.
    """
    path = PATHS[Action(action)]
    if stage in path:
        return path.index(Stage(stage))
    place = PIPELINE.index(Stage(stage))
    return sum(PIPELINE.index(step) < place for step in path) - 0.5


def is_on_path(action: str, stage: str) -> bool:
    return stage in PATHS[Action(action)]


def first_stage(action: str) -> Stage:
    return PATHS[Action(action)][0]


def requeue_stages(action: str, stage: str, served: Collection[str] | None = None) -> list[Stage]:
    """Returns the stages to which an item at `stage` can be requeued, in order: for ingests the same and earlier ones that
    aren't obsolete, otherwise only Requested.

    `served`: the stages at which the installation's queue takes up items of this action (None: all). The result is empty
    if it serves none of them.
    """
    path = PATHS[Action(action)]
    here = position(action, stage) if action == Action.INGEST else 0
    stages = [step for step in path if path.index(step) <= here and not STAGES[step].is_obsolete] or [path[0]]
    return [step for step in stages if served is None or step in served]


def retry_stages(action: str, stage: str) -> list[Stage]:
    """Returns the earlier stages at which a worker can claim an ingest again; never the first one, where it was only found."""
    path = PATHS[Action(action)]
    here = position(action, stage)
    return [step for step in path[1:] if path.index(step) < here] if action == Action.INGEST else []


def is_early(action: str, stage: str) -> bool:
    """Whether an ingest has come no further than Validate: a service can cancel it, and its bag may be invalid."""
    last = position(Action.INGEST, LAST_STAGE_FOR_A_SERVICE_TO_CANCEL)
    return action == Action.INGEST and position(action, stage) <= last
