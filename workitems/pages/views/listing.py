from urllib.parse import urlencode

from django.http import StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import View
from django.views.generic import TemplateView

from pharos.accounts.models import ROWS_PER_PAGE
from pharos.accounts.roles import Permission
from pharos.replicas.reading import ReadsFromReplica

from ... import bulk, import_export, saved_views
from ...explanations import presets_for
from ...listing import (
    MOST_CHARACTERS,
    PAGING_NAMES,
    SCAN_LIMIT,
    SORTS,
    ItemList,
    Page,
    fetch_rows,
    find,
    in_date_input,
    in_one_line,
)
from ...review import QueueState, count_unreviewed
from ...vocabulary import ACTIONS, STAGES, STATUSES
from ..access import ItemViewMixin, url_of_queue
from ..list import changes
from ..list.facets import Facets, format_total, suggest_drops
from ..list.never_arrived import explain_absence
from ..list.search import found_without_filters, notes_on_search
from ..list.table import ItemTable

# The filters with a field of their own above the rows; see templates/workitems/list/_search.html.
FIELD_FILTERS = (
    "q",
    "received_from",
    "received_to",
    "finished_from",
    "finished_to",
    "size_min",
    "size_max",
    "bucket",
    "node",
    "user",
    "retry",
    "needs_admin_review",
)
DATE_FILTERS = ("received_from", "received_to", "finished_from", "finished_to")
MOST_ROWS = 1_000  # on the page of many names
EXPORT_FORMATS = {
    "csv": ("text/csv; charset=utf-8", import_export.csv_lines),
    "json": ("application/json", import_export.json_lines),
}


class ItemListPage(ReadsFromReplica, ItemViewMixin, View):
    """`/items/`: the list for its query string, as a page or as a file."""

    permission = Permission.BROWSE

    def get(self, request):
        listing = ItemList(request.GET, request.user, using=self.using)
        if not listing.is_valid():
            return self.page(listing, status=400)
        if listing.format != "html":
            return self.file(listing)
        # The page of a list repeats its query string in a hundred links.
        return self.names_page(listing) if len(listing.search_text) > MOST_CHARACTERS else self.page(listing)

    def file(self, listing):
        content_type, lines = EXPORT_FORMATS[listing.format]
        items_url = self.request.build_absolute_uri(reverse("items"))
        pieces = import_export.StartedStream(lines(listing.rows(), user=listing.user, items_url=items_url))
        response = StreamingHttpResponse(pieces, content_type=content_type)
        name = f"work-items-{timezone.now():%Y-%m-%d}.{listing.format}"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def page(self, listing, status=200):
        can_review = listing.is_valid() and listing.user.can(Permission.REVIEW)
        is_live = listing.is_valid() and listing.user.live_updates
        now = timezone.now()
        marker = bulk.read_marker(self.using) if can_review else []
        baseline = changes.take_baseline(listing, now) if is_live else None
        facets = Facets(listing)
        page = facets.result.page() if facets.result else Page()
        institutions = listing.institutions if page.ids else {}
        rows = fetch_rows(page.ids, now, institutions, self.using, fields=ItemTable.fields_for(listing.user))
        start = (listing.page - 1) * listing.per_page if listing.is_valid() else 0
        context = {
            "listing": listing,
            "list_query": listing.query(),
            "facets": facets,
            "groups": facets.groups(),
            "chips": listing.chips(),
            "table": ItemTable(rows, listing, is_sorted=facets.result is None or facets.result.is_sorted),
            "page": page,
            "scan_limit": SCAN_LIMIT,
            "page_count": -(-facets.total // listing.per_page) if listing.is_valid() else 0,
            "first_row": start + 1 if rows else 0,
            "last_row": start + len(rows) if rows else 0,
            "field_values": _field_values(listing),
            "hidden_fields": _hidden_fields(listing),
            "presets": presets_for(listing.user.role),
            "sidebar": saved_views.sidebar_views(listing),
            "view_reaches": saved_views.allowed_reaches(listing.user),
            "sorts": SORTS,
            "page_sizes": sorted({*ROWS_PER_PAGE, listing.per_page}) if listing.is_valid() else ROWS_PER_PAGE,
            "search_notes": notes_on_search(listing),
        }
        if listing.is_valid() and not facets.total and facets.is_complete:
            context["without_filters"] = found_without_filters(listing)
            context["drop_hints"] = suggest_drops(listing)
            context["never_arrived"] = explain_absence(listing)
        if rows and can_review:
            context["unreviewed_count"] = count_unreviewed(facets.result)
            context["queue_url"] = url_of_queue(QueueState(list_query=listing.query(page=None)))
            context["snapshot"] = bulk.sign_snapshot(listing, facets.total, marker, is_complete=facets.is_complete)
        if baseline:
            context["baseline"] = changes.serialize(baseline)
        return render(self.request, "workitems/list/list.html", context, status=status)

    def names_page(self, listing, status=200):
        """The items of a list of names that is too long for an address, without what else a list's page has."""
        found = find(listing) if listing and listing.is_valid() else None
        ids = [row.pk for row in found.rows_after(None, MOST_ROWS)] if found else []
        rows = fetch_rows(ids, timezone.now(), listing.institutions if ids else {}, self.using)
        context = {
            "names": listing.search_text if listing else "",
            "errors": listing.errors.values() if listing else [],
            "search_notes": notes_on_search(listing) if found else None,
            "total": format_total(found.total, is_complete=found.is_complete) if found else "",
            "rows": rows,
            "is_cut": bool(found) and found.total > len(rows),
        }
        return render(self.request, "workitems/list/names.html", context, status=status)


class NamesSearch(ItemListPage):
    """`/items/find`: a form for many names; POST, which changes nothing, because an address can't hold a thousand names."""

    def get(self, request):
        return self.names_page(None)

    def post(self, request):
        text = request.POST.get("names", "")
        listing = ItemList({"q": [text]}, request.user, using=self.using)
        if not listing.is_valid():
            return self.names_page(listing, status=400)
        if request.POST.get("format") == "csv":
            return self.file(ItemList({"q": [text], "format": ["csv"]}, request.user, using=self.using))
        if len(text) > MOST_CHARACTERS:
            return self.names_page(listing)
        return redirect(f"{reverse('items')}?{urlencode({'q': in_one_line(text)})}" if text.strip() else "find_names")


def _field_values(listing):
    """{filter: value} of the fields above the rows."""
    values = {name: listing.params.get(name, [""])[0] for name in FIELD_FILTERS}
    values["q"] = in_one_line(values["q"])
    return values | {name: in_date_input(values[name]) for name in DATE_FILTERS}


def _hidden_fields(listing):
    """(name, value) of the search form's hidden fields: the active filters without a visible field."""
    others = {*FIELD_FILTERS, *PAGING_NAMES, "format"}
    return [(name, value) for name, values in listing.params.items() if name not in others for value in values]


class Glossary(ItemViewMixin, TemplateView):
    """`/words`: the definitions of all actions, stages, and statuses."""

    permission = Permission.BROWSE
    template_name = "workitems/glossary.html"

    def get_context_data(self, **kwargs):
        kinds = [(_("Actions"), "action", ACTIONS), (_("Stages"), "stage", STAGES), (_("Statuses"), "status", STATUSES)]
        return super().get_context_data(kinds=kinds, **kwargs)
