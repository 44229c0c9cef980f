"""Django's own admin on the product's tables: a list of 25 items, newest first, with a count next to every filter.

It runs with the middleware that the admin requires, and none of the product's. Like on the product's list, people see only
the items they have access to.
"""

from django.contrib import admin
from django.urls import path

from workitems.models import WorkItem

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]


class Site(admin.AdminSite):
    def has_permission(self, request):
        return request.user.is_active


class WorkItemAdmin(admin.ModelAdmin):
    list_display = ("name", "institution", "action", "stage", "status", "reviewed", "size", "date", "updated_at")
    list_filter = ("action", "stage", "status", "reviewed", "institution")
    list_select_related = ("institution",)
    list_per_page = 25
    show_facets = admin.ShowFacets.ALWAYS
    search_fields = ("name", "etag", "object_identifier", "generic_file_identifier")
    ordering = ("-date", "-id")

    def get_queryset(self, request):
        return WorkItem.objects.visible_to(request.user)

    def has_view_permission(self, request, obj=None):
        return True

    has_module_permission = has_view_permission


site = Site()
site.register(WorkItem, WorkItemAdmin)
urlpatterns = [path("admin/", site.urls)]
