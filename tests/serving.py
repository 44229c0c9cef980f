"""Runs the production server in a separate process, for tests that connect to it over a socket.

with server("sqlite:////some/file.sqlite3") as running: requests go to running.url
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
START = 60  # seconds to wait until it answers, on a busy machine
KEY = "only-for-tests-of-the-server-that-runs-in-production-0123456789"


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen
    output: IO[bytes]
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def log(self) -> str:
        """Returns its output so far."""
        # Opened again, because the file position is shared with the process.
        return os.pread(self.output.fileno(), 1 << 24, 0).decode(errors="replace")


def database_url(values: dict[str, Any]) -> str:
    """Returns the DATABASE_URL of Django's `connection.settings_dict`, which is the test database during tests."""
    if values["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{quote(str(values['NAME']))}"
    person = quote(values["USER"], safe="")
    if values["PASSWORD"]:
        person += f":{quote(values['PASSWORD'], safe='')}"
    hosts, ports = values["HOST"].split(","), str(values["PORT"] or "").split(",")
    where = ",".join(
        quote(host, safe="") + (f":{port}" if port else "") for host, port in zip(hosts, ports, strict=True)
    )
    chosen = values["OPTIONS"].get("target_session_attrs")
    return f"postgres://{person}@{where}/{quote(values['NAME'], safe='')}" + (
        f"?target_session_attrs={chosen}" if chosen else ""
    )


@contextlib.contextmanager
def server(
    database_url: str, *, workers: int = 2, threads: int = 4, expected: int = 200, **environment: str
) -> Iterator[Server]:
    """Runs gunicorn on a free port of the loopback interface, as in docs/operating.md, with further settings by name.

    `expected`: the status of /healthz. The log is shown if anything fails.
    """
    knobs = {
        "DATABASE_URL": database_url,
        "DEBUG": "false",
        "HTTPS": "false",
        "SECRET_KEY": KEY,
        "ALLOWED_HOSTS": "127.0.0.1",
        # As in production, but without collecting static files first.
        "DJANGO_SETTINGS_MODULE": "tests.settings_served",
        **environment,
    }
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TMPDIR") if name in os.environ}
    with tempfile.TemporaryFile() as output, socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "pharos.wsgi", "--worker-class", "gthread"]
        command += ["--workers", str(workers), "--threads", str(threads)]
        # The socket is bound here and handed over, so that no other process can take its port.
        command += ["--bind", f"fd://{listener.fileno()}", "--graceful-timeout", "3", "--no-control-socket"]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**kept, **knobs},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
        )
        running = Server(port, process, output)
        listener.close()  # with ours open, clients that connect after the server's end would wait forever
        try:
            _wait(running, expected)
            yield running
        except BaseException:
            print(running.log(), file=sys.stderr)  # noqa: T201
            raise
        finally:
            _end(process)


def _wait(running: Server, expected: int) -> None:
    """Waits until it answers. It is already listening, so the first request waits for the first worker."""
    try:
        with socket.create_connection((running.host, running.port), timeout=START) as asking:
            asking.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            answer = b""
            while part := asking.recv(65536):
                answer += part
    except OSError as error:
        raise RuntimeError(f"The server did not start: {error}") from error
    if not answer.startswith(f"HTTP/1.1 {expected} ".encode()):
        raise RuntimeError(f"The health check doesn't answer {expected}: {answer!r}")


def _end(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGQUIT)  # SIGTERM would wait for idle connections
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
