"""Authorization of every request. Denied by default: a view that declares no permission can't be reached."""

import logging
from typing import Final

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404

from .roles import Permission

PUBLIC: Final = "public"
log = logging.getLogger(__name__)

# Views of libraries can't have our attribute, so they are listed by URL name. Unlisted ones, such as sign-up, can't be
# reached.
LIBRARY_VIEWS: dict[str, Permission | str] = {
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
ADMIN_SITE_PERMISSION = Permission.MANAGE
# A view of these packages without a permission is a mistake and is logged; those of libraries are closed on purpose.
OWN_PACKAGES = ("pharos.", "workitems.")


def required_permission(view, match) -> Permission | str | None:
    """The permission that a view requires, PUBLIC, or None if it declares none.

    Our views declare it as `permission` on the class (or function); the admin site has one permission for all its
    pages.
    """
    if match.app_name == "admin":
        return ADMIN_SITE_PERMISSION
    declared = getattr(view, "permission", None) or getattr(getattr(view, "view_class", None), "permission", None)
    return declared or LIBRARY_VIEWS.get(match.view_name)


class PermissionMiddleware:
    """Checks the required permission before any view runs. Anonymous users are redirected to the sign-in page, users
    without the permission get 403, and views that declare none are a 404.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        permission = required_permission(view, request.resolver_match)
        if permission is None:
            if getattr(view, "__module__", "").startswith(OWN_PACKAGES):
                log.error("%s declares no permission, so it is closed", request.resolver_match.view_name or view)
            raise Http404
        if permission == PUBLIC:
            return None
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        # Service accounts can have the permission itself, but can't use pages.
        if not (request.user.can(Permission.SIGN_IN) and request.user.can(permission)):
            raise PermissionDenied
        return None
