"""Who may import whom, and what must not be there at all: the house's rules, read off the source."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    path for room in ("pharos", "workitems") for path in (ROOT / room).rglob("*.py") if "migrations" not in path.parts
)
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in SOURCES}
LIMIT = 450


def module_of(file):
    """The dotted name of the package that relative imports of a file start from."""
    return file.split("/")[:-1]


def imports(file):
    """The full dotted name of everything that a file imports, wherever in it."""
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module_of(file)
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{name.name}" for name in node.names)


def named(*rooms):
    """The files of these modules, whether a module is a file or a package."""
    return [file for file in TREES for room in rooms if file == f"{room}.py" or file.startswith(f"{room}/")]


def breaches(files, forbidden):
    return [
        f"{file} imports {name}"
        for file in files
        for name in imports(file)
        if any(name == word or name.startswith(f"{word}.") for word in forbidden)
    ]


def test_the_check_itself_sees_imports():
    assert "workitems.vocabulary.Status" in set(imports("workitems/door/changing.py"))
    assert "workitems.vocabulary.Action" in set(imports("workitems/lifecycle/rules.py"))
    assert breaches(["workitems/models.py"], ["django.db"])


def test_people_know_nothing_of_items():
    assert breaches(named("pharos/accounts"), ["workitems", "pharos.urls", "pharos.settings"]) == []


def test_items_know_neither_settings_nor_urls_of_the_installation():
    assert breaches(named("workitems"), ["pharos.urls", "pharos.settings", "tests"]) == []


@pytest.mark.parametrize("module", ["workitems/vocabulary", "workitems/lifecycle", "pharos/accounts/roles"])
def test_the_rules_are_pure(module):
    """They run without a database or a request; of the people's room they know the roles alone."""
    files = named(module)
    assert files
    web_and_database = ["django.db", "django.http", "django.views", "django.shortcuts", "django.conf", "django.forms"]
    rooms = ["workitems.models", "workitems.door", "workitems.search", "pharos.accounts.models"]
    assert breaches(files, web_and_database + rooms) == []


def test_the_lower_rooms_know_no_request():
    """Exporting streams rows, importing takes files; neither they nor the models know of HTTP, nor look into the pages."""
    files = named(
        "workitems/models",
        "workitems/door",
        "workitems/uploads",
        "workitems/search",
        "workitems/filters",
        "workitems/facets",
        "workitems/importing",
        "workitems/exporting",
        "workitems/demo",
        "pharos/accounts/models",
    )
    assert len(files) > 8
    web = ["django.views", "django.shortcuts", "django.template.response", "workitems.views", "workitems.access"]
    allowed = {"django.http.QueryDict"}  # the query string as one object; it needs no request
    found = [breach for breach in breaches(files, [*web, "django.http"]) if breach.split()[-1] not in allowed]
    assert found == []


def test_forms_know_neither_request_nor_queries():
    forms = named("workitems/forms")
    assert breaches(forms, ["django.http", "django.db", "workitems.models"]) == []
    assert manager_calls(forms) == []


QUERIES = {
    "aggregate", "alias", "all", "annotate", "bulk_create", "bulk_update", "create", "distinct", "exclude", "filter",
    "get_or_create", "only", "order_by", "raw", "select_for_update", "update_or_create", "values", "values_list",
}  # fmt: skip


def manager_calls(files):
    """Places where a file builds a query of its own: `….objects.filter(…)`, or a condition made of Q, F or a lookup.

    Through the door (workitems/access.py) a view asks querysets in domain words; `get` and `count` are not query building.
    """
    found = []
    for file in files:
        for node in ast.walk(TREES[file]):
            if not isinstance(node, ast.Call):
                continue
            function = node.func
            if isinstance(function, ast.Attribute) and function.attr in QUERIES and is_queryset(function.value):
                found.append(f"{file}:{node.lineno} .{function.attr}()")
            elif isinstance(function, ast.Name) and function.id in {"Q", "F", "Exists", "OuterRef", "Subquery"}:
                found.append(f"{file}:{node.lineno} {function.id}()")
    return found


def is_queryset(node):
    """Whether an expression is rooted in a manager or in the door's queryset: `X.objects…`, `self.visible…`."""
    while isinstance(node, ast.Call | ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "visible", "history"}:
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    return False


def test_pages_build_no_queries_of_their_own():
    assert manager_calls(named("workitems/views", "workitems/access", "workitems/api")) == []


def test_the_check_of_queries_sees_one():
    TREES["sample.py"] = ast.parse("WorkItem.objects.all().filter(a=1).open()\nself.visible.open()\nQ(a=1)")
    try:
        assert sorted(manager_calls(["sample.py"])) == [
            "sample.py:1 .all()",
            "sample.py:1 .filter()",
            "sample.py:3 Q()",
        ]
    finally:
        del TREES["sample.py"]


def test_nothing_happens_behind_ones_back():
    """No signals, no thread-local user: what happens on a save is in the verb that saves."""
    forbidden = ["django.db.models.signals", "django.dispatch", "django.core.signals", "threading", "contextvars"]
    assert breaches(list(TREES), forbidden) == []


OF_A_SESSION = re.compile(
    r"pg_(try_)?advisory_(?!xact)\w*lock|\bLISTEN\b|\bTEMP(ORARY)? TABLE|\bWITH HOLD|\bPREPARE\b"
    r"|['\"]SET (?!LOCAL|TRANSACTION|CONSTRAINTS)|set_config\([^)]*(?<!true)\)"
)


def test_nothing_relies_on_a_session_of_the_database():
    """Behind PgBouncer in transaction mode, the next transaction may be on another connection (docs/scaling.md)."""
    found = {
        path.relative_to(ROOT).as_posix(): line
        for path in SOURCES
        for line in path.read_text().splitlines()
        if OF_A_SESSION.search(line.partition("#")[0])
    }
    assert found == {}
    assert all(map(OF_A_SESSION.search, ["pg_advisory_lock(1)", "'SET jit = off'", "set_config('a', 'b', false)"]))


def test_no_drawer_for_everything():
    names = {Path(file).stem for file in TREES}
    assert not names & {"utils", "util", "helpers", "misc", "common"}


def test_no_file_is_too_long():
    """Split a module into a package of the same name when it grows past this; keep the names."""
    tests = [path for path in (ROOT / "tests").rglob("*.py") if "migrations" not in path.parts]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in [*SOURCES, *tests]}
    assert {file: length for file, length in lengths.items() if length > LIMIT} == {}
