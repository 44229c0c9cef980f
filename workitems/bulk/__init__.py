"""Bulk changes: one move on many items, its dry run, and the report on what it did.

It selects items by a list and changes them through `transitions`. It must not know any page.
"""

from .preview import dry_run
from .report import can_continue, changed_items, list_changes, skip_reasons, unchanged_items
from .run import (
    InvalidSelection,
    Selection,
    freeze,
    read_marker,
    run_slice,
    select_by_ids,
    select_by_snapshot,
    sign_frozen,
    sign_snapshot,
    start,
)
from .undoing import can_undo, dry_run_of_undo, find_cancelled, find_undo, undo

__all__ = [
    "InvalidSelection",
    "Selection",
    "can_continue",
    "can_undo",
    "changed_items",
    "dry_run",
    "dry_run_of_undo",
    "find_cancelled",
    "find_undo",
    "freeze",
    "list_changes",
    "read_marker",
    "run_slice",
    "select_by_ids",
    "select_by_snapshot",
    "sign_frozen",
    "sign_snapshot",
    "skip_reasons",
    "start",
    "unchanged_items",
    "undo",
]
