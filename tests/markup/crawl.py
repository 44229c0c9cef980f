"""Requests every page as every user, and submits the forms.

Django's test client requests the pages in process, with the product's own middleware and templates, so they are what a browser
without JavaScript gets.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from .crawler import Seen, Walker
from .forms import forms
from .page_samples import ADDRESSES


def everything(cast: dict[str, Any], shown: dict[str, Any], language: str = "en") -> Iterator[Seen]:
    """Yields every page and the result of every form once, as a user with access."""
    ids = ids_of(shown)
    nobody, dora, stan, ada = (Walker(cast.get(who), language) for who in ("nobody", "dora", "stan", "ada"))
    yield from nobody.visit([kind for kind in ADDRESSES if kind.startswith(("account_", "api_"))], ids)
    yield from dora.visit(["home", "item", "account", "not_found", "cancel"], ids)
    yield from stan.visit(["items", "saved_views", "change_view", "delete_view", "review_queue", "revoke_key"], ids)
    yield from ada.visit([kind for kind in ADDRESSES if not kind.startswith("api_")], ids)
    yield from forms(cast, shown, language)


def everybody(people: Iterable[Any], shown: dict[str, Any], language: str) -> Iterator[Seen]:
    """Yields every address as each of these users."""
    for person in people:
        yield from Walker(person, language).visit(ADDRESSES, ids_of(shown))


def ids_of(shown: dict[str, Any]) -> dict[str, int]:
    return {name: one.pk for name, one in shown.items()}
