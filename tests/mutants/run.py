"""`make mutants ROOMS="counts workitems/lifecycle/paths.py"`: puts faults into the rules, one at a time, and says which no test notices.

Runs on SQLite, and what survives there and isn't excused also on a PostgreSQL thrown away afterwards. `--every 3` tries every third mutant
only, `--again` only those that no test noticed the last time. Ends with an error where a mutant survives that `excused` does not name, or names one that does not survive.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

from tests.mutants.excused import EXCUSED  # noqa: E402
from tests.mutants.rooms import ROOMS  # noqa: E402
from tests.throwaway_postgres import cluster, server_binaries  # noqa: E402

TOOL = ROOT / ".cache/mutants"
JOBS = len(os.sched_getaffinity(0))  # so that `taskset` leaves a core to others
SECONDS = 600  # for one mutant that needs a process of its own


def say(*words: object, sep: str = " ") -> None:
    print(*words, sep=sep, flush=True)  # noqa: T201


class Room:
    """One room's mutants, and what becomes of each."""

    def __init__(self, name: str, folder: Path, given: argparse.Namespace):
        self.name, self.folder = name, folder
        self.every, self.again, self.sqlite_only = given.every, given.again, given.sqlite
        self.results = TOOL / f"results/{Path(name).stem}.json"
        paths, self.tests = ROOMS[name] if name in ROOMS else ([name], _tests_of(name))
        self.files = [
            file.relative_to(ROOT).as_posix()
            for path in map(ROOT.joinpath, paths)
            for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
            if file.name != "__init__.py"
        ]
        self.outcomes: dict[int, str] = {}
        self.url = ""  # of PostgreSQL; empty for SQLite
        self.answered: set[int] = set()
        self.last_lines: dict[int, str] = {}  # of what pytest said of a mutant in a process of its own
        self.whole: dict[int, bool] = {}  # {mutant: whether it needs a database of its own}
        self.began = time.monotonic()

    def run(self) -> bool:
        """Whether the tests pass on the code as it is, so that the outcomes mean something."""
        made = subprocess.run(
            [TOOL / "bin/python", HERE / "make.py", ROOT, *self.files], check=True, capture_output=True, text=True
        )
        self.mutants = [{**mutant, "number": number} for number, mutant in enumerate(json.loads(made.stdout))]
        tried = self.mutants[:: self.every]
        if self.again:
            tried = self._not_noticed(tried)
        say(f"{self.name}: {len(self.mutants)} mutants of {len(self.files)} files, {len(tried)} of them tried")
        if not self._try(tried):
            return False
        # What may survive needn't be tried again, which takes a minute each.
        left = [mutant for mutant in self.survivors() if not reason_of(mutant)]
        if self.sqlite_only or not left:
            return True
        with _postgresql() as self.url:
            return not self.url or self._try(left)

    def _not_noticed(self, mutants: list[dict]) -> list[dict]:
        """Those of these that a test has not noticed yet; the outcomes of the others are those of the earlier run."""
        noticed = defaultdict(list)
        for former in json.loads(self.results.read_text()) if self.results.exists() else []:
            if former["outcome"] in ("killed", "out of time"):
                noticed[_identity(former)].append(former["outcome"])
        for mutant in mutants:
            if known := noticed[_identity(mutant)]:
                self.outcomes[mutant["number"]] = known.pop()
        return [mutant for mutant in mutants if mutant["number"] not in self.outcomes]

    def keep(self) -> None:
        kept = [
            {
                **mutant,
                "source": None,
                "outcome": self.outcomes.get(mutant["number"]),
                "last_line": self.last_lines.get(mutant["number"]),
            }
            for mutant in self.mutants
        ]
        self.results.write_text(json.dumps(kept, indent=1))

    def _try(self, mutants: list[dict]) -> bool:
        self.answered, self.whole = set(), {}
        job = self.folder / "job.json"
        job.write_text(json.dumps(mutants))
        self._in_forks(job)
        if len(self.answered) + len(self.whole) < len(mutants):
            say((self.folder / "forks.log").read_text()[-3000:])
            return False
        with ThreadPoolExecutor(JOBS) as pool:
            for number, outcome in pool.map(self._in_own_process, self.whole):
                self._note(number, outcome)
        return True

    def _pytest(self, *arguments: str, **variables: str) -> tuple[list[str], dict[str, str]]:
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-p", "tests.mutants.plugin"]
        environment = {**os.environ, "CI": "true", "TMPDIR": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("DATABASE_URL", None)
        if self.url:
            environment |= {"DATABASE_URL": self.url, "EXPECTED_VENDOR": "postgresql"}
        return [*command, *arguments, *self.tests], environment | variables

    def _in_forks(self, job: Path) -> None:
        reading, writing = os.pipe()
        command, environment = self._pytest(
            MUTANTS_JOB=str(job), MUTANTS_ANSWERS=str(writing), MUTANTS_JOBS=str(JOBS), PYTEST_XDIST_TESTRUNUID="forks"
        )
        log = (self.folder / "forks.log").open("w")
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, pass_fds=[writing], stdout=log, stderr=subprocess.STDOUT
        )
        os.close(writing)
        with os.fdopen(reading) as answers:
            for line in answers:
                self._take(json.loads(line))
        process.wait()

    def _take(self, answer: dict) -> None:
        if answer["kind"] == "order":
            (self.folder / "order.json").write_text(json.dumps(answer["tests"]))
            say(f"{self.name}: {len(answer['tests'])} tests, {answer['seconds']:.0f} s on the code as it is")
        elif answer["kind"] == "database":
            (self.folder / "migrated.sqlite3").write_bytes(Path(answer["path"]).read_bytes())
        elif answer["kind"] == "outcome":
            self._note(answer["number"], answer["outcome"])
        elif answer["kind"] == "whole":
            self.whole[answer["number"]] = answer["migrated"]
        else:
            say(f"{self.name}: on the code as it is, {answer['test']} fails")

    def _in_own_process(self, number: int) -> tuple[int, str]:
        path = self.folder / f"{number}.json"
        path.write_text(json.dumps(self.mutants[number]))
        database = self.folder / f"pharos-test-{number}.sqlite3"
        migrated = self.folder / "migrated.sqlite3"
        reuse = ("--reuse-db",) if migrated.exists() and not (self.whole[number] or self.url) else ()
        if reuse:
            database.write_bytes(migrated.read_bytes())
        of_its_own = {"DATABASE_URL": f"{self.url}_{number}"} if self.url else {}
        command, environment = self._pytest(
            "-x",
            *reuse,
            MUTANTS_WHOLE=str(path),
            MUTANTS_ORDER=str(self.folder / "order.json"),
            PYTEST_XDIST_TESTRUNUID=str(number),
            **of_its_own,
        )
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
            )
            outcome = "killed" if done.returncode else "survived"
            self.last_lines[number] = done.stdout.rstrip().rpartition("\n")[2]
        except subprocess.TimeoutExpired:
            outcome = "out of time"
        database.unlink(missing_ok=True)
        return number, outcome

    def _note(self, number: int, outcome: str) -> None:
        self.outcomes[number] = outcome
        self.answered.add(number)
        where = "PostgreSQL" if self.url else "SQLite"
        if outcome in ("survived", "not called"):
            mutant = self.mutants[number]
            say(f"  {outcome} on {where}: {mutant['file']}:{mutant['line']} {' '.join(mutant['diff'])}")
        if len(self.answered) % 25 == 0:
            say(f"  {self.name} on {where}: {len(self.answered)} tried, {time.monotonic() - self.began:.0f} s")

    def survivors(self) -> list[dict]:
        return [
            self.mutants[n] for n, outcome in sorted(self.outcomes.items()) if outcome in ("survived", "not called")
        ]


def _identity(mutant: dict) -> tuple:
    return mutant["file"], mutant["function"], mutant["operator"], *mutant["diff"]


@contextmanager
def _postgresql() -> Iterator[str]:
    """The address of a server thrown away afterwards; empty where none is installed."""
    if not server_binaries():
        say("PostgreSQL is not installed: what only it can notice survives")
        yield ""
        return
    with cluster() as url:
        yield url


def _tests_of(file: str) -> list[str]:
    """The tests of the room that a single file is in."""
    found = (tests for paths, tests in ROOMS.values() if any(file.startswith(path) for path in paths))
    return next(found, []) or sys.exit(f"{file} is in no room; rooms are: {', '.join(ROOMS)}")


def reason_of(mutant: dict) -> str:
    reasons = EXCUSED.get(mutant["file"], {})
    return next((reasons[line[1:]] for line in mutant["diff"] if line[0] == "+" and line[1:] in reasons), "")


def needless(rooms: list[Room]) -> list[str]:
    """The lines that `excused` names although no mutant survives with them, of files whose mutants were all tried."""
    files = {file for room in rooms if room.every == 1 for file in room.files}
    survived = {(mutant["file"], line[1:]) for room in rooms for mutant in room.survivors() for line in mutant["diff"]}
    return [
        f"{file}: {line}" for file in sorted(files) for line in EXCUSED.get(file, ()) if (file, line) not in survived
    ]


def table(rooms: list[Room]) -> list[str]:
    """How many mutants each file has and what became of them; only those that were tried count."""
    lines = [f"{'module':42}{'mutants':>8}{'tried':>8}{'killed':>8}{'survived':>9}{'excused':>8}{'% left':>8}"]
    for room in rooms:
        tried = Counter(room.mutants[number]["file"] for number in room.outcomes)
        left = Counter(mutant["file"] for mutant in room.survivors())
        excused = Counter(mutant["file"] for mutant in room.survivors() if reason_of(mutant))
        every = Counter(mutant["file"] for mutant in room.mutants)
        rows = [(file, every[file], tried[file], left[file], excused[file]) for file in room.files if every[file]]
        rows.append((f"{room.name}, all", every.total(), tried.total(), left.total(), excused.total()))
        lines += [
            f"{name:42}{number:8}{done:8}{done - survived:8}{survived:9}{fine:8}{100 * survived / max(done, 1):8.1f}"
            for name, number, done, survived, fine in rows
        ]
    return lines


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("names", nargs="*", metavar="ROOM", help=f"{', '.join(ROOMS)}, or a file of one; default: all")
    asked.add_argument("--every", type=int, default=1, metavar="N", help="try every Nth mutant")
    asked.add_argument("--again", action="store_true", help="try those that no test noticed the last time")
    asked.add_argument("--sqlite", action="store_true", help="leave PostgreSQL out")
    given = asked.parse_args()
    rooms, fine = [], True
    (TOOL / "results").mkdir(parents=True, exist_ok=True)
    for name in given.names or list(ROOMS):
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            room = Room(name, Path(folder), given)
            fine &= room.run()
            rooms.append(room)
            room.keep()
    left = [mutant for room in rooms for mutant in room.survivors() if not reason_of(mutant)]
    say("\n".join(table(rooms)))
    for mutant in left:
        say(f"\n{mutant['file']}:{mutant['line']} {mutant['operator']}", *mutant["diff"], sep="\n  ")
    for line in (lines := needless(rooms)):
        say(f"\nexcused for nothing: {line}")
    return 0 if fine and not left and not lines else 1


if __name__ == "__main__":
    sys.exit(main())
