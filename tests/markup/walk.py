"""Goes to every page as everybody, and through the forms behind them.

The pages are those of the product's own middleware and templates, asked for in the process itself by Django's test client: what a
browser without JavaScript is sent.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from .forms import forms
from .kinds import ADDRESSES
from .walker import Seen, Walker


def everything(cast: dict[str, Any], shown: dict[str, Any], language: str = "en") -> Iterator[Seen]:
    """Every page, and every form, once, by somebody who may see it."""
    ids = ids_of(shown)
    nobody, dora, stan, ada = (Walker(cast.get(who), language) for who in ("nobody", "dora", "stan", "ada"))
    yield from nobody.visit([kind for kind in ADDRESSES if kind.startswith(("account_", "api_"))], ids)
    yield from dora.visit(["home", "item", "account", "not_found", "cancel"], ids)
    yield from stan.visit(["items", "saved_views", "change_view", "delete_view", "review_queue", "revoke_key"], ids)
    yield from ada.visit([kind for kind in ADDRESSES if not kind.startswith("api_")], ids)
    yield from forms(cast, shown, language)


def everybody(people: Iterable[Any], shown: dict[str, Any], language: str) -> Iterator[Seen]:
    """Every address as each of these people."""
    for person in people:
        yield from Walker(person, language).visit(ADDRESSES, ids_of(shown))


def ids_of(shown: dict[str, Any]) -> dict[str, int]:
    return {name: one.pk for name, one in shown.items()}
