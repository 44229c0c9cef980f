"""The temporary PostgreSQL cluster is removed with its run, even if the run is terminated."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Stands in for PostgreSQL's programs, and writes down how it was called.
PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >> {log}
"""
KEPT = """
import os, sys
from pathlib import Path
from tests import throwaway_postgres
os.getuid = lambda: 1000
throwaway_postgres.server_binaries = lambda: Path(sys.argv[1])
with throwaway_postgres.cluster(keep=Path(sys.argv[2]), work_mem="16MB") as url:
    (Path(sys.argv[2]) / "data").mkdir(exist_ok=True)
    (Path(sys.argv[2]) / "data" / "PG_VERSION").touch()
"""
RUN = """
import os, signal, sys
from pathlib import Path
from tests import throwaway_postgres
os.getuid = lambda: 1000  # no change of user: the stand-ins are the present one's
throwaway_postgres.server_binaries = lambda: Path(sys.argv[1])
with throwaway_postgres.cluster() as url:
    print(url, flush=True)
    signal.pause()
"""


def stand_ins(tmp_path):
    """Installs stand-ins for the programs, and returns the file they write to."""
    log = tmp_path / "log"
    for name in ("initdb", "pg_ctl"):
        (tmp_path / name).write_text(PROGRAM.format(log=log))
        (tmp_path / name).chmod(0o755)
    return log


def test_a_terminated_run_leaves_nothing(tmp_path):
    log, folder = stand_ins(tmp_path), tmp_path / "folder"
    folder.mkdir()
    environment = {"TMPDIR": str(folder), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline().startswith("postgres://pharos@")
        assert [*folder.iterdir()]
        process.terminate()
        assert process.wait(timeout=60) == 143
    assert [line.split()[0] + " " + line.split()[-1] for line in log.read_text().splitlines()][-2:] == [
        "pg_ctl start",
        "pg_ctl stop",
    ]
    assert [*folder.iterdir()] == []


def test_a_kept_cluster_is_created_once_and_stopped_cleanly(tmp_path):
    log, folder = stand_ins(tmp_path), tmp_path / "kept"
    for _time in range(2):
        subprocess.run([sys.executable, "-c", KEPT, str(tmp_path), str(folder)], cwd=ROOT, check=True)
    called = log.read_text().splitlines()
    assert [line.split()[0] + " " + line.split()[-1] for line in called] == [
        "initdb --no-sync",
        *["pg_ctl start", "pg_ctl stop"] * 2,
    ]
    assert "-c work_mem=16MB" in called[1]
    assert "-m fast" in called[2]
    assert (folder / "data" / "PG_VERSION").exists()
