"""Imports files of other systems, or of our own export, as items with history."""

from .formats import FORMATS
from .raw_rows import ImportStopped, UnreadableFile
from .run import Summary, import_files

__all__ = ["FORMATS", "ImportStopped", "Summary", "UnreadableFile", "import_files"]
