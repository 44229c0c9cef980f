"""The cases of the list: who opens which list at which page, and the URL of each in Pharos and in Django's admin."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from .dataset import ADMIN, LARGE, SMALL
from .distribution import LARGEST, MEMBERS, SMALLEST

PER_PAGE = 25


@dataclass(frozen=True)
class Person:
    """`institution`: the id of the only institution they can see, or None for an admin."""

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
    """`filters`: {column: value}. `term`: makes the search term from the name of an item in the middle of the list.

    `position` of the page in the list: first, middle, or last.
    """

    name: str
    filters: dict[str, str] = field(default_factory=dict)
    term: Callable[[str], str] | None = None
    position: str = "first"


def _number_in(name: str) -> str:
    """The number in the name of a bag, which no other bag has."""
    return name.rpartition("_")[2].removesuffix(".tar")


CASES = (
    Case("no filter"),
    Case("common", {"status": "Success"}),
    Case("rare", {"action": "Restore", "status": "Cancelled"}),
    Case("three filters", {"action": "Ingest", "stage": "Validate", "status": "Failed"}),
    Case("search, rare", term=_number_in),
    Case("search, common", term=lambda name: ".tar"),
    Case("deep page", position="middle"),
    Case("last page", position="last"),
)


@dataclass(frozen=True)
class ListRequest:
    """A case for one person. `start`: how many rows come before the page; `before`: (date, id) of the last of them."""

    person: Person
    case: Case
    term: str | None
    start: int
    before: tuple[Any, int] | None


_NAMES = {"action": "item_action", "stage": "stage", "status": "status"}


def address(request: ListRequest, get: Callable[[str], str]) -> str:
    """The page's path in Pharos. `get` fetches a page's HTML, for the links that a reader would follow."""
    query = {_NAMES[column]: value for column, value in request.case.filters.items()}
    if request.term is not None:
        query["q"] = request.term
    first = f"/items/?{urlencode(query)}"
    if request.case.position == "middle":
        return _middle(request, first, get)
    return f"/items/?{urlencode(query | {'page': request.start // PER_PAGE + 1})}" if request.start else first


def _middle(request: ListRequest, first: str, get: Callable[[str], str]) -> str:
    """The path as the "next" link of the page before would have it, with its keyset cursor if such links have one."""
    [link] = re.findall(r'<a rel="next" href="([^"]+)"', get(first))
    query = dict(parse_qsl(urlsplit(unescape(link)).query)) | {"page": str(request.start // PER_PAGE + 1)}
    if "after" in query and request.before:
        moment, pk = request.before
        query["after"] = f"{moment.isoformat()}~{pk}"
    return f"/items/?{urlencode(query)}"


def admin_address(request: ListRequest) -> str:
    """The path of the same list in Django's admin."""
    query = {f"{column}__exact": value for column, value in request.case.filters.items()}
    if request.term is not None:
        query["q"] = request.term
    if request.start:
        query["p"] = str(request.start // PER_PAGE + 1)
    return f"/admin/workitems/workitem/?{urlencode(query)}"
