"""PgBouncer in transaction mode for one test, in front of a PostgreSQL server.

with pgbouncer(url) as address: DATABASE_URL=address, DATABASE_PGBOUNCER=true
"""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from .throwaway_postgres import folder_of_the_servers, free_port, rights_of_the_server, wait_until

CONFIGURATION = """
[databases]
{name} = host={host} port={port} dbname={name} user={user} {password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listens}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
logfile = {folder}/log
"""


def program() -> str | None:
    return shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")


@contextlib.contextmanager
def pgbouncer(url: str, size: int) -> Iterator[str]:
    """Yields the address of a PgBouncer that uses at most `size` server connections."""
    server, listens = urlsplit(url), free_port()
    values = {
        "name": server.path.lstrip("/"),
        "host": unquote(server.hostname or ""),
        "port": server.port or 5432,
        "user": unquote(server.username or ""),
        "password": f"password={unquote(server.password)}" if server.password else "",
    }
    with folder_of_the_servers() as folder:
        configuration = folder / "pgbouncer.ini"
        configuration.write_text(CONFIGURATION.format(**values, listens=listens, size=size, folder=folder))
        command = [program() or "pgbouncer", "--quiet", str(configuration)]
        process = subprocess.Popen(command, cwd=folder, **rights_of_the_server())
        try:
            wait_until(lambda: _answers(listens))
            yield f"postgres://{values['user']}@127.0.0.1:{listens}/{values['name']}"
        finally:
            process.terminate()
            process.wait(timeout=60)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
