from allauth.account.models import EmailAddress
from django.contrib import admin

from .models import Institution, User

admin.site.site_header = "Pharos"
admin.site.site_title = "Pharos"
admin.site.index_title = "Administration"
# The addresses that allauth keeps follow from the person; a second place to edit them would only disagree.
admin.site.unregister(EmailAddress)


@admin.register(Institution)
class InstitutionAdmin(admin.ModelAdmin):
    list_display = ["identifier", "name"]
    search_fields = ["identifier", "name"]

    def get_readonly_fields(self, request, obj=None):
        # Object identifiers and buckets are made of it.
        return ["identifier"] if obj else []


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """A new person has no password: they take one by "Forgot your password?" on the login page."""

    list_display = ["email", "name", "role", "institution", "is_active", "last_login"]
    list_filter = ["role", "is_active", "institution"]
    list_select_related = ["institution"]
    search_fields = ["email", "name"]
    fields = ["email", "name", "role", "institution", "time_zone", "is_active", "last_login", "created_at"]
    readonly_fields = ["last_login", "created_at"]

    def save_model(self, request, obj, form, change):
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def has_delete_permission(self, request, obj=None):
        # Switch them off instead: their saved settings and keys stay answerable.
        return False
