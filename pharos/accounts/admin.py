from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from . import api_keys
from .forms import KeyForm
from .models import ApiKey, Institution, User
from .roles import Permission, Role, has_permission
from .views import render_key_once

admin.site.site_header = "Pharos"
admin.site.site_title = "Pharos"
admin.site.index_title = "Administration"
# allauth keeps a copy of each user's address. Editing it separately would only cause conflicts.
admin.site.unregister(EmailAddress)


@admin.register(Institution)
class InstitutionAdmin(admin.ModelAdmin):
    list_display = ["identifier", "name"]
    search_fields = ["identifier", "name"]

    def get_readonly_fields(self, request, obj=None):
        # Object identifiers and buckets are derived from it.
        return ["identifier"] if obj else []


@admin.register(User)
class UserAdmin(admin.ModelAdmin):
    """New users have no password; they set one with "Forgot your password?" on the sign-in page."""

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
        # Users are deactivated instead, so that their keys and what they did stay traceable.
        return False


class ActiveFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "works"

    def lookups(self, request, model_admin):
        return [("yes", _("Active")), ("expired", _("Expired")), ("no", _("Revoked"))]

    def queryset(self, request, queryset):
        now = timezone.now()
        states = {
            "yes": queryset.active(now),
            "expired": queryset.not_revoked().filter(expires_at__lte=now),
            "no": queryset.exclude(revoked_at=None),
        }
        return states.get(self.value(), queryset)


@admin.register(ApiKey)
class ApiKeyAdmin(admin.ModelAdmin):
    """Shows, creates, and revokes keys, but never changes or deletes them.

    Only service accounts get keys here, because they have no "My account".
    """

    form = KeyForm
    list_display = ["prefix_shown", "state", "label", "user", "access", "last_used"]
    list_filter = [ActiveFilter]
    list_select_related = ["user"]
    search_fields = ["prefix", "label", "user__email"]
    actions = ["revoke"]
    changelist_url = "admin:accounts_apikey_changelist"

    def get_fields(self, request, obj=None):
        if obj is None:
            return ["user", "label", "access", "days", "once"]
        return ["prefix", "label", "user", "access", "created_at", "expires_at", "last_used_at", "revoked_at"]

    @admin.display(description=_("starts with"), ordering="prefix")
    def prefix_shown(self, key):
        return f"{key.prefix}…" if key.is_active(timezone.now()) else format_html("<del>{}…</del>", key.prefix)

    @admin.display(description=_("last used"), ordering="last_used_at")
    def last_used(self, key):
        return date_format(timezone.localtime(key.last_used_at), "j M Y") if key.last_used_at else _("never")

    @admin.display(description=_("state"), ordering="revoked_at")
    def state(self, key):
        if key.revoked_at:
            return _("revoked")
        return _("active") if key.is_active(timezone.now()) else _("expired")

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        # With a person's key an admin could act on that person's behalf, so people create their own.
        services = [
            role
            for role in Role
            if has_permission(role, Permission.API_KEY) and not has_permission(role, Permission.SIGN_IN)
        ]
        kwargs["queryset"] = User.objects.filter(is_active=True, role__in=services)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def add_view(self, request, form_url="", extra_context=None):
        try:
            return super().add_view(request, form_url, extra_context)
        except api_keys.KeyRefused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
            return redirect(self.changelist_url)

    def save_model(self, request, obj, form, change):
        made, obj.secret = api_keys.create_key(
            obj.user,
            label=obj.label,
            access=obj.access,
            days=form.cleaned_data["days"],
            once=form.cleaned_data["once"],
            now=timezone.now(),
        )
        obj.pk, obj.prefix = made.pk, made.prefix

    def response_add(self, request, obj, post_url_continue=None):
        return render_key_once(request, obj, obj.secret, back_url=reverse(self.changelist_url))

    @admin.action(description=_("Revoke the selected keys"), permissions=["view"])
    def revoke(self, request, queryset):
        """Asks for confirmation, and revokes only active keys."""
        active_keys = list(queryset.active(timezone.now()).select_related("user"))
        if not active_keys:
            self.message_user(request, _("None of these keys is active, so nothing was changed."), messages.INFO)
            return None
        if "confirmed" not in request.POST:
            context = {**self.admin_site.each_context(request), "title": _("Revoke API keys?"), "keys": active_keys}
            return render(request, "revoke_keys.html", context)
        for key in active_keys:
            api_keys.revoke_key(key, now=timezone.now())
            self.log_change(request, key, "Revoked.")
        sentence = ngettext("Revoked %(number)d key.", "Revoked %(number)d keys.", len(active_keys))
        self.message_user(request, sentence % {"number": len(active_keys)}, messages.SUCCESS)
        return None

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
