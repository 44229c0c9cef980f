"""Imports and exports: dumps of the earlier systems, our own files, and lists as CSV or JSON.

It knows files and their formats, and stores imported items through `transitions`. It must not know requests or pages.
"""

from .exporting import IncompleteHistory, StartedStream, csv_lines, export_lines, json_lines, write_export
from .importing.formats import FORMATS
from .importing.raw_rows import ImportStopped, UnreadableFile
from .importing.run import import_files
from .importing.summary_text import summary_lines

__all__ = [
    "FORMATS",
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
