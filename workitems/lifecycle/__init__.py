"""The rules of a work item: its stages in order, the moves with who may make them, and what a saved record means.

Pure tables and functions: they know neither the database nor HTTP.
"""

from .moves import (
    CARRIED,
    MOVES,
    NOTE_LIMIT,
    PROCESS,
    ItemState,
    Move,
    Reach,
    Refused,
    TransitionRequest,
    check_new,
    evaluate,
    legal_moves,
    new_with,
    object_identifier,
    why_not,
)
from .paths import (
    MAKE_UP,
    PATHS,
    PHASE_WORDS,
    SUCCESS_AT,
    Phase,
    first_stage,
    is_on_path,
    phase_of,
    position,
    requeue_stages,
)
from .saves import FIXED, check_fixed, check_fresh, move_meant

__all__ = [
    "CARRIED",
    "FIXED",
    "MAKE_UP",
    "MOVES",
    "NOTE_LIMIT",
    "PATHS",
    "PHASE_WORDS",
    "PROCESS",
    "SUCCESS_AT",
    "ItemState",
    "Move",
    "Phase",
    "Reach",
    "Refused",
    "TransitionRequest",
    "check_fixed",
    "check_fresh",
    "check_new",
    "evaluate",
    "first_stage",
    "is_on_path",
    "legal_moves",
    "move_meant",
    "new_with",
    "object_identifier",
    "phase_of",
    "position",
    "requeue_stages",
    "why_not",
]
