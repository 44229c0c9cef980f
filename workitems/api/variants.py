"""The variants of the API: each version has one for members and one for services and admins."""

from collections.abc import Mapping
from dataclasses import dataclass

from pharos.accounts.roles import Permission

from ..listing import PROCESS_NAMES, Dialect
from .authentication import AuthHeaders
from .records import Record


@dataclass(frozen=True)
class ApiVariant:
    """A version of the API for one kind of caller: the permission, the headers, and the names in lists and items."""

    version: str
    permission: Permission
    headers: AuthHeaders
    dialect: Dialect
    record: type[Record]

    @property
    def is_for_members(self) -> bool:
        return self.permission is Permission.BROWSE


def without_process(names: Mapping[str, str]) -> dict[str, str]:
    """The list parameters among these that members can use."""
    return {given: name for given, name in names.items() if name not in PROCESS_NAMES}
