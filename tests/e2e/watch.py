"""Records what goes wrong on a page: console messages, script errors, failed requests, and requests to other sites."""

from urllib.parse import urlsplit

DROPPED = (".svg", "/icon", "/items/changes", "/version", "/count")


class Watch:
    def __init__(self, page, url):
        self.page = page
        self.host = urlsplit(url).netloc
        self.expected: set[int] = set()  # error statuses that the test expects
        self._heard: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._heard.append(f"script error: {error}"))
        page.on("request", self._request)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)

    def complaints(self):
        """Returns the problems since the last call."""
        heard, self._heard = self._heard, []
        return heard

    def expect(self, status):
        """Ignores the browser's own console message about pages with this status from now on."""
        self.expected.add(status)

    def _console(self, message):
        # The browser logs error statuses in the console, which isn't a problem if the test expects them.
        if any(f"the server responded with a status of {status} (" in message.text for status in self.expected):
            return
        self._heard.append(f"console {message.type} at {self.page.url}: {message.text}")

    def _request(self, request):
        if urlsplit(request.url).netloc != self.host:
            self._heard.append(f"{self.page.url} asks another host: {request.url}")

    def _failed(self, request):
        # Leaving a page aborts its requests, which isn't a problem of the page.
        path = urlsplit(request.url).path
        if not (path.endswith(DROPPED) and request.failure == "net::ERR_ABORTED"):
            self._heard.append(f"{request.url} failed: {request.failure}")

    def _response(self, response):
        if response.status >= 400 and response.status not in self.expected:
            self._heard.append(f"{response.url} answers {response.status}")
