"""Items and their history on the admin site, read-only. Items are changed on their own pages, through moves."""

from django.contrib import admin
from django.db.models import Q
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from .database import parse_bigint
from .models import ArchivedEntry, HistoryEntry, WorkItem
from .search import same_text


class ReadOnly(admin.ModelAdmin):
    """Shows objects; nobody can add, change, or delete them here."""

    actions = None
    ordering = ["-id"]
    sortable_by = ()  # sorting a million rows without an index would keep the database busy
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


def as_id(text):
    """Returns the id in a text; 0, which no item has, if it is invalid."""
    return parse_bigint(text) or 0


@admin.register(WorkItem)
class WorkItemAdmin(ReadOnly):
    list_display = ["id", "name", "institution", "action", "stage", "status", "retry", "reviewed", "date"]
    list_display_links = ["id", "name"]
    list_select_related = ["institution"]
    search_fields = ["name", "etag"]
    search_help_text = _(
        "The full name or etag of an item, or its number. To search for part of a name, use the list of items."
    )
    readonly_fields = ["history_and_page"]
    exclude = ["search_text"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("note", "search_text")

    def get_search_results(self, request, queryset, search_term):
        """Searches for complete values, which have indexes. A search for part of a value would have to read every row."""
        text = search_term.strip()
        if text:
            queryset = queryset.filter(same_text("name", text) | Q(etag=text) | Q(pk=as_id(text)))
        return queryset, False

    @admin.display(description=_("history"))
    def history_and_page(self, item):
        return format_html(
            '<a href="{}?q={}">{}</a>, <a href="{}">{}</a>',
            reverse("admin:workitems_historyentry_changelist"),
            item.pk,
            _("History entries"),
            reverse("item", args=[item.pk]),
            _("Item page"),
        )


@admin.register(HistoryEntry)
class HistoryEntryAdmin(ReadOnly):
    list_display = ["item_id", "number", "at", "who", "via", "move", "stage_after", "status_after"]
    list_display_links = ["item_id", "number"]
    search_fields = ["item"]
    search_help_text = _("The number of an item, to see its history.")

    def get_queryset(self, request):
        return super().get_queryset(request).defer("note", "changes")

    def get_search_results(self, request, queryset, search_term):
        text = search_term.strip()
        return queryset.filter(item_id=as_id(text)) if text else queryset, False


@admin.register(ArchivedEntry)
class ArchivedEntryAdmin(HistoryEntryAdmin):
    """The entries that were moved to the archive."""
