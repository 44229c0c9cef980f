"""An item's history read as one, whether its entries are at hand or archived; and the moving of old ones to the archive.

It reads and moves entries; `transitions` alone writes new ones.
"""

from .archiving import Moved, TooYoung, highest_number, move_out
from .reading import every_entry, latest, whole

__all__ = [
    "Moved",
    "TooYoung",
    "every_entry",
    "highest_number",
    "latest",
    "move_out",
    "whole",
]
