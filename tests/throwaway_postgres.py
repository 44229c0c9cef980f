"""A temporary PostgreSQL cluster, from the installed server binaries.

    with cluster() as url: ...
    with pair() as servers: …  servers.primary.url, servers.standby.stop()

`cluster(keep=FOLDER)` starts the cluster in that folder, creates it if necessary, and leaves it there, stopped. It listens on a
socket in its folder. A pair is a primary with its streaming standby, on two ports of the loopback interface. PostgreSQL refuses to
run as root, so in that case it runs as the `postgres` user that Debian's package creates.
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
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psycopg

# A temporary cluster doesn't need to survive a crash.
_HASTE = {"fsync": "off", "full_page_writes": "off"}


def server_binaries() -> Path | None:
    """Returns the folder with initdb and pg_ctl of the newest installed server, or None."""
    if found := shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    return installed[-1].parent if installed else None


@contextlib.contextmanager
def _ended_in_order() -> Iterator[None]:
    """Turns SIGTERM into an exception within, so that what was started is stopped and removed."""
    if threading.current_thread() is not threading.main_thread():  # signal handlers can only be set in the main thread
        yield
        return

    def end(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    former = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


class Node:
    """A server in its own folder, with these server settings. It listens on its port or, without one, on a socket."""

    def __init__(self, binaries: Path, folder: Path, settings: dict[str, str], port: int | None = None):
        self.binaries = binaries
        self.folder = folder
        self.data = folder / "data"
        self.port = port
        where = {"listen_addresses": "127.0.0.1", "port": str(port)} if port else {"listen_addresses": "''"}
        chosen = {**where, **_HASTE, **settings}
        self.options = f"-k {folder} " + " ".join(f"-c {name}={value}" for name, value in chosen.items())

    def run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.binaries / program, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            **rights_of_the_server(),
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    def init(self) -> None:
        how = ("-U", "pharos", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self.run("initdb", "-D", str(self.data), *how)

    def start(self) -> None:
        # Its output must not go to our pipe, because then we would wait until the server ends.
        log = ("-l", str(self.folder / "log"))
        self.run("pg_ctl", "-D", str(self.data), *log, "-o", self.options, "-w", "-t", "600", "start")

    def stop(self, mode: str = "immediate") -> None:
        self.run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "-t", "600", "stop")

    @property
    def url(self) -> str:
        """Its DATABASE_URL."""
        where = f"127.0.0.1:{self.port}" if self.port else quote(str(self.folder), safe="")
        return f"postgres://pharos@{where}/postgres"

    def ask(self, sql: str) -> Any:
        """Runs a statement on a new connection. Returns its first row, or None."""
        with psycopg.connect(self.url, autocommit=True) as asking:
            answer = asking.execute(sql.encode())
            return answer.fetchone() if answer.description else None


@contextlib.contextmanager
def folder_of_the_servers(keep: Path | None = None) -> Iterator[Path]:
    """Yields a folder that the server can write to, and removes it afterward unless it is kept."""
    folder = keep.resolve() if keep else Path(tempfile.mkdtemp(prefix="pharos-pg-"))
    try:
        give(folder)
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _owner() -> pwd.struct_passwd | None:
    """Returns the user that the server runs as, or None for the current one."""
    return pwd.getpwnam("postgres") if os.getuid() == 0 else None


def rights_of_the_server() -> dict[str, Any]:
    """Returns the arguments for subprocess that set this user."""
    owner = _owner()
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}


def give(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if owner := _owner():
        os.chown(folder, owner.pw_uid, owner.pw_gid)


def _installed() -> Path:
    if binaries := server_binaries():
        return binaries
    raise FileNotFoundError("There is no PostgreSQL server on this machine (Debian: apt-get install postgresql).")


@contextlib.contextmanager
def cluster(keep: Path | None = None, **settings: str) -> Iterator[str]:
    """Starts a cluster and yields its address for DATABASE_URL; stops it afterward, and removes it unless it is kept.

    `settings`: the server's own, by name, e.g. shared_buffers="2GB".
    """
    binaries = _installed()
    with _ended_in_order(), folder_of_the_servers(keep) as folder:
        node = Node(binaries, folder, {"synchronous_commit": "off", **settings})
        if not (node.data / "PG_VERSION").exists():
            node.init()
        node.start()
        try:
            yield node.url
        finally:
            # A kept cluster must be stopped cleanly; without fsync, an immediate stop would lose data.
            node.stop("fast" if keep else "immediate")


class Pair(NamedTuple):
    """A primary and its streaming standby, each on a loopback port. Each can be stopped and started."""

    primary: Node
    standby: Node

    def pause(self) -> None:
        """Pauses replay on the standby."""
        self.standby.ask("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.standby.ask("SELECT pg_get_wal_replay_pause_state()") == ("paused",))

    def resume(self) -> None:
        """Resumes replay, and returns once the standby has caught up."""
        self.standby.ask("SELECT pg_wal_replay_resume()")
        self.catch_up()

    def catch_up(self) -> None:
        [position] = self.primary.ask("SELECT pg_current_wal_flush_lsn()")
        wait_until(lambda: self.standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{position}'") == (True,))


def wait_until(is_so: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until the condition is true. Fails after this time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it has not come about in time"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def pair() -> Iterator[Pair]:
    """Starts a primary with a streaming standby. Both are stopped and removed afterward, even if one is already stopped."""
    binaries = _installed()
    with _ended_in_order(), folder_of_the_servers() as folder:
        primary, standby = (Node(binaries, folder / name, {}, free_port()) for name in ("primary", "standby"))
        for node in (primary, standby):
            give(node.folder)
        primary.init()
        primary.start()
        try:
            source = ("-h", "127.0.0.1", "-p", str(primary.port), "-U", "pharos")
            standby.run("pg_basebackup", *source, "-D", str(standby.data), "-R", "-c", "fast", "--no-sync")
            standby.start()
            yield Pair(primary, standby)
        finally:
            for node in (standby, primary):
                if (node.data / "postmaster.pid").exists():
                    node.stop()
