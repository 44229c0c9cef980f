from django.contrib import admin

from .models import Announcement
from .showing import clear_cache


@admin.register(Announcement)
class AnnouncementAdmin(admin.ModelAdmin):
    list_display = ["text", "institution", "is_public", "starts_at", "ends_at"]
    list_select_related = ["institution"]
    list_filter = ["institution", "is_public"]
    ordering = ["-starts_at", "-pk"]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        clear_cache()  # in this process; others read it within half a minute

    def delete_model(self, request, obj):
        super().delete_model(request, obj)
        clear_cache()

    def delete_queryset(self, request, queryset):
        super().delete_queryset(request, queryset)
        clear_cache()
