from django.conf import settings
from django.core.exceptions import DisallowedHost

from .roles import Permission


def page_context(request):
    """The template context of every page: the support address, the address of the help, what the reader can do, and the page's address."""
    user = getattr(request, "user", None)
    return {
        "support_email": settings.SUPPORT_EMAIL,
        "help_url": settings.HELP_URL,
        "can": {p.value: bool(user and user.is_authenticated and user.can(p)) for p in Permission},
        "page_address": _address(request),
    }


def _address(request) -> str:
    """The full address of the page, for print; without the host if the request names one that isn't allowed."""
    try:
        return request.build_absolute_uri()
    except DisallowedHost:
        return request.get_full_path()
