"""A PostgreSQL cluster for one run, from the server binaries that are installed, in a temporary folder.

    with cluster() as url: ...

`cluster(keep=FOLDER)` starts the one in that folder, makes it where there is none, and leaves it there, stopped. Loopback is not even needed: it listens on a socket in its own folder. PostgreSQL refuses to run as root, so there it runs
as the `postgres` user that Debian's package makes.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote


def server_binaries() -> Path | None:
    """The folder with initdb and pg_ctl of the newest server installed, or None."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    return installed[-1].parent if installed else None


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Being told to end (SIGTERM) is an exception inside, so that what was started is stopped and removed."""
    if threading.current_thread() is not threading.main_thread():  # only there may one say what a signal does
        yield
        return

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    former = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


class Cluster:
    """A cluster in a folder: made, started and stopped from here. `settings`: the server's own, by name, e.g. shared_buffers="2GB".

    It listens on a socket in its own folder and, with a port, on the loopback.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str], port: int | None = None):
        self.folder, self.port, self.data = folder, port, folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        self._user: dict[str, Any] = {}
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        chosen = {
            "listen_addresses": "127.0.0.1" if port else "''",
            **({"port": str(port)} if port else {}),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            **settings,
        }
        self._options = f"-k {folder} " + " ".join(f"-c {name}={value}" for name, value in chosen.items())

    @property
    def url(self) -> str:
        """Its address, for DATABASE_URL."""
        host = f"127.0.0.1:{self.port}" if self.port else quote(str(self.folder), safe="")
        return f"postgres://pharos@{host}/postgres"

    def run(self, program: str, *arguments: str) -> None:
        binaries = server_binaries()
        if binaries is None:
            raise FileNotFoundError(
                "There is no PostgreSQL server on this machine (Debian: apt-get install postgresql)."
            )
        command = [str(binaries / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self._user)
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def make(self) -> None:
        """An empty one, where there is none yet."""
        if not (self.data / "PG_VERSION").exists():
            form = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
            self.run("initdb", "-D", str(self.data), "-U", "pharos", *form)

    def make_standby_of(self, primary: "Cluster") -> None:
        where = f"host=127.0.0.1 port={primary.port} user=pharos"
        copy = ["--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"]
        self.run("pg_basebackup", "-D", str(self.data), "-d", where, *copy)

    def start(self) -> None:
        # Its output must not go to our pipe, or the wait for the pipe's end would outlast the start.
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.data), "-l", log, "-o", self._options, "-w", "-t", "600", "start")

    def stop(self, mode: str) -> None:
        """`mode`: "fast", or "immediate", as in a crash."""
        self.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "-t", "600", "stop")

    @contextlib.contextmanager
    def running(self, *, end: str = "immediate") -> Iterator[None]:
        self.start()
        try:
            yield
        finally:
            self.stop(end)


@contextlib.contextmanager
def cluster(keep: Path | None = None, **settings: str) -> Iterator[str]:
    """Starts a cluster and yields its address for DATABASE_URL; stops it in the end, and removes it unless it is to be kept."""
    folder = keep.resolve() if keep else Path(tempfile.mkdtemp(prefix="pharos-pg-"))
    made = Cluster(folder, settings)
    with _ended_in_order():
        try:
            made.make()
            # What is kept must be written out; without fsync, an immediate stop would lose it.
            with made.running(end="fast" if keep else "immediate"):
                yield made.url
        finally:
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of the loopback that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
