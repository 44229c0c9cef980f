"""Values that refer to something stored, a cause of failure or a bulk change: which of them a person can see, in words.

What doesn't exist and what the person can't see are the same: a missing reference.
"""

from collections.abc import Collection

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from pharos.accounts.models import User

from ..failures import find_causes
from ..models import BulkChange
from .parameters import read_identifier

# {filter: the error about a value that refers to nothing}.
MISSING: dict[str, str | Promise] = {
    "cause": gettext_lazy("There is no cause of failure with this number."),
    "act": gettext_lazy("There is no bulk change with this identifier that you can see."),
}


def find_references(name: str, values: Collection[str], user: User, *, using: str) -> dict[str, str]:
    """Returns {value: what it refers to, in words} for those values of the filter that refer to something this user can see."""
    if not values:
        return {}
    if name == "act":
        return _name_changes(values, user, using)
    return {str(pk): text for pk, text in find_causes(values, user.scope, using=using)}


def _name_changes(values: Collection[str], user: User, using: str) -> dict[str, str]:
    asked = {value: read_identifier(value) for value in values}
    changes = BulkChange.objects.using(using).visible_to(user).in_bulk([pk for pk in asked.values() if pk])
    return {value: _name(changes[pk]) for value, pk in asked.items() if pk in changes}


def _name(change: BulkChange) -> str:
    """The bulk change as its chip shows it: Cancel, 30 Nov 2026 14:05."""
    return f"{change.name}, {date_format(timezone.localtime(change.created_at), 'j M Y H:i')}"
