"""The databases of a run: temporary, or in a folder that is kept and used again."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.throwaway_postgres import cluster

# For two cores and at least 8 GB of memory. PostgreSQL's defaults assume that the machine has other work to do.
SERVER = {
    "shared_buffers": "2GB",
    "effective_cache_size": "8GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "120",
    "random_page_cost": "1.1",
    "checkpoint_timeout": "30min",
}


@contextmanager
def database(vendor: str, total: int, keep: Path | None) -> Iterator[str]:
    """The DATABASE_URL of a database for this many items. It is empty unless `keep` has one from an earlier run."""
    folder = keep / f"{vendor}-{total}" if keep else None
    if vendor == "postgresql":
        with cluster(keep=folder, **SERVER) as url:
            yield url
        return
    with tempfile.TemporaryDirectory() as temporary:
        parent = folder or Path(temporary)
        parent.mkdir(parents=True, exist_ok=True)
        yield f"sqlite:///{parent.resolve() / 'bench.sqlite3'}"
