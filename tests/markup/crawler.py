"""A user who requests pages. Each page comes with its kind and how it was reached."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from .page_samples import ADDRESSES

ERRORS = {400: "error 400", 403: "error 403", 404: "error 404", 429: "error 429", 500: "error 500", 503: "error 503"}


@dataclass(frozen=True)
class Seen:
    """A page as it was sent. `of`: the user and the address."""

    kind: str
    of: str
    html: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.kind} ({self.of})"


@dataclass
class Walker:
    """A user with a language, or a signed-out visitor."""

    person: Any
    language: str = "en"

    def __post_init__(self) -> None:
        self.client = Client(headers={"accept-language": self.language})
        if self.person:
            self.client.force_login(self.person)

    @property
    def name(self) -> str:
        return f"{self.person.email if self.person else 'nobody'}, {self.language}"

    def seen(self, kind: str, response, address: str = "") -> Iterator[Seen]:
        """Yields the page of a response, or nothing for a redirect. A form with errors is a page of its kind."""
        if response.status_code // 100 == 3:
            return
        html = response.content.decode()
        is_error = response.status_code in (403, 404, 429, 500)
        yield Seen(ERRORS[response.status_code] if is_error else kind, f"{self.name}: {address or kind}", html)

    def visit(self, kinds: Iterable[str], ids: dict[str, int]) -> Iterator[Seen]:
        """Yields the sample pages of these kinds."""
        for kind in kinds:
            for address in ADDRESSES[kind]:
                there = address.format(**ids)
                yield from self.seen(kind, self.client.get(there), there)

    def send(self, kind: str, address: str, values: dict[str, Any], note: str = "") -> Iterator[Seen]:
        """Yields the page that a form returns, or nothing for a redirect."""
        yield from self.seen(kind, self.client.post(address, values), f"{address}, {note or 'sent'}")

    def arrive(self, kind: str, address: str, values: dict[str, Any], note: str = "") -> Iterator[Seen]:
        """Yields the page that a form redirects to."""
        response = self.client.post(address, values, follow=True)
        yield from self.seen(kind, response, f"{address}, {note or 'after it'}")
