"""Who may do what: the only place that says so. Knows neither HTTP nor SQL."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """One thing that a person or service may be allowed to do. The moves of the lifecycle carry their own names."""

    SIGN_IN = "sign_in"  # use the web pages at all
    BROWSE = "browse"  # list, item page, search, export
    SEE_EVERY_INSTITUTION = "see_every_institution"
    SEE_PROCESS = "see_process"  # node, pid and worker state
    MANAGE = "manage"  # people and institutions, on the admin site
    API_KEY = "api_key"  # make and use keys of the API
    ADMIN_API = "admin_api"  # the routes of services and admins; every other route of the API is a member's
    CREATE = "create"
    PROGRESS = "progress"
    SUCCEED = "succeed"
    FAIL = "fail"
    SUSPEND = "suspend"
    CANCEL = "cancel"
    CANCEL_REPLACED = "cancel_replaced"  # only an upload in whose place another one counts
    REQUEUE = "requeue"
    REVIEW = "review"
    SHARE = "share"  # save views of the list for the own institution
    SHARE_WITH_ALL = "share_with_all"  # and for everybody
    EDIT = "edit"
    NOTIFY = "notify"  # tell an institution's staff that a restored copy is there to be checked


class Role(StrEnum):
    """The stored value of a person's role."""

    DEPOSITOR = "institutional_user"
    STAFF = "institutional_admin"
    ADMIN = "admin"
    WORKER = "worker"


@dataclass(frozen=True)
class RoleRow:
    label: str | Promise
    permissions: frozenset[Permission]


P = Permission
_DEPOSITOR = {P.SIGN_IN, P.BROWSE, P.API_KEY}
_STAFF = _DEPOSITOR | {P.REVIEW, P.SHARE}
_EVERYWHERE = {P.BROWSE, P.SEE_EVERY_INSTITUTION, P.SEE_PROCESS, P.API_KEY, P.ADMIN_API}
_MOVES_ALONG = {P.CREATE, P.PROGRESS, P.SUCCEED, P.FAIL, P.SUSPEND, P.NOTIFY}
_WORKER = _EVERYWHERE | _MOVES_ALONG | {P.CANCEL_REPLACED}
_ADMIN = _STAFF | _EVERYWHERE | _MOVES_ALONG | {P.MANAGE, P.CANCEL, P.REQUEUE, P.EDIT, P.SHARE_WITH_ALL}

ROLES: dict[Role, RoleRow] = {
    Role.DEPOSITOR: RoleRow(_("Depositor"), frozenset(_DEPOSITOR)),
    Role.STAFF: RoleRow(_("Institution staff"), frozenset(_STAFF)),
    Role.ADMIN: RoleRow(_("APTrust admin"), frozenset(_ADMIN)),
    Role.WORKER: RoleRow(_("Service account"), frozenset(_WORKER)),
}


def may(role: str, permission: Permission) -> bool:
    """Whether the role's row holds the permission. A role without a row may do nothing."""
    try:
        return permission in ROLES[Role(role)].permissions
    except ValueError:
        return False


def role_choices() -> list[tuple[str, str | Promise]]:
    """(value, label) of every role, for forms and the model."""
    return [(role.value, row.label) for role, row in ROLES.items()]
