"""What a state means to its reader: "What now?", the pipeline strip, and the lists that need somebody.

Pure: it is given everything it must know of an item, and queries no database.
"""

from .advice import (
    NO_BREAK,
    Advice,
    Situation,
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

__all__ = [
    "NO_BREAK",
    "Advice",
    "Need",
    "PipelineStep",
    "Situation",
    "StageChange",
    "StatusLabel",
    "Tone",
    "advise",
    "build_pipeline",
    "describe_status",
    "first_line",
    "format_duration",
    "format_item_count",
    "format_unit",
    "needs_for",
    "presets_for",
]
