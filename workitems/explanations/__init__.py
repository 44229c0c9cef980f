"""What a state means to the person who reads it: what now, the strip of stages, and the lists that need somebody.

Pure: it is given what it must know of an item, and asks no database.
"""

from .advice import NO_BREAK, Advice, State, Tone, Words, count_of_items, first_line, in_unit, lasting, what_now, words
from .pipeline import Passage, Step, steps
from .presets import Need, needs_for, presets_for

__all__ = [
    "NO_BREAK",
    "Advice",
    "Need",
    "Passage",
    "State",
    "Step",
    "Tone",
    "Words",
    "count_of_items",
    "first_line",
    "in_unit",
    "lasting",
    "needs_for",
    "presets_for",
    "steps",
    "what_now",
    "words",
]
