"""Bulk changes: one move made with many items at once, its dry run, and the report of what it has done.

It chooses items by a list and changes them by `transitions`; it knows no page.
"""

from .preview import dry_run
from .report import entries_of, left_alone, may_go_on, may_undo, skipped_of, some_acts, visible_acts
from .run import (
    BadSelection,
    Selection,
    begin,
    fixed,
    go_on,
    mark,
    of_ids,
    of_snapshot,
    snapshot,
    token_of,
    undo,
    undo_of,
)

__all__ = [
    "BadSelection",
    "Selection",
    "begin",
    "dry_run",
    "entries_of",
    "fixed",
    "go_on",
    "left_alone",
    "mark",
    "may_go_on",
    "may_undo",
    "of_ids",
    "of_snapshot",
    "skipped_of",
    "snapshot",
    "some_acts",
    "token_of",
    "undo",
    "undo_of",
    "visible_acts",
]
