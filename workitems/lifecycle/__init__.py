"""The rules of a work item's life: paths, moves, who may make them, and why a move is refused.

Pure: no database, no request. `decide` is the one question; WorkItem's verbs ask it under a lock and do what it says.
The tables are those of the product's design (paths and moves), which follows the consortium's member API for the
meaning of stages and statuses.
"""

from .moves import (
    CARRIED,
    MOVES,
    NOTE_LIMIT,
    Facts,
    Move,
    Reach,
    Refused,
    Wanted,
    check_new,
    decide,
    legal_moves,
    new_with,
    object_identifier,
    why_not,
)
from .paths import (
    PATHS,
    PHASE_WORDS,
    PIPELINE,
    SUCCESS_AT,
    Phase,
    first_stage,
    is_on_path,
    phase_of,
    position,
    requeue_stages,
)
from .saves import FIXED, SETTLED, check_fixed, check_fresh, move_meant

__all__ = [
    "CARRIED",
    "FIXED",
    "MOVES",
    "NOTE_LIMIT",
    "PATHS",
    "PHASE_WORDS",
    "PIPELINE",
    "SETTLED",
    "SUCCESS_AT",
    "Facts",
    "Move",
    "Phase",
    "Reach",
    "Refused",
    "Wanted",
    "check_fixed",
    "check_fresh",
    "check_new",
    "decide",
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
