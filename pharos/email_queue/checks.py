from typing import Any

from django.conf import settings
from django.core import checks


@checks.register(checks.Tags.security, deploy=True)
def check_mail_server(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Warns when there is no mail server: nobody could set a password then."""
    if settings.EMAIL_HOST:
        return []
    return [
        checks.Warning(
            "EMAIL_HOST isn't set, so no email is sent: nobody can set or reset a password. Emails wait in the queue "
            "for four days.",
            hint="Set EMAIL_HOST to a mail server; docs/operating.md lists the settings.",
            id="email_queue.W001",
        )
    ]
