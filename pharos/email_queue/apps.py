from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EmailQueueConfig(AppConfig):
    name = "pharos.email_queue"
    verbose_name = _("Email")

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers them
