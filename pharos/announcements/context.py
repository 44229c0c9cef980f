from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from .showing import announcements_for


def announcements(request: HttpRequest) -> dict[str, Any]:
    """The template context of every page: what is announced to its reader. Only read if the page shows it."""
    user = getattr(request, "user", None)
    return {
        "announcements": SimpleLazyObject(
            lambda: announcements_for(user if user and user.is_authenticated else None, timezone.now())
        )
    }
