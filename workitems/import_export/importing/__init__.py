"""Imports files of other systems, or of our own export, as items with history."""

from .formats import FORMATS
from .raw_rows import ImportStopped, UnreadableFile
from .run import import_files
from .summary import Summary

__all__ = ["FORMATS", "ImportStopped", "Summary", "UnreadableFile", "import_files"]
