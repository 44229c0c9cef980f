"""`make test`: runs the whole suite on SQLite, then on PostgreSQL. Arguments go to pytest; `--only sqlite|postgresql` runs one.

PostgreSQL is the server that DATABASE_URL names, or else a temporary cluster. If neither is available, the run says so, and fails if
CI or REQUIRE_POSTGRES is set.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.throwaway_postgres import cluster, server_binaries  # noqa: E402

NOT_TESTED = """
************************************************************************
  PostgreSQL was NOT tested: DATABASE_URL names no server, and none is
  installed here (Debian: apt-get install postgresql).
************************************************************************
"""


def suite(vendor: str, url: str | None, arguments: list[str]) -> int:
    """Runs pytest on one database, and returns its exit status."""
    print(f"\n=== the suite on {vendor} ===", flush=True)  # noqa: T201
    environment = {**os.environ, "EXPECTED_VENDOR": vendor}
    environment.pop("DATABASE_URL", None)
    if url:
        environment["DATABASE_URL"] = url
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "-q", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def on_postgresql(arguments: list[str]) -> int:
    url = os.environ.get("DATABASE_URL", "")
    if url.startswith(("postgres:", "postgresql:")):
        return suite("postgresql", url, arguments)
    if server_binaries():
        with cluster() as throwaway:
            return suite("postgresql", throwaway, arguments)
    print(NOT_TESTED, file=sys.stderr)  # noqa: T201
    return 1 if os.environ.get("CI") or os.environ.get("REQUIRE_POSTGRES") else 0


def main(arguments: list[str]) -> int:
    only = None
    if "--only" in arguments:
        place = arguments.index("--only")
        only = arguments[place + 1]
        arguments = arguments[:place] + arguments[place + 2 :]
    status = 0
    if only != "postgresql":
        status |= suite("sqlite", None, arguments)
    if only != "sqlite":
        status |= on_postgresql(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
