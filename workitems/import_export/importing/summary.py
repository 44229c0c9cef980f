"""The results of an import: counts, and what is worth saying about its rows and files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .remarks import Noted, Remark


@dataclass
class Summary:
    """Stored rows are created, updated, unchanged, or newer here."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    newer_here: int = 0
    rejected: int = 0
    institutions_created: int = 0
    states: int = 0  # worker states in the files
    remarks: dict[Remark, Noted] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)  # what was undone in a file
    ignored_columns: set[str] = field(default_factory=set)
    ignored_tables: dict[str, int] = field(default_factory=dict)  # {table of dumpdata: rows}
    cut_short: list[str] = field(default_factory=list)
    rejects_files: list[Path] = field(default_factory=list)
    old_rejects: list[Path] = field(default_factory=list)  # removed files of earlier runs
    one_page: list[tuple[str, str]] = field(
        default_factory=list
    )  # (file, next page) for files that are only one page of a list
    first_rejected: list[str] = field(default_factory=list)  # of a dry run, which writes no file of them
    is_interrupted: bool = False
    is_dry_run: bool = False
    has_histories: bool = False

    @property
    def is_complete(self) -> bool:
        return not (self.rejected or self.cut_short or self.is_interrupted)

    def add(self, number: int, remarks: Mapping[Remark, str]) -> None:
        """Adds the remarks about the row of an item."""
        for remark, example in remarks.items():
            self.remarks.setdefault(remark, Noted()).add(number, example)

    def rows_with(self, remark: Remark) -> int:
        return self.remarks[remark].rows if remark in self.remarks else 0
