"""A person with a browser at a server that runs, without the browser: signs in, follows pages, sends forms."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.cookiejar import Cookie, CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

from .elements import Element, page

PATIENCE = 60  # seconds at most for one answer, and for what is waited for


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    @property
    def page(self) -> Element:
        return page(self)

    @property
    def read_from(self) -> str | None:
        """The database that the page was read from, where there are several."""
        return self.headers["X-Read-From"]


class Person:
    """Somebody at the server with this address. Follows redirects, as a browser does."""

    def __init__(self, url: str):
        self.url, self.cookies = url, CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self.cookies))

    def get(self, path: str, sent: dict[str, str] | None = None) -> Answer:
        data = urlencode(sent).encode() if sent is not None else None
        try:
            with self._opener.open(self.url + path, data, timeout=PATIENCE) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def post(self, path: str, of: str, **values: str) -> Answer:
        """Sends a form to `path`, with the token that the page `of` gives its forms."""
        token = self.get(of).page.all("input", name="csrfmiddlewaretoken")[0]["value"]
        return self.get(path, {"csrfmiddlewaretoken": token, **values})

    def sign_in(self, email: str, password: str) -> "Person":
        answer = self.post("/accounts/login/", "/accounts/login/", login=email, password=password)
        assert answer.status == 200, answer.status
        assert "Sign out" in answer.text
        return self

    def has_cookie(self, name: str) -> bool:
        return any(cookie.name == name for cookie in self.cookies)

    def forge(self, name: str, value: str) -> None:
        port = (None, False)
        self.cookies.set_cookie(
            Cookie(0, name, value, *port, "127.0.0.1", True, False, "/", True, False, None, False, None, None, {})
        )

    def forget(self, name: str) -> None:
        self.cookies.clear("127.0.0.1", "/", name)


def wait_until(is_so: Callable[[], Any]) -> Any:
    """Asks again and again; what it was that came true. Fails when it takes too long."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := is_so():
            return found
    raise AssertionError(f"It did not come about within {PATIENCE} s.")
