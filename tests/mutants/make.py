"""Generates the mutants of files: `make.py ROOT FILE…` prints them as JSON. Runs in the mutation tool's virtualenv."""

import difflib
import json
import sys
from pathlib import Path
from types import CodeType

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from operators import operators

# Of a model, its columns: a longer name or another default is the migrations' to notice.
COLUMNS = "models."


def ancestors(node):
    while node.parent is not None:
        yield node, node.parent
        node = node.parent


def function_around(node):
    """The outermost function whose body a node is in, as `Class.method`; None for what runs when the module is imported."""
    names, found = [], None
    for child, parent in ancestors(node):
        if parent.type == "funcdef":
            names.insert(0, parent.name.value)
            found = list(names[:1]) if child is parent.children[-1] else None
        elif parent.type == "classdef" and found is not None:
            found.insert(0, parent.name.value)
    return ".".join(found) if found else None


def is_left_out(node):
    """Annotations, decorators, `__all__`, the columns of a model, and the `strict` of a `zip`, which only asserts."""
    for child, parent in ancestors(node):
        if parent.type == "decorator":
            return True
        if parent.type in ("annassign", "tfpdef") and (parent.type == "tfpdef" or child is parent.children[1]):
            return True
        if parent.type == "funcdef" and child is parent.annotation:
            return True
        if parent.type == "expr_stmt":
            code = parent.get_code().strip()
            if code.startswith("__all__") or f"= {COLUMNS}" in code:
                return True
        if parent.type == "argument" and parent.get_first_leaf().value == "strict":
            return True
        if parent.type == "classdef" and parent.name.value == "Meta":
            return True
    return False


def positions(tree, operator):
    """The nodes where an operator mutates, in the order of its occurrences."""
    return [node for node in ast_nodes(tree) for _position in operator.mutation_positions(node)]


def changed_lines(before, after):
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line[0] + line[1:].strip() for line in lines if line[0] in "+-" and not line.startswith(("+++", "---"))]


def meaning(source):
    """What a source compiles to, without its lines: mutants of the same meaning are one, and one of the source's own is none."""
    return _without_lines(compile(source, "mutant", "exec"))


def _without_lines(code):
    constants = [_without_lines(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return code.co_code, tuple(constants), code.co_names, code.co_varnames, code.co_freevars, code.co_exceptiontable


def mutants_of(root, file):
    source = (root / file).read_text()
    seen = {meaning(source)}
    before = ""
    for statement in get_ast(source).children:
        part = statement.get_code()
        after = source[len(before) + len(part) :]
        for name, operator in operators().items():
            for occurrence, node in enumerate(positions(get_ast(part), operator)):
                if is_left_out(node):
                    continue
                mutated = f"{before}{mutate_code(part, operator, occurrence)}{after}"
                try:
                    if (means := meaning(mutated)) in seen:
                        continue
                except SyntaxError:
                    continue
                seen.add(means)
                yield {
                    "file": file,
                    "operator": name.removeprefix("Replace"),
                    "line": before.count("\n") + node.start_pos[0],
                    "function": function_around(node),
                    "diff": changed_lines(source, mutated),
                    "source": mutated,
                }
        before += part


def main(root, *files):
    found = [mutant for file in files for mutant in mutants_of(Path(root), file)]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
