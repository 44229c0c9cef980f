"""How long stages take, and how many items are closed per day, recorded from every change that `transitions` makes.

- `scale`: size bands, time steps, and quantiles of a distribution (pure)
- `measurements`: what a single change adds (pure)
- `recorder`: records, folds, and rebuilds from the histories
- `typical`: how long an item usually takes at its stage, and whether it is late
- `silence`: which started items have had no sign of life for too long
- `days`: how many items were closed on each of the last days
- `wording`: durations in words

It knows items and their histories. It must not know who reads the results.
"""

from .days import Day, last_days, midnight
from .measurements import ItemOutcome, ItemProfile, StageDuration, StagePosition, compute_stage_entered_at, measure
from .recorder import backfill_finished_at, backfill_stage_entered_at, rebuild_durations, record_durations
from .silence import find_silence, is_silent
from .typical import (
    Lateness,
    UsualTime,
    count_ahead,
    find_lateness,
    is_late,
    oldest_stage_entries,
    usual_time,
    usual_times_by_stage,
    usual_total_time,
)
from .wording import format_axis_label, format_lateness, format_roughly, format_silence, format_usual_range

__all__ = [
    "Day",
    "ItemOutcome",
    "ItemProfile",
    "Lateness",
    "StageDuration",
    "StagePosition",
    "UsualTime",
    "backfill_finished_at",
    "backfill_stage_entered_at",
    "compute_stage_entered_at",
    "count_ahead",
    "find_lateness",
    "find_silence",
    "format_axis_label",
    "format_lateness",
    "format_roughly",
    "format_silence",
    "format_usual_range",
    "is_late",
    "is_silent",
    "last_days",
    "measure",
    "midnight",
    "oldest_stage_entries",
    "rebuild_durations",
    "record_durations",
    "usual_time",
    "usual_times_by_stage",
    "usual_total_time",
]
