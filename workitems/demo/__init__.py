"""The demo: institutions, people, and two years of items that went their way through the same verbs as real ones."""

from .load import DemoRefused, Loaded, is_empty, load_demo

__all__ = ["DemoRefused", "Loaded", "is_empty", "load_demo"]
