from django.apps import AppConfig


class WorkItemsConfig(AppConfig):
    name = "workitems"
    verbose_name = "Work Items"

    def ready(self) -> None:
        from .database import checks  # noqa: F401  registers the checks
