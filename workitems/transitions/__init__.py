"""The one door through which items change. WorkItem's verbs and bulk acts come by `changing`, imports by `arriving`."""

from .apply import Plan, Result, Stopped, change, create, save
from .arrivals import Arrivals, take_in

__all__ = ["Arrivals", "Plan", "Result", "Stopped", "change", "create", "save", "take_in"]
