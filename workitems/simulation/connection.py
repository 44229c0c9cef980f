"""One connection to a server's API, kept open, as a service's client uses it."""

import http.client
import ipaddress
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from .record import body as as_json

REPEATS = 5  # of a call whose answer was lost
TIMEOUT = 60  # seconds without a word from the server
SHOWN = 600  # characters of what was sent and got


class Unreachable(Exception):
    """Nobody answers. The sentence says where it was tried, and why it failed."""


class Fault(Exception):
    """An answer that no client can go on with. The sentence says what was sent and what came back."""


class Over(Exception):
    """The run has ended while a call was waited with."""


@dataclass(frozen=True)
class Address:
    """Where the server is."""

    scheme: str
    host: str
    port: int | None

    @classmethod
    def of(cls, url: str) -> "Address":
        """Raises ValueError with a sentence."""
        wrong = f"“{url}” is not a server address. Use one such as http://127.0.0.1:8000, without a path."
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError(wrong) from None
        extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username
        if parts.scheme not in ("http", "https") or not host or extra:
            raise ValueError(wrong)
        return cls(parts.scheme, host, port)

    @property
    def is_on_this_machine(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{f':{self.port}' if self.port else ''}"


@dataclass
class Calls:
    """How many there were, and how many did not go as usual."""

    requests: int = 0
    saves: int = 0  # PUT and POST that the server took
    repeated: int = 0  # the answer was lost
    waited: int = 0  # told to slow down

    def add(self, other: "Calls") -> None:
        self.requests += other.requests
        self.saves += other.saves
        self.repeated += other.repeated
        self.waited += other.waited


class Clock:
    """How long a run goes on; the workers share one. `stop` may be called from any thread."""

    def __init__(self, seconds: float | None = None):
        self.began = time.monotonic()
        self.ends = None if seconds is None else self.began + seconds
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    @property
    def is_over(self) -> bool:
        return self.stopped or (self.ends is not None and time.monotonic() >= self.ends)

    def sleep(self, seconds: float) -> None:
        """In short pieces, so that the end of the run is not slept through."""
        until = time.monotonic() + seconds
        while not self.is_over and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.25))


@dataclass(frozen=True)
class Reply:
    status: int
    data: Any

    @property
    def is_refusal(self) -> bool:
        """Somebody else was faster, or an admin has decided."""
        return self.status == 409

    @property
    def error(self) -> str:
        return str(self.data.get("error", self.data)) if isinstance(self.data, Mapping) else str(self.data)


@dataclass
class Connection:
    """`call` gives the answer: 200, 201 or 409. All else is waited for, repeated, or a Fault."""

    address: Address
    user: str
    key: str = field(repr=False)
    clock: Clock
    repeats: int = REPEATS
    calls: Calls = field(default_factory=Calls)

    def __post_init__(self) -> None:
        kwargs: dict[str, Any] = {"timeout": TIMEOUT}
        if self.address.scheme == "https":
            kwargs["context"] = ssl.create_default_context()
        kind = http.client.HTTPSConnection if self.address.scheme == "https" else http.client.HTTPConnection
        self._http = kind(self.address.host, self.address.port, **kwargs)
        self._headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "X-Pharos-API-User": self.user,
            "X-Pharos-API-Key": self.key,
        }

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: str | int) -> Any:
        """The body of a reply that must be there. Parameters go in the order of their names, as Go sends them."""
        call = f"{path}?{urlencode(sorted(query.items()))}" if query else path
        reply = self.call("GET", call)
        if reply.status != 200:
            raise self._fault("GET", call, None, f"{reply.status}: {reply.error}")
        return reply.data

    def call(self, method: str, path: str, values: Mapping[str, Any] | None = None) -> Reply:
        content = None if values is None else as_json(values)
        while True:
            status, headers, text = self._answer(method, path, content)
            reply = self._checked(method, path, content, status, headers, text)
            if reply.status != 429:
                break
            self.calls.waited += 1
            self.clock.sleep(_seconds(headers.get("Retry-After")))
            if self.clock.is_over:
                raise Over
        if reply.status not in (200, 201, 409):
            raise self._fault(method, path, content, f"{reply.status}: {reply.error}")
        self.calls.saves += method != "GET" and not reply.is_refusal
        return reply

    def _answer(self, method: str, path: str, content: bytes | None) -> tuple[int, http.client.HTTPMessage, bytes]:
        """What came back. Where the connection breaks first, the same is sent again: the server knows a save that it has had."""
        for attempt in range(self.repeats + 1):
            self.calls.requests += 1
            try:
                self._http.request(method, path, body=content, headers=self._headers)
                response = self._http.getresponse()
                return response.status, response.headers, response.read()
            except (http.client.HTTPException, OSError) as error:
                self._http.close()
                lost = error
            if attempt < self.repeats:
                self.calls.repeated += 1
                time.sleep(0.1 * 2**attempt * (attempt > 0))  # the first time it was mostly an idle connection
        tries = "" if self.repeats == 0 else f", {self.repeats + 1} times in a row"
        raise Unreachable(
            f"{self.address} doesn't respond ({method} {path}{tries}): {lost or type(lost).__name__}. Is the server running?"
        )

    def _checked(
        self,
        method: str,
        path: str,
        content: bytes | None,
        status: int,
        headers: http.client.HTTPMessage,
        text: bytes,
    ) -> Reply:
        """The reply, if it is one of those that the API may give."""
        kind = headers.get_content_type() if "Content-Type" in headers else "no content type"
        got = f"{status}, {kind}: {text[:SHOWN].decode(errors='replace')}"
        if status >= 500:
            raise self._fault(method, path, content, f"a server error, {got}")
        if 300 <= status < 400:
            raise self._fault(
                method,
                path,
                content,
                f"a redirect to {headers.get('Location')}, {got}. A client would lose its save",
            )
        if kind != "application/json":
            raise self._fault(method, path, content, f"something that is not JSON, {got}")
        try:
            return Reply(status, json.loads(text))
        except ValueError:
            raise self._fault(method, path, content, f"something that is not JSON, {got}") from None

    def _fault(self, method: str, path: str, content: bytes | None, got: str) -> Fault:
        sent = "" if content is None else f" with {content[:SHOWN].decode(errors='replace')}"
        return Fault(f"Sent to {self.address}: {method} {path}{sent}\nGot {got}")


def _seconds(text: str | None) -> float:
    """How long a Retry-After asks to wait; a second where it says nothing that can be read."""
    try:
        return max(0.0, float(text or "1"))
    except ValueError:
        return 1.0
