"""Real items in: files of other systems, or of our own export, become items with history."""

from .formats import FORMATS
from .raw import Stopped, Unreadable
from .taking import Summary, import_files

__all__ = ["FORMATS", "Stopped", "Summary", "Unreadable", "import_files"]
