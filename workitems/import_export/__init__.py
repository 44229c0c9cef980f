"""Imports and exports: dumps of the earlier systems, our own files, and lists as CSV or JSON.

It knows files and their formats, and stores imported items through `transitions`. It must not know requests or pages.
"""

from .exporting import NOT_EXPORTED, IncompleteHistory, export_lines, write_export
from .importing.csv_dialects import BACKSLASHES
from .importing.formats import FORMATS
from .importing.raw_rows import ImportStopped, UnreadableFile
from .importing.run import import_files
from .importing.summary_text import summary_lines
from .lists import StartedStream, csv_lines, json_lines

__all__ = [
    "BACKSLASHES",
    "FORMATS",
    "NOT_EXPORTED",
    "ImportStopped",
    "IncompleteHistory",
    "StartedStream",
    "UnreadableFile",
    "csv_lines",
    "export_lines",
    "import_files",
    "json_lines",
    "summary_lines",
    "write_export",
]
