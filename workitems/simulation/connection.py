"""A persistent connection to a server's API, like that of a service's client."""

import http.client
import ipaddress
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from .record import encode_json as as_json

MAX_RETRIES = 5  # of a call whose answer was lost
TIMEOUT = 60  # seconds without data from the server
MAX_SHOWN = 600  # characters of requests and answers in error messages


class Unreachable(Exception):
    """The server doesn't answer. The sentence says which one and why."""


class UnexpectedReply(Exception):
    """An answer that no client could handle. The sentence says what was sent and what came back."""


class RunOver(Exception):
    """The run has ended while a call was waiting."""


@dataclass(frozen=True)
class Address:
    """The address of a server."""

    scheme: str
    host: str
    port: int | None

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Parses a URL. Raises ValueError with a sentence."""
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
    """Counts of API calls."""

    requests: int = 0
    saves: int = 0  # PUT and POST accepted by the server
    retried: int = 0  # the answer was lost
    waited: int = 0  # answered with 429

    def add(self, other: "Calls") -> None:
        self.requests += other.requests
        self.saves += other.saves
        self.retried += other.retried
        self.waited += other.waited


class Clock:
    """The duration of a run, shared by its workers. `stop` can be called from any thread."""

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
        """Sleeps in short intervals, so as not to miss the end of the run."""
        until = time.monotonic() + seconds
        while not self.is_over and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.25))


@dataclass(frozen=True)
class Reply:
    status: int
    data: Any

    @property
    def is_refusal(self) -> bool:
        """Whether the item had changed in the meantime (409)."""
        return self.status == 409

    @property
    def error(self) -> str:
        return str(self.data.get("error", self.data)) if isinstance(self.data, Mapping) else str(self.data)


@dataclass
class Connection:
    """`call` returns an answer: 200, 201, or 409. For anything else it waits, retries, or raises UnexpectedReply."""

    address: Address
    user: str
    key: str = field(repr=False)
    clock: Clock
    max_retries: int = MAX_RETRIES
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
        """Returns the body of a successful reply. Parameters are sorted by name, as Go sends them."""
        call = f"{path}?{urlencode(sorted(query.items()))}" if query else path
        reply = self.call("GET", call)
        if reply.status != 200:
            raise self._fault("GET", call, None, f"{reply.status}: {reply.error}")
        return reply.data

    def call(self, method: str, path: str, values: Mapping[str, Any] | None = None) -> Reply:
        content = None if values is None else as_json(values)
        while True:
            status, headers, text = self._exchange(method, path, content)
            reply = self._check_reply(method, path, content, status, headers, text)
            if reply.status != 429:
                break
            self.calls.waited += 1
            self.clock.sleep(_retry_after(headers.get("Retry-After")))
            if self.clock.is_over:
                raise RunOver
        if reply.status not in (200, 201, 409):
            raise self._fault(method, path, content, f"{reply.status}: {reply.error}")
        self.calls.saves += method != "GET" and not reply.is_refusal
        return reply

    def _exchange(self, method: str, path: str, content: bytes | None) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Sends a request and returns the answer. Repeats it if the connection breaks: the server recognizes repeated saves."""
        for attempt in range(self.max_retries + 1):
            self.calls.requests += 1
            try:
                self._http.request(method, path, body=content, headers=self._headers)
                response = self._http.getresponse()
                return response.status, response.headers, response.read()
            except (http.client.HTTPException, OSError) as error:
                self._http.close()
                lost = error
            if attempt < self.max_retries:
                self.calls.retried += 1
                time.sleep(
                    0.1 * 2**attempt * (attempt > 0)
                )  # the first failure is usually an idle connection that was closed
        tries = "" if self.max_retries == 0 else f", {self.max_retries + 1} times in a row"
        raise Unreachable(
            f"{self.address} doesn't respond ({method} {path}{tries}): {lost or type(lost).__name__}. Is the server running?"
        )

    def _check_reply(
        self,
        method: str,
        path: str,
        content: bytes | None,
        status: int,
        headers: http.client.HTTPMessage,
        text: bytes,
    ) -> Reply:
        """Returns the reply. Raises UnexpectedReply if the API should never answer like this."""
        kind = headers.get_content_type() if "Content-Type" in headers else "no content type"
        got = f"{status}, {kind}: {text[:MAX_SHOWN].decode(errors='replace')}"
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

    def _fault(self, method: str, path: str, content: bytes | None, got: str) -> UnexpectedReply:
        sent = "" if content is None else f" with {content[:MAX_SHOWN].decode(errors='replace')}"
        return UnexpectedReply(f"Sent to {self.address}: {method} {path}{sent}\nGot {got}")


def _retry_after(text: str | None) -> float:
    """Returns the seconds of a Retry-After header, or one second if it can't be parsed."""
    try:
        return max(0.0, float(text or "1"))
    except ValueError:
        return 1.0
