"""Sample addresses of every kind of page, and which users request them. A kind is the name of a URL.

`test_markup.py` fails if a URL of `urls.py` has no sample and isn't listed as answering without a page.
"""

from collections.abc import Iterator

from django.urls import URLResolver, get_resolver

# {…} is the number of what tests/e2e/gallery.py hangs under that name.
ADDRESSES = {
    "home": ["/"],
    "items": [
        "/items/?per_page=10",
        "/items/?per_page=10&page=2&sort=name",
        "/items/?page=99",
        "/items/?q=nothing+of+this+name",
        "/items/?q=virginia.edu.nothing.b06.of05.zip",
        "/items/?status=Cancelled&q=nothing+of+this+name&action=DPN",
        "/items/?status=Lost&size_min=big&colour=red&received_from=never&received_to=2021-02-31",
        "/items/?stage=Store&stage=Validate&status=Started&status=Failed&q=bag&size_min=1+GB&received_from=2020-01-01",
        "/items/?late=true",
        "/items/?q=" + "%3B+".join(f"nowhere-{n}.tar" for n in range(20)),
        "/items/?phase=open&phase=held",
        "/items/?status=Failed&sort=name",
    ],
    "find_names": ["/items/find"],
    "item": [
        f"/items/{{{state}}}"
        for state in (
            "success",
            "failed",
            "failed, long note",
            "retried",
            "pending",
            "running",
            "superseded",
            "supersedes",
            "duplicate",
            "suspended",
            "gave up",
            "cancelled",
            "reviewed failure",
            "restored",
            "theirs",
        )
    ]
    + ["/items/{failed}?list=status%3DFailed%26sort%3Dname"],
    "cancel": [
        "/items/{pending}/cancel",
        "/items/{running}/cancel?start=1&list=status%3DStarted",
        "/items/{success}/cancel",
    ],
    "requeue": ["/items/{failed}/requeue", "/items/{restored}/requeue", "/items/{pending}/requeue"],
    "review": ["/items/{failed}/review", "/items/{reviewed failure}/review", "/items/{running}/review"],
    "edit": ["/items/{running}/edit", "/items/{gave up}/edit"],
    "review_queue": [
        "/items/review/queue?of=20&behind=1&item={failed}",
        "/items/review/queue?of=20&behind=1&item={reviewed failure}",
        "/items/review/queue?of=20&behind=1&item={running}",
        "/items/review/queue?list=status%3DStarted&of=3",
        "/items/review/queue?list=status%3DFailed&behind=1&item={failed, long note}",
    ],
    "saved_views": ["/views/"],
    "change_view": ["/views/{view}"],
    "delete_view": ["/views/{view}/delete"],
    "stop_digest": ["/digests/stop/nothing"],
    "bulk_changes": ["/acts/"],
    "glossary": ["/words"],
    "workers": ["/workers/"],
    "check_a_file": ["/check-a-file", "/check-a-file?etag=%22ABC%3Cb%3E%22"],
    "keys": ["/keys"],
    "account": ["/account"],
    "revoke_key": ["/account/keys/{key}/revoke"],
    "api_docs": ["/api/docs/"],
    "api_moves": ["/api/docs/moves/"],
    "api_docs_v1": ["/api/docs/v1/"],
    "api_docs_v2": ["/api/docs/v2/"],
    "api_docs_v3": ["/api/docs/v3/"],
    "account_login": ["/accounts/login/", "/accounts/login/?next=/items/"],
    "account_logout": ["/accounts/logout/"],
    "account_inactive": ["/accounts/inactive/"],
    "account_change_password": ["/accounts/password/change/"],
    "account_reauthenticate": ["/accounts/reauthenticate/"],
    "account_reset_password": ["/accounts/password/reset/"],
    "account_reset_password_done": ["/accounts/password/reset/done/"],
    "account_reset_password_from_key": ["/accounts/password/reset/key/0-nothing/"],
    "account_reset_password_from_key_done": ["/accounts/password/reset/key/done/"],
    "not_found": ["/there-is-nothing-here"],
}
# Kinds that only a form leads to; `crawl.py` sends it.
BY_A_FORM = {"bulk_change", "undo_bulk_change", "bulk_review", "bulk_cancel", "bulk_requeue", "create_key"}

_CLOSED = "closed to everybody"
_POSTED = "takes a form only, and leads on to another page"
NO_PAGE = {
    "icon": "a picture",
    "start_view": "leads on to a list",
    "former_item": "leads on to the item",
    "list_changes": "JSON, for a script",
    "item_version": "JSON, for a script",
    "item_note": "a text file",
    "view_count": "JSON, for a script",
    "api_v1_json": "a description for tools",
    "api_v2_json": "a description for tools",
    "api_v3_json": "a description for tools",
    "health": "plain text",
    "metrics": "plain text, for Prometheus",
    "watch": _POSTED,
    "set_start_view": _POSTED,
    "set_digest": _POSTED,
    "account_signup": _CLOSED,
    "account_email": _CLOSED,
    "account_email_verification_sent": _CLOSED,
    "account_confirm_email": _CLOSED,
    "account_set_password": _CLOSED,
    "account_confirm_login_code": _CLOSED,
}
OF_DJANGO = "admin:"  # the admin site's pages are Django's own, and so is their HTML


def names_of_urls(patterns=None, before: str = "") -> Iterator[str]:
    """Returns the name of every URL, with its namespace."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(entry, URLResolver):
            yield from names_of_urls(entry.url_patterns, f"{before}{entry.namespace}:" if entry.namespace else before)
        else:
            yield f"{before}{entry.name}"


def without_a_sample() -> set[str]:
    """Returns the URLs without a sample page."""
    known = {*ADDRESSES, *BY_A_FORM, *NO_PAGE}
    return {name for name in names_of_urls() if not name.startswith(OF_DJANGO)} - known
