"""A demo that looks like a consortium's year: institutions, people, and items with their whole histories.

It plays the past by `transitions`, and fills an empty installation only.
"""

from .cast import WITH_ACCOUNTS, admin_email, make_service, people_to_sign_in_as, service_email
from .load import DemoRefused, is_empty, load_demo
from .pace import DONE_AT, bag_size, next_stage
from .texts import (
    AGAIN,
    INVALID_BAG,
    RECEIVED,
    REPLACED,
    SAME_AGAIN,
    SUSPENDED,
    TEMPORARY,
    WAITING,
    bag_name,
    done,
    etag,
)

__all__ = [
    "AGAIN",
    "DONE_AT",
    "INVALID_BAG",
    "RECEIVED",
    "REPLACED",
    "SAME_AGAIN",
    "SUSPENDED",
    "TEMPORARY",
    "WAITING",
    "WITH_ACCOUNTS",
    "DemoRefused",
    "admin_email",
    "bag_name",
    "bag_size",
    "done",
    "etag",
    "is_empty",
    "load_demo",
    "make_service",
    "next_stage",
    "people_to_sign_in_as",
    "service_email",
]
