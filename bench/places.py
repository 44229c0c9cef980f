"""Where the databases of a run are: throw-away ones, or in a folder that is kept and used again."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.throwaway_postgres import cluster

# For a machine of two cores and 8 GB and more; the defaults are for one that has much else to do.
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
    """The address, for DATABASE_URL, of a database for so many items; empty, unless one like it has been kept here."""
    folder = keep / f"{vendor}-{total}" if keep else None
    if vendor == "postgresql":
        with cluster(keep=folder, **SERVER) as url:
            yield url
        return
    with tempfile.TemporaryDirectory() as temporary:
        place = folder or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        yield f"sqlite:///{place.resolve() / 'bench.sqlite3'}"
