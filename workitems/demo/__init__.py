"""The demo: institutions, people, and two years of items that went their way through the same verbs as real ones."""

from .load import DemoRefused, Loaded, load_demo

__all__ = ["DemoRefused", "Loaded", "load_demo"]
