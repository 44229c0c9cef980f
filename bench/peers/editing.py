"""Django's own admin as whoever sets it up would let people work in it: filters, search, and every field to be changed.

It knows no moves: what is changed is changed, whatever the workers do meanwhile, and no history is kept.
"""

from django.urls import path

from workitems.models import WorkItem

from .admin import Site
from .admin import WorkItemAdmin as Listed


class WorkItemAdmin(Listed):
    list_display_links = ("name",)
    list_editable = ("reviewed",)
    list_filter = (*Listed.list_filter, "retry")  # type: ignore[assignment]
    fields = ("action", "stage", "status", "note", "retry", "reviewed", "needs_admin_review", "node", "pid")

    def has_view_permission(self, request, obj=None):
        return True

    has_module_permission = has_change_permission = has_view_permission


site = Site()
site.register(WorkItem, WorkItemAdmin)
urlpatterns = [path("admin/", site.urls)]
