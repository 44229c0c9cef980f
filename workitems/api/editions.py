"""What distinguishes the versions of the API, and in each the routes of members from those of services and admins."""

from collections.abc import Mapping
from dataclasses import dataclass

from pharos.accounts.roles import Permission

from ..listing import PROCESS_NAMES, Dialect
from .callers import Headers
from .records import Record


@dataclass(frozen=True)
class Edition:
    """One version for one kind of caller: who they are, how they spell a list, and an item."""

    version: str
    permission: Permission
    headers: Headers
    dialect: Dialect
    record: type[Record]

    @property
    def is_for_members(self) -> bool:
        return self.permission is Permission.BROWSE


def without_process(names: Mapping[str, str]) -> dict[str, str]:
    """The names of a list that a member may use."""
    return {given: name for given, name in names.items() if name not in PROCESS_NAMES}
