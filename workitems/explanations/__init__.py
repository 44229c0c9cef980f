"""Explains an item's state to its reader: "What now?", the pipeline strip, presets, and lists that need action.

Pure: callers pass in everything it needs to know about an item. It must not query the database.
"""

from .advice import (
    NO_BREAK,
    StatusLabel,
    Tone,
    advise,
    describe_status,
    first_line,
    format_duration,
    format_item_count,
    format_unit,
)
from .pipeline import PipelineStep, StageChange, build_pipeline
from .presets import Need, needs_for, presets_for
from .restored_copy import RestoredCopy, find_copy
from .rule import Advice
from .situation import Situation
from .split_bags import describe_part, describe_parts, name_missing_parts, part_word

__all__ = [
    "NO_BREAK",
    "Advice",
    "Need",
    "PipelineStep",
    "RestoredCopy",
    "Situation",
    "StageChange",
    "StatusLabel",
    "Tone",
    "advise",
    "build_pipeline",
    "describe_part",
    "describe_parts",
    "describe_status",
    "find_copy",
    "first_line",
    "format_duration",
    "format_item_count",
    "format_unit",
    "name_missing_parts",
    "needs_for",
    "part_word",
    "presets_for",
]
