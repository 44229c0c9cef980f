"""A listener on the loopback that takes messages as nsqd does, and can be as ill as one."""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Nsqd:
    """What a listener has been sent, and what it answers next.

    `answers`: the statuses of the next requests, 200 when there are none. `open`: while it is cleared, a request waits.
    """

    url: str = ""
    received: Queue = field(default_factory=Queue)
    answers: list[int] = field(default_factory=list)
    open: Event = field(default_factory=Event)
    asked: Event = field(default_factory=Event)

    def messages(self) -> list[tuple[str, str]]:
        """(topic, body) of all that it has accepted."""
        return list(self.received.queue)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    nsqd: Nsqd

    def do_POST(self) -> None:
        path = urlsplit(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.nsqd.asked.set()
        self.nsqd.open.wait(timeout=60)
        topic = parse_qs(path.query).get("topic", [""])[0]
        status = self.nsqd.answers.pop(0) if self.nsqd.answers else 200
        if path.path != "/pub" or not topic or not body:
            status = 400
        if status == 200:
            self.nsqd.received.put((topic, body))
        answer = {200: b"OK", 400: b'{"message":"INVALID_TOPIC"}'}.get(status, b'{"message":"EXITING"}')
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        # Whoever has lost patience isn't there any more.
        with contextlib.suppress(OSError):
            self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test's output is its own."""


@contextlib.contextmanager
def listening(port: int = 0) -> Iterator[Nsqd]:
    """An nsqd on this port, or on a free one."""
    nsqd = Nsqd()
    nsqd.open.set()
    with ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"nsqd": nsqd})) as server:
        nsqd.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield nsqd
        finally:
            nsqd.open.set()
            server.shutdown()
            thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]
