"""The tables that our own SQL names. Models are built on the rooms that need them, so they are said here, once.

A test compares them with the models (tests/test_architecture.py).
"""

WORK_ITEMS = "workitems_workitem"
SEARCHED_TEXTS = "workitems_searchedtext"
