"""Closed unless opened: a view that declares no permission cannot be reached."""

import logging
from typing import Final

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404

from .roles import Permission

PUBLIC: Final = "public"
log = logging.getLogger(__name__)

# Views of libraries cannot carry our attribute; by URL name. What is not listed (sign-up, say) stays closed.
OF_LIBRARIES: dict[str, Permission | str] = {
    "account_login": PUBLIC,
    "account_logout": PUBLIC,
    "account_inactive": PUBLIC,
    "account_reset_password": PUBLIC,
    "account_reset_password_done": PUBLIC,
    "account_reset_password_from_key": PUBLIC,
    "account_reset_password_from_key_done": PUBLIC,
    "account_change_password": Permission.SIGN_IN,
    "account_reauthenticate": Permission.SIGN_IN,
}
ADMIN_SITE = Permission.MANAGE
# A view of these that says nothing is a mistake to be told; the pages of libraries are closed on purpose.
OURS = ("pharos.", "workitems.")


def opened_with(view, match) -> Permission | str | None:
    """The permission that opens a view, PUBLIC, or None where nobody has said.

    Ours say it as `permission` on the class (or on the function); the admin site is one room with one key.
    """
    if match.app_name == "admin":
        return ADMIN_SITE
    declared = getattr(view, "permission", None) or getattr(getattr(view, "view_class", None), "permission", None)
    return declared or OF_LIBRARIES.get(match.view_name)


class PermissionMiddleware:
    """Middleware: asks `opened_with` before any view runs. Strangers go to the login page, the unauthorised get 403."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        permission = opened_with(view, request.resolver_match)
        if permission is None:
            if getattr(view, "__module__", "").startswith(OURS):
                log.error("%s declares no permission, so it is closed", request.resolver_match.view_name or view)
            raise Http404
        if permission == PUBLIC:
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        # A service account may do much, but not here: it has no web login.
        if not (request.user.can(Permission.SIGN_IN) and request.user.can(permission)):
            raise PermissionDenied
        return None
