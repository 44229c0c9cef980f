"""What the notes of workers and validators say: the faults in them, whatever form they came in. Pure.

It knows the forms of notes: JSON, XML, tracebacks, logs, lists. It must not know items, or what follows from a fault.
"""

from .display import FoldedNote, fold_note, make_one_line, make_readable
from .faults import Faults, find_faults
from .quotes import QUOTED
from .unwrapping import strip_verdict

__all__ = [
    "QUOTED",
    "Faults",
    "FoldedNote",
    "find_faults",
    "fold_note",
    "make_one_line",
    "make_readable",
    "strip_verdict",
]
