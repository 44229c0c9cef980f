"""The architecture rules, checked in the source: who can import whom, and what must not exist."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from workitems import models
from workitems.database import table_names

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(
    path
    for package in ("pharos", "workitems")
    for path in (ROOT / package).rglob("*.py")
    if "migrations" not in path.parts
)
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in SOURCES}
LIMIT = 450

# Each room of `workitems` and the floor it stands on. A room imports from lower floors, and from rooms beside it as long as
# none of them leads back. Change this table when you mean to change the house; never to let one import through.
FLOORS = {
    "vocabulary": 1,
    "notes": 1,
    "search": 1,
    "database": 1,
    "lifecycle": 2,
    "explanations": 2,
    "models": 3,
    "counts": 4,
    "durations": 4,
    "failures": 4,
    "audit_log": 4,
    "work_queue": 4,
    "transitions": 5,
    "listing": 6,
    "bulk": 7,
    "review": 7,
    "saved_views": 7,
    "import_export": 7,
    "mailing": 8,
    "monitoring": 8,
    "api": 9,
    "pages": 9,
    "demo": 10,
    "simulation": 11,
    "management": 12,
}
# What Django looks for at these places. They are not rooms: nothing imports them, but for the tests.
ENTRANCES = {"__init__", "admin", "apps", "urls"}


def module_of(file):
    """Returns the dotted module name of a file."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module_of(file): file for file in TREES}


def package_of(file):
    """Returns the package that relative imports of a file are relative to, as name parts."""
    return file.split("/")[:-1]


def imported(file):
    """(module, name) of everything that a file imports, wherever in it; the name is None for `import module`.

    Imports within functions and under TYPE_CHECKING count like all others.
    """
    for node in ast.walk(TREES[file]):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = package_of(file)
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)


def imports(file):
    """Returns the full dotted name of everything that a file imports."""
    return [module if name is None else f"{module}.{name}" for module, name in imported(file)]


def room_of(module):
    """Returns the room of `workitems` that a module belongs to; None for other packages and for the entry points."""
    parts = module.split(".")
    if parts[0] != "workitems" or len(parts) == 1 or parts[1] in ENTRANCES:
        return None
    return parts[1]


def arrows():
    """Returns {(room, imported room): where} for the rooms of `workitems`."""
    found = defaultdict(list)
    for module, file in MODULES.items():
        for target in imports(file):
            mine, theirs = room_of(module), room_of(target)
            if mine and theirs and mine != theirs:
                found[mine, theirs].append(f"{file} imports {target}")
    return found


def test_every_file_is_in_a_room_and_every_room_has_files():
    rooms = {module.split(".")[1] for module in MODULES if module.startswith("workitems.")} - ENTRANCES
    assert sorted(rooms) == sorted(FLOORS)


def test_no_room_imports_from_a_floor_above():
    upward = [where for (mine, theirs), where in arrows().items() if FLOORS[theirs] > FLOORS[mine]]
    assert upward == []


def test_nothing_imports_the_entry_points():
    names = {f"workitems.{name}" for name in ENTRANCES - {"__init__"}}
    assert [f"{file} imports {name}" for file in TREES for name in imports(file) if name in names] == []


def circles(graph):
    """Returns the groups of nodes in a graph {node: successors} that form cycles."""
    order, seen = [], set()

    def visit(node, edges, into):
        stack = [(node, iter(sorted(edges.get(node, ()))))]
        seen.add(node)
        while stack:
            for following in stack[-1][1]:
                if following not in seen:
                    seen.add(following)
                    stack.append((following, iter(sorted(edges.get(following, ())))))
                    break
            else:
                into.append(stack.pop()[0])

    for node in sorted(graph):
        if node not in seen:
            visit(node, graph, order)
    backward = defaultdict(set)
    for node, others in graph.items():
        for other in others:
            backward[other].add(node)
    seen = set()
    groups = []
    for node in reversed(order):
        if node not in seen:
            visit(node, backward, group := [])
            groups.append(sorted(group))
    return [group for group in groups if len(group) > 1 or group[0] in graph.get(group[0], ())]


def files_imported():
    """Returns {module: imported modules} of this project."""
    graph = {}
    for module, file in MODULES.items():
        targets = set()
        for origin, name in imported(file):
            inner = f"{origin}.{name}"
            targets.add(inner if inner in MODULES else origin)
        graph[module] = {target for target in targets if target in MODULES}
    return graph


def test_no_import_cycles():
    assert circles(files_imported()) == []


def test_no_cycles_between_rooms():
    graph = defaultdict(set)
    for mine, theirs in arrows():
        graph[mine].add(theirs)
    assert circles(graph) == []


def test_the_check_of_cycles_detects_one():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}) == [["a", "b", "c"]]
    assert circles({"a": {"a"}}) == [["a"]]
    assert circles({"a": {"b"}, "b": set()}) == []


def exported(room):
    """Returns the names in the `__all__` of a room's `__init__`, or all names of a room with one file."""
    file = f"workitems/{room}/__init__.py"
    for node in TREES[file].body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["__all__"]:
            return set(ast.literal_eval(node.value))
    return set()


def test_rooms_import_only_what_other_rooms_export():
    found = []
    for module, file in MODULES.items():
        for target, name in imported(file):
            theirs = room_of(f"{target}.{name}")
            if theirs is None or theirs == room_of(module) or f"workitems/{theirs}.py" in TREES:
                continue
            if target == "workitems" or (target == f"workitems.{theirs}" and name in exported(theirs)):
                continue
            found.append(f"{file} imports {name} from {target}")
    assert found == []


def test_no_exported_name_is_also_a_file_name():
    """Otherwise `from workitems.counts import repair` would be ambiguous."""
    found = []
    for file in (file for file in TREES if file.endswith("/__init__.py")):
        files = {module.rpartition(".")[2] for module in MODULES if module.rpartition(".")[0] == module_of(file)}
        found += [f"{file}: {name}" for module, name in imported(file) if name in files and module != module_of(file)]
    assert found == []


def test_every_room_says_what_it_knows_and_what_it_must_not_know():
    rooms = [room for room in FLOORS if f"workitems/{room}.py" not in TREES and room != "management"]
    short = [
        room for room in rooms if len((ast.get_docstring(TREES[f"workitems/{room}/__init__.py"]) or "").split()) < 12
    ]
    assert short == []


def named(*rooms):
    """Returns the files of these modules or packages. Fails if there are none."""
    found = [file for file in TREES for room in rooms if file == f"{room}.py" or file.startswith(f"{room}/")]
    for room in rooms:
        assert any(file == f"{room}.py" or file.startswith(f"{room}/") for file in found), f"there is no {room}"
    return found


def breaches(files, forbidden):
    return [
        f"{file} imports {name}"
        for file in files
        for name in imports(file)
        if any(name == word or name.startswith(f"{word}.") for word in forbidden)
    ]


def test_the_check_detects_imports():
    assert "workitems.lifecycle.MOVES" in imports("workitems/transitions/batch.py")
    assert "workitems.vocabulary.Action" in imports("workitems/lifecycle/evaluation.py")
    assert breaches(["workitems/models/work_item.py"], ["django.db"])


def test_accounts_knows_nothing_about_items():
    assert breaches(named("pharos/accounts"), ["workitems", "pharos.urls", "pharos.settings"]) == []


def test_announcements_know_people_but_not_items():
    assert breaches(named("pharos/announcements"), ["workitems", "pharos.urls", "pharos.settings"]) == []


def test_the_email_queue_knows_neither_items_nor_people():
    assert (
        breaches(named("pharos/email_queue"), ["workitems", "pharos.accounts", "pharos.urls", "pharos.settings"]) == []
    )


def test_operations_knows_no_items():
    assert breaches(named("pharos/operations"), ["workitems", "pharos.urls", "pharos.settings"]) == []


def test_logs_need_no_settings():
    """gunicorn's main process, which has none, formats its lines with them (gunicorn.conf.py)."""
    files = named("pharos/operations/logs", "pharos/operations/request_ids", "pharos/operations/__init__")
    assert breaches(files, ["django", "pharos.accounts", "pharos.email_queue", "pharos.replicas"]) == []


def test_workitems_knows_neither_settings_nor_project_urls():
    assert breaches(named("workitems"), ["pharos.urls", "pharos.settings", "tests"]) == []


@pytest.mark.parametrize(
    "module", ["workitems/vocabulary", "workitems/lifecycle", "workitems/explanations", "pharos/accounts/roles"]
)
def test_the_rules_are_pure(module):
    """They run without a database or a request, and only know the roles of the accounts package."""
    web_and_database = ["django.db", "django.http", "django.views", "django.shortcuts", "django.conf", "django.forms"]
    assert breaches(named(module), [*web_and_database, "pharos.accounts.models"]) == []


BELOW_THE_PAGES = [room for room, floor in FLOORS.items() if floor < FLOORS["pages"]] + ["demo"]


def test_lower_rooms_know_no_requests():
    """Neither imports and exports nor the models know HTTP."""
    files = named(*(f"workitems/{room}" for room in BELOW_THE_PAGES), "pharos/accounts/models")
    allowed = {"django.http.QueryDict"}  # the query string as one object; it needs no request
    web = ["django.views", "django.shortcuts", "django.template.response", "django.http"]
    assert [breach for breach in breaches(files, web) if breach.split()[-1] not in allowed] == []


def test_forms_know_neither_requests_nor_queries():
    forms = named("workitems/pages/forms")
    assert breaches(forms, ["django.http", "django.db", "workitems.models"]) == []
    assert manager_calls(forms) == []


QUERIES = {
    "aggregate", "alias", "all", "annotate", "bulk_create", "bulk_update", "create", "distinct", "exclude", "filter",
    "get_or_create", "only", "order_by", "raw", "select_for_update", "update_or_create", "values", "values_list",
}  # fmt: skip


def manager_calls(files):
    """Places where a file builds a query of its own: `….objects.filter(…)`, or a condition made of Q, F or a lookup.

    By its mixin (workitems/pages/access.py) a view asks querysets in domain words; `get` and `count` are not query building.
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
    """Returns whether an expression starts from a manager or the mixin's queryset: `X.objects…`, `self.visible_items…`."""
    while isinstance(node, ast.Call | ast.Attribute):
        if isinstance(node, ast.Attribute) and node.attr in {"objects", "visible_items", "history"}:
            return True
        node = node.func if isinstance(node, ast.Call) else node.value
    return False


def test_pages_build_no_queries():
    assert manager_calls(named("workitems/pages", "workitems/api")) == []


def test_the_check_of_queries_detects_one():
    TREES["sample.py"] = ast.parse("WorkItem.objects.all().filter(a=1).open()\nself.visible.open()\nQ(a=1)")
    try:
        assert sorted(manager_calls(["sample.py"])) == [
            "sample.py:1 .all()",
            "sample.py:1 .filter()",
            "sample.py:3 Q()",
        ]
    finally:
        del TREES["sample.py"]


def test_no_signals_or_other_hidden_side_effects():
    """No signals and no thread-local user: everything that a save does is in its transition.

    Only log lines and error pages, which nobody passes a request to, get its ID from a context.
    """
    forbidden = ["django.db.models.signals", "django.dispatch", "django.core.signals", "threading.local", "contextvars"]
    files = [file for file in TREES if file != "pharos/operations/request_ids.py"]
    assert breaches(files, forbidden) == []


OF_A_SESSION = re.compile(
    r"pg_(try_)?advisory_(?!xact)\w*lock|\bLISTEN\b|\bTEMP(ORARY)? TABLE|\bWITH HOLD|\bPREPARE\b"
    r"|['\"]SET (?!LOCAL|TRANSACTION|CONSTRAINTS)|set_config\([^)]*(?<!true)\)"
)


def test_nothing_relies_on_a_database_session():
    """Behind PgBouncer in transaction mode, the next transaction may be on another connection (docs/scaling.md)."""
    found = {
        path.relative_to(ROOT).as_posix(): line
        for path in SOURCES
        if path.name != "migrate.py"  # has a connection of its own, and doesn't wait behind PgBouncer
        for line in path.read_text().splitlines()
        if OF_A_SESSION.search(line.partition("#")[0])
    }
    assert found == {}
    assert all(map(OF_A_SESSION.search, ["pg_advisory_lock(1)", "'SET jit = off'", "set_config('a', 'b', false)"]))


def test_table_names_match_the_models():
    """They are written as text on floors below the models."""
    said = {name: value for name, value in vars(table_names).items() if name.isupper()}
    assert said == {
        "WORK_ITEMS": models.WorkItem._meta.db_table,
        "SEARCHED_TEXTS": models.SearchedText._meta.db_table,
    }


def test_no_catch_all_modules():
    names = {Path(file).stem for file in TREES}
    assert not names & {"utils", "util", "helpers", "misc", "common"}


def test_no_file_is_too_long():
    """Split a module into a package of the same name when it grows past this; keep the names."""
    tests = [path for path in (ROOT / "tests").rglob("*.py") if "migrations" not in path.parts]
    lengths = {path.relative_to(ROOT).as_posix(): len(path.read_text().splitlines()) for path in [*SOURCES, *tests]}
    assert {file: length for file, length in lengths.items() if length > LIMIT} == {}


def test_contributing_shows_the_rooms_on_their_floors():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    drawn = {
        room: int(floor)
        for floor, rooms in re.findall(r"^floor +(\d+) +(.+)$", text, re.MULTILINE)
        for room in rooms.split()
    }
    assert drawn == FLOORS
    assert re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", text, re.MULTILINE) == [*FLOORS]
