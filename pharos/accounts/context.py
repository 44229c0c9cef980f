from django.conf import settings

from .roles import Permission, Role


def house(request):
    """What every page may name: where to ask for help, and what the reader may do."""
    user = getattr(request, "user", None)
    return {
        "support_email": settings.SUPPORT_EMAIL,
        "may": {p.value: bool(user and user.is_authenticated and user.can(p)) for p in Permission},
        "role": Role,
    }
