"""The tables named in our own SQL. Models are built on rooms that need these names, so they are defined here, once.

A test compares them with the models (tests/test_architecture.py).
"""

WORK_ITEMS = "workitems_workitem"
SEARCHED_TEXTS = "workitems_searchedtext"
