"""The mutation operators: those of cosmic-ray that suit this code, and three of ours for Django's querysets.

Runs in the mutation tool's virtualenv.
"""

from abc import abstractmethod

import parso
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator

# Left out: arithmetic that no code here has, comparisons that only repeat another fault, and decorators, whose loss
# breaks the import (@property) or changes nothing but the time (@cached_property).
FROM_COSMIC_RAY = (
    *("AddNot", "ReplaceAndWithOr", "ReplaceOrWithAnd", "ReplaceTrueWithFalse", "ReplaceFalseWithTrue"),
    *("ReplaceComparisonOperator_Eq_NotEq", "ReplaceComparisonOperator_NotEq_Eq"),
    *("ReplaceComparisonOperator_Lt_LtE", "ReplaceComparisonOperator_Lt_Gt"),
    *("ReplaceComparisonOperator_LtE_Lt", "ReplaceComparisonOperator_LtE_Gt"),
    *("ReplaceComparisonOperator_Gt_GtE", "ReplaceComparisonOperator_Gt_Lt"),
    *("ReplaceComparisonOperator_GtE_Gt", "ReplaceComparisonOperator_GtE_Lt"),
    *("ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is"),
    *("ReplaceBinaryOperator_Add_Sub", "ReplaceBinaryOperator_Sub_Add", "ReplaceBinaryOperator_Mul_Add"),
    *("ReplaceBinaryOperator_BitOr_BitAnd", "ReplaceBinaryOperator_BitAnd_BitOr"),
    *("ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not", "ReplaceUnaryOperator_Delete_Invert"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer"),
    "ZeroIterationForLoop",
)
CONDITIONS = {"filter", "exclude", "Q", "update"}
LINKS = {"filter", "exclude", "order_by", "select_for_update"}


class _Ours(Operator):
    def mutation_positions(self, node):
        for _fault in self.faults(node):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        fault = parso.parse(self.faults(node)[index].strip()).children[0]
        fault.get_first_leaf().prefix = node.get_first_leaf().prefix
        return fault

    @abstractmethod
    def faults(self, node):
        """What may stand in the node's place, as code."""

    @classmethod
    def examples(cls):
        return (Example(*cls.example),)


def _called(node):
    """The name that is called with these brackets."""
    before = node.get_previous_sibling()
    return before.get_last_leaf().value if before is not None else ""


class DropCondition(_Ours):
    """`filter(a=1, b=2)` with one argument less."""

    example = ("filter(a=1, b=2)", "filter( b=2)")

    def faults(self, node):
        if node.type != "trailer" or node.children[0].value != "(" or _called(node) not in CONDITIONS:
            return []
        inside = node.children[1]
        if inside.type != "arglist":
            return []  # without its only argument it is DropLink's
        given = [child for child in inside.children if child != ","]
        return [f"({','.join(one.get_code() for one in given if one is not left)})" for left in given]


class DropLink(_Ours):
    """`rows.filter(a=1).order_by("b")` without one of its links."""

    example = ("rows.filter(a=1)", "rows")

    def faults(self, node):
        if node.type not in ("atom_expr", "power"):
            return []
        parts = node.children
        found = []
        for place in range(1, len(parts) - 1):
            name, call = parts[place], parts[place + 1]
            if not name.type == call.type == "trailer" or call.children[0] != "(":
                continue
            word = name.get_last_leaf().value
            if (word in LINKS and call.get_code() != "()") or word == "select_for_update":  # `order_by()` is for speed
                found.append("".join(part.get_code() for part in parts[:place] + parts[place + 2 :]))
        return found


class TurnOrder(_Ours):
    """`order_by("-date")` the other way round."""

    example = ('order_by("-date")', 'order_by("date")')

    def faults(self, node):
        if node.type != "string" or _called(_brackets(node)) != "order_by":
            return []
        word = node.value.strip("\"'")
        return [f'"{word[1:]}"' if word.startswith("-") else f'"-{word}"']


def _brackets(node):
    """The brackets of the call that a node is an argument of, or the node itself."""
    above = node.parent if node.parent.type != "arglist" else node.parent.parent
    return above if above.type == "trailer" else node


def operators():
    """{name: operator}."""
    theirs = {name: get_operator(f"core/{name}")() for name in FROM_COSMIC_RAY}
    return {**theirs, **{kind.__name__: kind() for kind in (DropCondition, DropLink, TurnOrder)}}
