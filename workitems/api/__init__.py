"""The API for workers and for depositors' tools: one module per version, and the documents that describe them.

It knows HTTP and each version's names and shapes; it builds no queries and changes items by `transitions` alone.
"""

from .description.docs import VERSIONS, Document, Moves, Overview, Version
from .status_codes import STATUS_OF

__all__ = [
    "STATUS_OF",
    "VERSIONS",
    "Document",
    "Moves",
    "Overview",
    "Version",
]
