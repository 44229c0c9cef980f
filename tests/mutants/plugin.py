"""Runs the tests of a room against its mutants, in one process that forks.

Every test runs once on the code as it is; what functions of the mutated files each one calls is noted. Then every mutant of a
function is tried in a fork of the process, where the function's code is exchanged and only the tests that call it run: first those
that noticed other mutants of it, then the fast ones. What runs when a module is imported cannot be exchanged: such a mutant needs a process of its own, in which this plugin
puts the mutated source in the place of the file.
"""

import contextlib
import cProfile
import functools
import gc
import importlib.abc
import importlib.util
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from types import CodeType, FunctionType

import hypothesis
import psycopg
import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).resolve().parents[2]
ORDER = os.environ.get("MUTANTS_ORDER")  # a file: of an earlier run, the tests from fast to slow
JOB = os.environ.get("MUTANTS_JOB")  # a file: the mutants to try in forks
WHOLE = os.environ.get("MUTANTS_WHOLE")  # a file: the one mutant that this process is for
POSTGRESQL = os.environ.get("DATABASE_URL")  # else SQLite
ANSWERS = int(os.environ.get("MUTANTS_ANSWERS", "0"))  # the pipe that answers go to, a line of JSON each
CONTROLS = 20  # tests that show whether a fork can run any
SECONDS = 20  # that a mutant's tests may take longer than on the code as it is, in time of the processor
NOTICED, CANNOT = 2, 3  # what a fork ends with where a test fails, and where the function could not be exchanged
NUMBER = 4  # bytes of a test's number
WAITS = 10  # times as long by the clock, on a machine that others use too


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds one module, with another source than its file has."""

    def __init__(self, file, source):
        self.name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self.path, self.source = str(ROOT / file), source

    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(compile(self.source, self.path, "exec"), module.__dict__)  # noqa: S102


class _Calls:
    """Which functions of some files are called in this thread while it watches."""

    def __init__(self, files):
        self.files = files
        self.seen = set()

    def __enter__(self):
        self.profile = cProfile.Profile(subcalls=False, builtins=False)
        self.profile.enable()
        return self

    def __exit__(self, *error):
        self.profile.disable()
        codes = {entry.code for entry in self.profile.getstats() if isinstance(entry.code, CodeType)}
        self.seen = {
            (code.co_filename, code.co_qualname.partition(".<locals>")[0])
            for code in codes
            if code.co_filename in self.files
        }


if WHOLE:
    _mutant = json.loads(Path(WHOLE).read_text())
    sys.meta_path.insert(0, _Mutated(_mutant["file"], _mutant["source"]))
MUTANTS = json.loads(Path(JOB).read_text()) if JOB else []
AT_IMPORT = _Calls({str(ROOT / mutant["file"]) for mutant in MUTANTS})
if JOB:
    AT_IMPORT.__enter__()


class _Between:
    """A next test that shares nothing but the session with the last one: its database stays."""

    def __init__(self, session):
        self.session = session

    def listchain(self):
        return [self.session]


def passes(item):
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=_Between(item.session)))


def wants_database(item):
    return bool(item.get_closest_marker("django_db") or {"db", "transactional_db"} & set(item.fixturenames))


def answer(**words):
    os.write(ANSWERS, (json.dumps(words) + "\n").encode())


@pytest.hookimpl(tryfirst=True)
def pytest_collection():
    """That a property fails is enough here: its smallest example would take most of a mutant's time."""
    suite = hypothesis.settings.get_profile("suite")
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutants", suite, phases=phases)
    hypothesis.settings.load_profile("mutants")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    if WHOLE and ORDER:
        places = {name: place for place, name in enumerate(json.loads(Path(ORDER).read_text()))}
        items[:] = sorted((item for item in items if item.nodeid in places), key=lambda item: places[item.nodeid])


def pytest_runtestloop(session):
    if not JOB:
        return None
    AT_IMPORT.__exit__()
    at_import = set(AT_IMPORT.seen)
    _Room(session, at_import).run()
    return True


class _Room:
    def __init__(self, session, at_import):
        self.session = session
        self.at_import = at_import
        self.numbers = {item: number for number, item in enumerate(session.items)}
        self.times = {}
        self.callers = defaultdict(list)  # {(file, function): tests}
        self.noticed = Counter()  # {(file, function, test's number): mutants}
        self.noticing, self.notices = os.pipe()  # each fork's mutant and test
        self.caches = [one for one in gc.get_objects() if type(one) is functools._lru_cache_wrapper]

    def run(self):
        self._as_it_is()
        self._forks()

    def _forget(self):
        """What one test has made a function remember must not keep the next one from calling it."""
        for cache in self.caches:
            file = getattr(getattr(cache.__wrapped__, "__code__", None), "co_filename", "")
            if file.startswith((str(ROOT / "workitems"), str(ROOT / "pharos"))):
                cache.cache_clear()

    def _as_it_is(self):
        self._make_database()
        calls = _Calls(AT_IMPORT.files)
        for item in self.session.items:
            self._forget()
            began = time.process_time()
            with calls:
                fine = passes(item)
            if not fine:
                answer(kind="broken", test=item.nodeid)
                pytest.exit(f"{item.nodeid} fails on the code as it is", 1)
            self.times[item] = time.process_time() - began
            for key in calls.seen:
                self.callers[key].append(item)
        fast = sorted(self.session.items, key=self.times.get)
        answer(kind="order", tests=[item.nodeid for item in fast], seconds=sum(self.times.values()))

    def _make_database(self):
        """By the first test that wants it; its migrations call functions, too. Rules without a database need none."""
        from django.db import connection
        from django.test import utils

        self.migrated: set[str] = set()
        self.database = None
        wanting = [item for item in self.session.items if wants_database(item)]
        if not wanting:
            return

        calls, original = _Calls(AT_IMPORT.files), utils.setup_databases

        def watched(*arguments, **words):
            with calls:
                return original(*arguments, **words)

        utils.setup_databases = watched
        passes(wanting[0])
        self.database = str(connection.settings_dict["NAME"])
        self.at_import |= calls.seen
        self.migrated = {file for file, _function in calls.seen}

    def _forks(self):
        from django.db import connections

        for connection in connections.all():  # nobody else may use what is copied
            connection.close()
        if self.database and not POSTGRESQL:
            answer(kind="database", path=self.database)
        functions = defaultdict(list)
        for one in gc.get_objects():
            if type(one) is FunctionType and one.__code__.co_filename in AT_IMPORT.files:
                functions[one.__code__.co_filename, one.__code__.co_qualname].append(one)
        self._control()
        gc.freeze()
        jobs, running = int(os.environ.get("MUTANTS_JOBS", "2")), {}
        for mutant in MUTANTS:
            key = str(ROOT / mutant["file"]), mutant["function"]
            if key in self.at_import or len({one.__code__ for one in functions[key]}) != 1:
                self._answer_whole(mutant)
                continue
            if not self.callers[key]:
                answer(kind="outcome", number=mutant["number"], outcome="not called")
                continue
            while len(running) >= jobs:
                self._reap(running)
            tests = sorted(
                self.callers[key], key=lambda test: (-self.noticed[(*key, self.numbers[test])], self.times[test])
            )
            running[self._fork(mutant, functions[key], tests)] = mutant
        while running:
            self._reap(running)

    def _control(self):
        """Else a fork that cannot run its tests would look like one whose mutant is killed."""
        process = os.fork()
        if not process:
            try:
                os._exit(self._run(sorted(self.session.items, key=self.times.get)[:CONTROLS]))
            except BaseException:
                os._exit(1)
        if os.waitpid(process, 0)[1]:
            answer(kind="broken", test="the tests in a fork")
            pytest.exit("the tests fail in a fork", 1)

    def _reap(self, running):
        process, status = os.wait()
        if process not in running:
            return
        mutant = running.pop(process)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == NOTICED:
            test = int.from_bytes(os.read(self.noticing, NUMBER), "big")
            self.noticed[str(ROOT / mutant["file"]), mutant["function"], test] += 1
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == CANNOT:
            self._answer_whole(mutant)
        else:
            outcome = "survived" if status == 0 else "killed" if os.WIFEXITED(status) else "out of time"
            answer(kind="outcome", number=mutant["number"], outcome=outcome)

    def _answer_whole(self, mutant):
        answer(kind="whole", number=mutant["number"], migrated=str(ROOT / mutant["file"]) in self.migrated)

    def _fork(self, mutant, functions, tests):
        process = os.fork()
        if process:
            return process
        try:
            exchange(mutant, functions)
        except (AttributeError, TypeError, ValueError):
            os._exit(CANNOT)
        try:
            os._exit(self._run(tests))
        except BaseException:  # whatever a mutant does, it ends here
            os._exit(1)

    def _run(self, tests):
        """In the fork, on a database of its own: 0 where all tests pass."""
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        most = int(3 * sum(self.times[test] for test in tests) + SECONDS)
        resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
        signal.alarm(WAITS * most)  # for those that wait for each other and use no time
        self._forget()
        if self.database is None:
            return self._notices(tests)
        with a_copy_of(self.database) as own:
            self._use(own)
            return self._notices(tests)

    def _notices(self, tests):
        for test in tests:
            if not passes(test):
                os.write(self.notices, self.numbers[test].to_bytes(NUMBER, "big"))
                return NOTICED
        return 0

    def _use(self, path):
        from django.db import connections

        for connection in connections.all():
            connection.close()
            connection.settings_dict["NAME"] = path


@contextlib.contextmanager
def a_copy_of(database):
    """A database of this fork's own."""
    if POSTGRESQL:
        own = f"{database}_{os.getpid()}"
        with psycopg.connect(POSTGRESQL, autocommit=True) as making:
            making.execute(f'CREATE DATABASE "{own}" TEMPLATE "{database}"')
        yield own
        return  # it goes with the server
    own = f"{database}.{os.getpid()}"
    shutil.copyfile(database, own)
    try:
        yield own
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            Path(own + ending).unlink(missing_ok=True)


def exchange(mutant, functions):
    code = code_of(compile(mutant["source"], str(ROOT / mutant["file"]), "exec"), mutant["function"])
    for function in functions:
        function.__code__ = code


def code_of(code, name):
    """The code of a function, by its qualified name."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            if constant.co_qualname == name:
                return constant
            if name.startswith(f"{constant.co_qualname}.") and (found := code_of(constant, name)):
                return found
    return None
