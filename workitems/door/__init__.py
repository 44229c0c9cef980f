"""The one door through which items change. WorkItem's verbs and bulk acts come by `changing`, imports by `arriving`."""

from .arriving import Arrivals, take_in
from .changing import Plan, Result, Stopped, change, create, save

__all__ = ["Arrivals", "Plan", "Result", "Stopped", "change", "create", "save", "take_in"]
