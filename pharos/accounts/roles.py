"""Roles and their permissions, the only place that decides who can do what. It knows neither HTTP nor SQL.

A new role is a member of Role and a row in ROLES.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """Something that a user can be allowed to do. Moves of the life cycle have the same names here as there."""

    SIGN_IN = "sign_in"  # use the web pages
    BROWSE = "browse"  # list, item page, search, export
    SEE_EVERY_INSTITUTION = "see_every_institution"
    SEE_PROCESS = "see_process"  # node, pid, and worker state
    MANAGE = "manage"  # people and institutions, on the admin site
    API_KEY = "api_key"  # create and use API keys
    ADMIN_API = "admin_api"  # the routes for services and admins; all other routes of the API are for members
    CREATE = "create"
    PROGRESS = "progress"
    RETRY = "retry"
    SUCCEED = "succeed"
    FAIL = "fail"
    SUSPEND = "suspend"
    CANCEL = "cancel"
    CANCEL_UPLOAD = "cancel_upload"  # only an upload: early in its ingest, or one that another upload replaces
    REQUEUE = "requeue"
    REVIEW = "review"
    REVIEW_FOR_CONSORTIUM = "review_for_consortium"  # mark what waits for the consortium as reviewed
    SHARE = "share"  # save views for everyone at the same institution
    SHARE_WITH_ALL = "share_with_all"  # and for everyone
    EDIT = "edit"
    NOTIFY = "notify"  # notify an institution's staff that a restored copy can be checked


class Role(StrEnum):
    """The stored value of a person's role."""

    DEPOSITOR = "institutional_user"
    STAFF = "institutional_admin"
    ADMIN = "admin"
    WORKER = "worker"


@dataclass(frozen=True)
class RoleRow:
    """The label and the permissions of a role."""

    label: str | Promise
    permissions: frozenset[Permission]


P = Permission
_DEPOSITOR = {P.SIGN_IN, P.BROWSE, P.API_KEY}
_STAFF = _DEPOSITOR | {P.REVIEW, P.SHARE}
_EVERYWHERE = {P.BROWSE, P.SEE_EVERY_INSTITUTION, P.SEE_PROCESS, P.API_KEY, P.ADMIN_API}
_ADVANCE_ITEMS = {P.CREATE, P.PROGRESS, P.RETRY, P.SUCCEED, P.FAIL, P.SUSPEND, P.NOTIFY}
_WORKER = _EVERYWHERE | _ADVANCE_ITEMS | {P.CANCEL_UPLOAD}
_ADMIN = (
    _STAFF
    | _EVERYWHERE
    | _ADVANCE_ITEMS
    | {
        *(P.MANAGE, P.CANCEL, P.REQUEUE, P.EDIT, P.SHARE_WITH_ALL),
        P.REVIEW_FOR_CONSORTIUM,
    }
)

ROLES: dict[Role, RoleRow] = {
    Role.DEPOSITOR: RoleRow(_("Depositor"), frozenset(_DEPOSITOR)),
    Role.STAFF: RoleRow(_("Institution staff"), frozenset(_STAFF)),
    Role.ADMIN: RoleRow(_("APTrust admin"), frozenset(_ADMIN)),
    Role.WORKER: RoleRow(_("Service account"), frozenset(_WORKER)),
}


def has_permission(role: str, permission: Permission) -> bool:
    """Whether the role has the permission. An unknown role has none."""
    try:
        return permission in ROLES[Role(role)].permissions
    except ValueError:
        return False


def role_choices() -> list[tuple[str, str | Promise]]:
    """(value, label) of every role, for forms and the model."""
    return [(role.value, row.label) for role, row in ROLES.items()]
