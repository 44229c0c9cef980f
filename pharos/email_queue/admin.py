from django.contrib import admin

from .models import QueuedEmail


@admin.register(QueuedEmail)
class QueuedEmailAdmin(admin.ModelAdmin):
    """Shows what waits and what was given up, and why. Never the text, which can hold another person's links."""

    actions = None
    list_display = ["to", "subject", "created_at", "attempts", "next_attempt_at", "given_up_at", "last_error"]
    fields = ["to", "subject", "created_at", "attempts", "next_attempt_at", "given_up_at", "last_error"]
    list_filter = [("given_up_at", admin.EmptyFieldListFilter)]
    search_fields = ["to"]
    ordering = ["-pk"]
    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
