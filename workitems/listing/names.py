"""The names in the query string of a list: which there are, and who has which of them."""

from ..lifecycle import PROCESS
from .filterset import ListFilterSet
from .parameter_names import Dialect

ALIASES = {
    "action": "item_action",
    "name_contains": "name_like",
    "etag_contains": "etag_like",
    "updated_since": "updated_after",
}
# Old scripts send this, although it has never filtered items.
IGNORED_NAMES = frozenset({"access"})
# How the list is shown, not which items are in it.
PRESENTATION_NAMES = ("sort", "page", "per_page", "after", "before", "format")
PAGING_NAMES = ("page", "after", "before")
FACETS = {
    "action": "item_action",
    "stage": "stage",
    "status": "status",
    "reviewed": "reviewed",
    "institution": "institution",
}
PROCESS_NAMES = tuple(f"{name}{ending}" for name in sorted(PROCESS) for ending in ("", "_empty", "_not_empty"))
# Names that only the pages, only version 3 of the API, or only the API have.
PAGES_ONLY_NAMES = ("before", "format")
V3_ONLY_NAMES = (
    *("registry_action", "not_queued", "date_from", "date_to", "claimed", "not_claimed"),
    *("about_file", "not_about_file", "finished_at_from", "finished_at_to"),
)
API_ONLY_NAMES = ("bag_date_from", "bag_date_to", *V3_ONLY_NAMES)
NAMES = {name: name for name in ListFilterSet.declared_filters} | ALIASES
PAGES = Dialect(
    {given: name for given, name in NAMES.items() if name not in API_ONLY_NAMES},
    per_page=None,
    ignored=IGNORED_NAMES,
)
