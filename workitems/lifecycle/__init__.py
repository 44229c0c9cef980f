"""The rules for a work item: its stages in order, the moves with who can make them, and what a saved record means.

Pure tables and functions that know neither the database nor HTTP.
"""

from .etags import normalize_etag
from .evaluation import (
    build_object_identifier,
    check_creation,
    check_received,
    evaluate,
    explain_refusal,
    fields_on_creation,
    legal_moves,
)
from .failures import Origin, Party, is_damaged_copy, read_origin, responsible_party
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
)
from .paths import (
    EARLY_STAGES,
    PATHS,
    PHASE_DEFINITIONS,
    PHASE_WORDS,
    REPLACEABLE_STAGES,
    SUCCESS_AT,
    Phase,
    first_stage,
    is_on_path,
    phase_of,
    position,
    requeue_stages,
    retry_stages,
)
from .queue import PRESENT_TOPICS, check_queue_stages, check_served, read_topics, served_stages, topic_of
from .saves import IMMUTABLE_FIELDS, check_immutable, check_not_stale, infer_move
from .silence import read_silent_hours
from .split_bags import (
    PART_WAIT,
    BagPart,
    PartStatus,
    PartUpload,
    SplitBag,
    group_parts,
    part_status,
    read_part,
)
from .times import is_same_time

__all__ = [
    "EARLY_STAGES",
    "IMMUTABLE_FIELDS",
    "MOVES",
    "NOTE_LIMIT",
    "PART_WAIT",
    "PATHS",
    "PHASE_DEFINITIONS",
    "PHASE_WORDS",
    "PRESENT_TOPICS",
    "PROCESS",
    "REPLACEABLE_STAGES",
    "SAVEABLE_FIELDS",
    "SUCCESS_AT",
    "BagPart",
    "ItemState",
    "Move",
    "Origin",
    "PartStatus",
    "PartUpload",
    "Party",
    "Phase",
    "Refused",
    "SplitBag",
    "StageRule",
    "TransitionRequest",
    "build_object_identifier",
    "check_creation",
    "check_immutable",
    "check_not_stale",
    "check_queue_stages",
    "check_received",
    "check_served",
    "evaluate",
    "explain_refusal",
    "fields_on_creation",
    "first_stage",
    "group_parts",
    "infer_move",
    "is_damaged_copy",
    "is_on_path",
    "is_same_time",
    "legal_moves",
    "normalize_etag",
    "part_status",
    "phase_of",
    "position",
    "read_origin",
    "read_part",
    "read_silent_hours",
    "read_topics",
    "requeue_stages",
    "responsible_party",
    "retry_stages",
    "served_stages",
    "topic_of",
]
