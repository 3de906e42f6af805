"""Finds places where the order of a set could leak into what a node does.

Comes in: one source file. Goes out: a line for each iteration over something that is visibly a set: a set
display, `set(...)`, a set operation, or a name or attribute that this module fills with one or annotates as
one. It reads no types, so it sees what a reader of the module alone would see.
"""

import ast
from collections.abc import Iterator

from tests.house.sources import Source

SET_TYPES = ("set", "frozenset", "AbstractSet", "MutableSet", "Set")
ORDER_BLIND = ("sorted", "len", "set", "frozenset", "any", "all", "sum", "min", "max", "bool")
ORDERED = ("list", "tuple", "iter", "enumerate", "zip", "map", "filter", "reversed", "next", "dict")
ORDERED_METHODS = ("join", "extend", "fromkeys", "writelines")
SET_METHODS = ("union", "intersection", "difference", "symmetric_difference")


def faults(source: Source) -> list[str]:
    """Every visible iteration over a set."""
    tree = source.tree
    known = _named_sets(tree)
    blind = _order_blind(tree)
    return [
        f"{source.path}:{line}: iterates a set: sort it, or keep a dict"
        for line, expression in _iterated(tree, blind)
        if _is_set(expression, known)
    ]


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return "." + node.attr if isinstance(node, ast.Attribute) else None


def _named_sets(tree: ast.Module) -> dict[str, None]:
    """Names, and attributes as `.name`, that hold a set somewhere in this module."""
    known: dict[str, None] = {}
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.AnnAssign) and _is_set_type(node.annotation):
            targets = [node.target]
        elif isinstance(node, ast.arg) and node.annotation is not None and _is_set_type(node.annotation):
            known[node.arg] = None
        elif isinstance(node, ast.Assign) and _is_set(node.value, known):
            targets = node.targets
        for target in targets:
            if (name := _name(target)) is not None:
                known[name] = None
                known["." + name.lstrip(".")] = None  # an attrs field is read as self.name
    return known


def _is_set_type(annotation: ast.expr) -> bool:
    head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return (_name(head) or "").lstrip(".") in SET_TYPES


def _is_set(node: ast.expr, known: dict[str, None]) -> bool:
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in ("set", "frozenset")
        case ast.Call(func=ast.Attribute(attr=name)):
            return name in SET_METHODS
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
            return _is_set(left, known) or _is_set(right, known) or _is_keys(left) or _is_keys(right)
        case ast.IfExp(body=body, orelse=orelse):
            return _is_set(body, known) or _is_set(orelse, known)
    return _name(node) in known


def _is_keys(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys"


def _order_blind(tree: ast.Module) -> dict[int, None]:
    """Comprehensions whose order nobody sees: handed straight to sorted(), any() and the like."""
    blind: dict[int, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ORDER_BLIND:
            blind.update({id(argument): None for argument in node.args})
        elif isinstance(node, ast.SetComp):
            blind[id(node)] = None
    return blind


def _iterated(tree: ast.Module, blind: dict[int, None]) -> Iterator[tuple[int, ast.expr]]:
    """Every expression that is walked in its own order."""
    for node in ast.walk(tree):
        match node:
            case ast.For(iter=walked) | ast.AsyncFor(iter=walked):
                yield node.lineno, walked
            case ast.ListComp() | ast.DictComp() | ast.GeneratorExp() if id(node) not in blind:
                for generator in node.generators:
                    yield node.lineno, generator.iter
            case ast.Starred(value=walked, ctx=ast.Load()) if not isinstance(walked, ast.Dict):
                yield node.lineno, walked
            case ast.Call(func=ast.Name(id=name)) if name in ORDERED:
                for argument in node.args:
                    yield node.lineno, argument
            case ast.Call(func=ast.Attribute(attr=name)) if name in ORDERED_METHODS:
                for argument in node.args:
                    yield node.lineno, argument
            case ast.Call(func=ast.Attribute(value=walked, attr="pop"), args=[]):
                yield node.lineno, walked
