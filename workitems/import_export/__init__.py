"""Rows in, many at a time, and rows out: dumps of the earlier systems, our own files, and lists as CSV or JSON.

It knows files and their dialects; what comes in is stored by `transitions`.
"""

from .exporting import Begun, NotWhole, csv_lines, export_lines, export_to, json_lines
from .importing.formats import FORMATS
from .importing.operations import sentences
from .importing.raw import Stopped, Unreadable
from .importing.taking import import_files

__all__ = [
    "FORMATS",
    "Begun",
    "NotWhole",
    "Stopped",
    "Unreadable",
    "csv_lines",
    "export_lines",
    "export_to",
    "import_files",
    "json_lines",
    "sentences",
]
