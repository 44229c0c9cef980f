"""Django's own admin, set up for daily work: filters, search, and every field editable.

It has no moves and no history, and an edit overwrites whatever a worker has saved in the meantime.
"""

from django.urls import path

from workitems.models import WorkItem

from .django_admin import Site
from .django_admin import WorkItemAdmin as ReadOnlyWorkItemAdmin


class WorkItemAdmin(ReadOnlyWorkItemAdmin):
    list_display_links = ("name",)
    list_editable = ("reviewed",)
    list_filter = (*ReadOnlyWorkItemAdmin.list_filter, "retry")  # type: ignore[assignment]
    fields = ("action", "stage", "status", "note", "retry", "reviewed", "needs_admin_review", "node", "pid")

    def has_view_permission(self, request, obj=None):
        return True

    has_module_permission = has_change_permission = has_view_permission


site = Site()
site.register(WorkItem, WorkItemAdmin)
urlpatterns = [path("admin/", site.urls)]
