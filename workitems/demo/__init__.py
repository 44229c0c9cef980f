"""A demo that looks like a consortium's last two years: institutions, people, and items with complete histories.

It knows how items usually move, and makes those moves through `transitions`. It only fills an empty database.
"""

from .cast import DOMAINS_WITH_ACCOUNTS, admin_email, create_service, service_email, sign_in_accounts
from .load import DemoRefused, is_empty, load_demo
from .texts import (
    DUPLICATE,
    INVALID_BAG,
    RECEIVED,
    RETRYING,
    SUPERSEDED,
    SUSPENDED,
    TEMPORARY,
    WAITING,
    bag_name,
    etag,
    success_note,
)
from .timing import SUCCESS_STAGES, bag_size, next_stage

__all__ = [
    "DOMAINS_WITH_ACCOUNTS",
    "DUPLICATE",
    "INVALID_BAG",
    "RECEIVED",
    "RETRYING",
    "SUCCESS_STAGES",
    "SUPERSEDED",
    "SUSPENDED",
    "TEMPORARY",
    "WAITING",
    "DemoRefused",
    "admin_email",
    "bag_name",
    "bag_size",
    "create_service",
    "etag",
    "is_empty",
    "load_demo",
    "next_stage",
    "service_email",
    "sign_in_accounts",
    "success_note",
]
