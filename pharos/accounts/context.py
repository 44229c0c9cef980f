from django.conf import settings
from django.core.exceptions import DisallowedHost

from .roles import Permission, Role


def page_context(request):
    """Template context of every page: the support address, and what the reader can do."""
    user = getattr(request, "user", None)
    return {
        "support_email": settings.SUPPORT_EMAIL,
        "may": {p.value: bool(user and user.is_authenticated and user.can(p)) for p in Permission},
        "role": Role,
        "page_address": _address(request),
    }


def _address(request) -> str:
    """The whole address of the page, for paper; of a request under a name that is not ours, what we know of it."""
    try:
        return request.build_absolute_uri()
    except DisallowedHost:
        return request.get_full_path()
