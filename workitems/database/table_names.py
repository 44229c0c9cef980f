"""The names of the tables in our own SQL, for rooms on lower floors than the models.

A test compares them with the models (tests/test_architecture.py).
"""

WORK_ITEMS = "workitems_workitem"
SEARCHED_TEXTS = "workitems_searchedtext"
