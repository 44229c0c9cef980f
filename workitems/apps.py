from django.apps import AppConfig


class WorkItemsConfig(AppConfig):
    name = "workitems"
    verbose_name = "Work Items"

    def ready(self):
        from . import checks  # noqa: F401  they register themselves
