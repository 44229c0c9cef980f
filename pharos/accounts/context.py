from django.conf import settings

from .roles import Permission, Role


def page_context(request):
    """Template context of every page: the support address, and what the reader can do."""
    user = getattr(request, "user", None)
    return {
        "support_email": settings.SUPPORT_EMAIL,
        "may": {p.value: bool(user and user.is_authenticated and user.can(p)) for p in Permission},
        "role": Role,
    }
