"""The API for services and for depositors' tools: a module for each version, and the documentation of all of them.

It knows HTTP and each version's names and formats. It must not build queries, and changes items only through
`transitions`.
"""

from .description.docs import VERSIONS, Moves, OpenApiDocument, Overview, Version
from .status_codes import STATUS_OF

__all__ = [
    "STATUS_OF",
    "VERSIONS",
    "Moves",
    "OpenApiDocument",
    "Overview",
    "Version",
]
