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
import subprocess
import tempfile
import threading
from collections.abc import Iterator
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


@contextlib.contextmanager
def cluster(keep: Path | None = None, **settings: str) -> Iterator[str]:
    """Starts a cluster and yields its address for DATABASE_URL; stops it in the end, and removes it unless it is to be kept.

    `settings`: the server's own, by name, e.g. shared_buffers="2GB".
    """
    binaries = server_binaries()
    if binaries is None:
        raise FileNotFoundError("There is no PostgreSQL server on this machine (Debian: apt-get install postgresql).")
    folder = keep.resolve() if keep else Path(tempfile.mkdtemp(prefix="pharos-pg-"))
    folder.mkdir(parents=True, exist_ok=True)
    user: dict[str, Any] = {}
    if os.getuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [binaries / program, *arguments], cwd=folder, capture_output=True, text=True, check=False, **user
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed:\n{done.stdout}{done.stderr}")

    data = folder / "data"
    chosen = {
        "listen_addresses": "''",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        **settings,
    }
    options = f"-k {folder} " + " ".join(f"-c {name}={value}" for name, value in chosen.items())
    init = [
        "initdb",
        "-D",
        str(data),
        "-U",
        "pharos",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    with _ended_in_order():
        try:
            if not (data / "PG_VERSION").exists():
                run(*init)
            # Its output must not go to our pipe, or the wait for the pipe's end would outlast the start.
            run("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "-t", "600", "start")
            try:
                yield f"postgres://pharos@{quote(str(folder), safe='')}/postgres"
            finally:
                # What is kept must be written out; without fsync, an immediate stop would lose it.
                run("pg_ctl", "-D", str(data), "-m", "fast" if keep else "immediate", "-w", "-t", "600", "stop")
        finally:
            if not keep:
                shutil.rmtree(folder, ignore_errors=True)
