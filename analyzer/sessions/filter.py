"""Which sessions to show: expressions such as `kind == websocket and outcome != established`.

The syntax is Python's, read by `ast` and evaluated here: nothing is ever executed.  A bare word that is no name of a
session's is a string.
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from analyzer.core import Session

MAX_CHARACTERS: Final = 1000
MAX_DEPTH: Final = 30

NAMES: Final[dict[str, Callable[[Session], Any]]] = {
    "id": lambda session: session.id,
    "number": lambda session: session.id + 1,  # as the tables show it
    "kind": lambda session: session.kind,
    "title": lambda session: session.title,
    "outcome": lambda session: session.outcome.value,
    "flows": lambda session: session.flows,
    "start_ns": lambda session: session.start_ns,
    "end_ns": lambda session: session.end_ns,
    "duration_ns": lambda session: session.end_ns - session.start_ns,
    "duration_ms": lambda session: (session.end_ns - session.start_ns) / 1e6,
    "duration_s": lambda session: (session.end_ns - session.start_ns) / 1e9,
    "notes": lambda session: len(session.notes),
    "findings": lambda session: len(session.findings),
    "phases": lambda session: [phase.name for phase in session.phases],
}
FACTS: Final = "facts"

_ORDERS: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


class Filter:
    """Tells whether a session matches.  Raises ValueError, in one sentence, for an expression it can't read."""

    def __init__(self, expression: str) -> None:
        self.expression = expression
        if len(expression) > MAX_CHARACTERS:
            raise ValueError(f"filter: an expression of {len(expression)} characters, at most {MAX_CHARACTERS}")
        try:
            # `title ~ chat` is not Python; `@` binds as tightly as anything the expressions need, and is free.
            tree = ast.parse(tildes(expression).strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as why:
            column = f" near column {why.offset}" if isinstance(why, SyntaxError) and why.offset else ""
            raise ValueError(f"filter: {expression!r} is not an expression{column}; {EXAMPLE}") from None
        self._root = tree.body
        check(self._root, 0)

    def __call__(self, session: Session) -> bool:
        return truth(value_of(self._root, session))


EXAMPLE: Final = "write it like: kind == websocket and outcome != established"


def tildes(expression: str) -> str:
    """`expression` with each `~` and `!~` outside of quotes as a Python operator: `@` and `@ -`."""
    found: list[str] = []
    quote = ""
    for character in expression:
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "@":
            raise ValueError(f"filter: {expression!r} has an @ outside of quotes; {EXAMPLE}")
        elif character == "~":
            if found and found[-1] == "!":
                found[-1] = "@-"
            else:
                found.append("@")
            continue
        found.append(character)
    return "".join(found)


def check(node: ast.expr, depth: int) -> None:
    """Raise for anything but names, values, comparisons and and, or, not."""
    if depth > MAX_DEPTH:
        raise ValueError(f"filter: nested more than {MAX_DEPTH} deep")
    if isinstance(node, ast.BoolOp):
        children: list[ast.expr] = list(node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        children = [node.operand]
    elif isinstance(node, ast.Compare):
        allowed = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)
        if not all(isinstance(one, allowed) for one in node.ops):
            raise ValueError("filter: compare with ==, !=, <, <=, >, >=, ~, in or not in")
        children = [node.left, *node.comparators]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        children = [node.left, node.right]
    elif isinstance(node, ast.List | ast.Tuple):
        children = list(node.elts)
    elif isinstance(node, ast.Attribute):
        children = [node.value]
    elif isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and isinstance(node.value, str | int | float)):
        children = []
    else:
        raise ValueError(f"filter: {ast.unparse(node)[:60]!r} is not allowed in an expression; {EXAMPLE}")
    for child in children:
        check(child, depth + 1)


def value_of(node: ast.expr, session: Session) -> Any:
    """What `node`, which `check` has passed, is for `session`; None where the session has no such fact."""
    if isinstance(node, ast.BoolOp):
        if isinstance(node.op, ast.And):
            return all(truth(value_of(one, session)) for one in node.values)
        return any(truth(value_of(one, session)) for one in node.values)
    if isinstance(node, ast.UnaryOp):
        value = value_of(node.operand, session)
        if isinstance(node.op, ast.Not):
            return not truth(value)
        return -value if isinstance(value, int | float) else value
    if isinstance(node, ast.Compare):
        return compared(node, session)
    if isinstance(node, ast.BinOp):
        return matches(node, session)
    if isinstance(node, ast.List | ast.Tuple):
        return [value_of(one, session) for one in node.elts]
    if isinstance(node, ast.Attribute):
        return fact(dotted(node), session)
    if isinstance(node, ast.Name):
        if node.id in NAMES:
            return NAMES[node.id](session)
        # Python spells these with capitals, facts in JSON do not.
        return {"true": True, "false": False, "null": None, "none": None}.get(node.id.lower(), node.id)
    return node.value if isinstance(node, ast.Constant) else None


def dotted(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        return [*dotted(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else []


def fact(names: list[str], session: Session) -> Any:
    """`facts.server_name`; other dotted words (`example.org`) are strings."""
    if not names or names[0] != FACTS:
        return ".".join(names)
    value: Any = session.facts
    for name in names[1:]:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict) and "name" in value:  # {"value": 4865, "name": "TLS_AES_128_GCM_SHA256"}
        return value["name"]
    return value


def compared(node: ast.Compare, session: Session) -> bool:
    left = value_of(node.left, session)
    for operation, right_node in zip(node.ops, node.comparators, strict=True):
        right = value_of(right_node, session)
        if isinstance(operation, ast.Eq):
            holds = same(left, right)
        elif isinstance(operation, ast.NotEq):
            holds = not same(left, right)
        elif isinstance(operation, ast.In | ast.NotIn):
            holds = contains(right, left) is isinstance(operation, ast.In)
        else:
            holds = ordered(_ORDERS[type(operation)], left, right)
        if not holds:
            return False
        left = right
    return True


def same(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return left.lower() == right.lower()
    if isinstance(left, str) != isinstance(right, str):
        return str(left).lower() == str(right).lower()
    return bool(left == right)


def contains(whole: Any, part: Any) -> bool:
    if isinstance(whole, list | tuple):
        return any(same(one, part) for one in whole)
    return whole is not None and part is not None and str(part).lower() in str(whole).lower()


def ordered(operation: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    if numbers or (isinstance(left, str) and isinstance(right, str)):
        return operation(left, right)
    return False


def matches(node: ast.BinOp, session: Session) -> bool:
    """`title ~ chat`: contains it, in any case; `!~`: does not."""
    right, negated = node.right, False
    if isinstance(right, ast.UnaryOp) and isinstance(right.op, ast.USub):
        right, negated = right.operand, True
    return contains(value_of(node.left, session), value_of(right, session)) is not negated


def truth(value: Any) -> bool:
    return bool(value)
