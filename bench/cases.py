"""What is looked at: by whom, which list, which of its pages; and how each is said in an address."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from .making import ADMIN, LARGE, SMALL
from .shape import LARGEST, MEMBERS, SMALLEST

PER_PAGE = 25


@dataclass(frozen=True)
class Person:
    """`institution`: the only one that they see, or None."""

    name: str
    email: str
    institution: int | None


PEOPLE = (
    Person("admin", ADMIN, None),
    Person("large institution", LARGE, MEMBERS.index(LARGEST) + 1),
    Person("small institution", SMALL, MEMBERS.index(SMALLEST) + 1),
)


@dataclass(frozen=True)
class Case:
    """`filters`: column and value. `term`: makes the search term, of an item in the middle. `place`: of the page in the list."""

    name: str
    filters: dict[str, str] = field(default_factory=dict)
    term: Callable[[str], str] | None = None
    place: str = "first"


def _number_in(name: str) -> str:
    """What only this item's bag has in its name."""
    return name.rpartition("_")[2].removesuffix(".tar")


CASES = (
    Case("no filter"),
    Case("common", {"status": "Success"}),
    Case("rare", {"action": "Restore", "status": "Cancelled"}),
    Case("three filters", {"action": "Ingest", "stage": "Validate", "status": "Failed"}),
    Case("search, rare", term=_number_in),
    Case("search, common", term=lambda name: ".tar"),
    Case("deep page", place="middle"),
    Case("last page", place="last"),
)


@dataclass(frozen=True)
class Asked:
    """A case as one person meets it. `start`: how many rows stand before the page; `before`: (date, id) of the last of these."""

    person: Person
    case: Case
    term: str | None
    start: int
    before: tuple[Any, int] | None


_NAMES = {"action": "item_action", "stage": "stage", "status": "status"}


def address(asked: Asked, get: Callable[[str], str]) -> str:
    """Where the product has this page. `get`: the text of a page of it, for the links that a reader would follow."""
    query = {_NAMES[column]: value for column, value in asked.case.filters.items()}
    if asked.term is not None:
        query["q"] = asked.term
    first = f"/items/?{urlencode(query)}"
    if asked.case.place == "middle":
        return _middle(asked, first, get)
    return f"/items/?{urlencode(query | {'page': asked.start // PER_PAGE + 1})}" if asked.start else first


def _middle(asked: Asked, first: str, get: Callable[[str], str]) -> str:
    """As the link to the next page would say it there: with a place to go on from, if such links carry one."""
    [link] = re.findall(r'<a rel="next" href="([^"]+)"', get(first))
    query = dict(parse_qsl(urlsplit(unescape(link)).query)) | {"page": str(asked.start // PER_PAGE + 1)}
    if "after" in query and asked.before:
        moment, pk = asked.before
        query["after"] = f"{moment.isoformat()}~{pk}"
    return f"/items/?{urlencode(query)}"


def admin_address(asked: Asked) -> str:
    """Where Django's admin has the same."""
    query = {f"{column}__exact": value for column, value in asked.case.filters.items()}
    if asked.term is not None:
        query["q"] = asked.term
    if asked.start:
        query["p"] = str(asked.start // PER_PAGE + 1)
    return f"/admin/workitems/workitem/?{urlencode(query)}"
