"""The rules for a work item: its stages in order, the moves with who can make them, and what a saved record means.

Pure tables and functions that know neither the database nor HTTP.
"""

from .moves import (
    MOVES,
    NOTE_LIMIT,
    PROCESS,
    SAVEABLE_FIELDS,
    ItemState,
    Move,
    Refused,
    StageRule,
    TransitionRequest,
    build_object_identifier,
    check_creation,
    evaluate,
    explain_refusal,
    fields_on_creation,
    legal_moves,
)
from .paths import (
    PATHS,
    PHASE_DEFINITIONS,
    PHASE_WORDS,
    SUCCESS_AT,
    Phase,
    first_stage,
    is_on_path,
    phase_of,
    position,
    requeue_stages,
)
from .saves import IMMUTABLE_FIELDS, check_immutable, check_not_stale, infer_move

__all__ = [
    "IMMUTABLE_FIELDS",
    "MOVES",
    "NOTE_LIMIT",
    "PATHS",
    "PHASE_DEFINITIONS",
    "PHASE_WORDS",
    "PROCESS",
    "SAVEABLE_FIELDS",
    "SUCCESS_AT",
    "ItemState",
    "Move",
    "Phase",
    "Refused",
    "StageRule",
    "TransitionRequest",
    "build_object_identifier",
    "check_creation",
    "check_immutable",
    "check_not_stale",
    "evaluate",
    "explain_refusal",
    "fields_on_creation",
    "first_stage",
    "infer_move",
    "is_on_path",
    "legal_moves",
    "phase_of",
    "position",
    "requeue_stages",
]
