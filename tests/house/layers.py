"""Judges imports: which module may know which.

Comes in: one source file. Goes out: a line for each import that the house forbids. Imports flow one way,
wire <- core <- {drivers, sim} <- {cli, desk}; libp2p lives in one folder and is loaded lazily elsewhere;
core and wire see neither clock, randomness, disk, environment nor sockets.
"""

import ast
from collections.abc import Iterator

from tests.house.sources import Source

MAY_IMPORT = {
    "": ("wire", "core", "drivers", "sim", "cli", "desk"),
    "wire": ("wire",),
    "core": ("wire", "core"),
    "drivers": ("wire", "core", "drivers"),
    "sim": ("wire", "core", "sim"),
    "cli": ("wire", "core", "drivers", "sim", "cli", "desk"),
    "desk": ("wire", "core", "drivers", "sim", "desk"),
}
PURE_STDLIB = (
    "__future__", "abc", "base64", "binascii", "bisect", "collections", "difflib", "enum", "functools",
    "hashlib", "heapq", "hmac", "itertools", "json", "math", "operator", "re", "string", "struct", "textwrap",
    "types", "typing", "unicodedata",
)  # fmt: skip
PURE = {
    "wire": (*PURE_STDLIB, "attrs", "msgpack", "nacl", "argon2"),
    "core": (*PURE_STDLIB, "attrs"),
}
NOBODY_IMPORTS = ("tests", "scripts", "protocol", "docs")  # docs: a folder that libp2p's wheel drops
LIBP2P_HOME = "p2p_sos/drivers/p2p/"
IMPURE_CALLS = ("open", "input", "print", "hash", "id", "eval", "exec")
HIDDEN_RANDOMNESS = ("SealedBox", "generate", "urandom", "token_bytes")


def imports(source: Source) -> Iterator[tuple[int, str, bool]]:
    """(line, dotted name, lazily) of each import; `from a import b` gives a.b."""
    yield from _imports(source.tree, lazily=False)


def _imports(node: ast.AST, *, lazily: bool) -> Iterator[tuple[int, str, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield child.lineno, alias.name, lazily
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "relative imports are refused by the linter's rules"
            for alias in child.names:
                yield child.lineno, f"{child.module}.{alias.name}", lazily
        else:
            yield from _imports(child, lazily=lazily or _is_lazy(child))


def _is_lazy(node: ast.AST) -> bool:
    """Inside a function, or only for the type checker."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return True
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def faults(source: Source) -> list[str]:
    """Every forbidden import of one file under p2p_sos."""
    found = []
    for line, module, lazily in imports(source):
        if (wrong := _import_fault(source, module, lazily)) is not None:
            found.append(f"{source.path}:{line}: {wrong}")
    if source.layer in PURE:
        found += [f"{source.path}:{line}: {wrong}" for line, wrong in _impurities(source)]
    return found


def _import_fault(source: Source, module: str, lazily: bool) -> str | None:
    top, _, rest = module.partition(".")
    at_home = source.path.startswith(LIBP2P_HOME)
    if top in NOBODY_IMPORTS:
        return f"nobody imports {top}"
    if top == "libp2p" and not at_home:
        return f"libp2p is imported under {LIBP2P_HOME} alone"
    if module.startswith("p2p_sos.drivers.p2p") and not (at_home or lazily):
        return f"{module} loads libp2p: import it inside the function that needs it"
    if top == "p2p_sos":
        layer = rest.split(".", maxsplit=1)[0]
        known = layer in MAY_IMPORT and layer not in MAY_IMPORT[source.layer]
        return f"{source.layer} must not know {layer}" if known else None
    if source.layer in PURE and top not in PURE[source.layer]:
        typed_random = source.layer == "core" and module in ("random", "random.Random")
        return None if typed_random else f"{source.layer} must not import {top}"
    return None


def _impurities(source: Source) -> Iterator[tuple[int, str]]:
    tree = source.tree
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    given = _where_random_is_given(tree)
    for node in ast.walk(tree):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        is_called = id(node) in called
        of_module = _is_of_random(node) and id(node) not in given
        if isinstance(node, ast.Name) and is_called and name in IMPURE_CALLS:
            yield node.lineno, f"{name}() has no place in {source.layer}"
        elif name in HIDDEN_RANDOMNESS:
            yield node.lineno, f"{name} hides randomness"
        elif (of_module and name != "Random") or (name == "Random" and is_called):
            yield node.lineno, "randomness comes from outside: `random` only names the type Random"


def _is_of_random(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"


def _where_random_is_given(tree: ast.Module) -> dict[int, None]:
    """The nodes of functions that take an argument `random`: there the name is not the module."""
    return {
        id(inner): None
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        and any(a.arg == "random" for a in (*function.args.args, *function.args.kwonlyargs))
        for statement in function.body
        for inner in ast.walk(statement)
    }
