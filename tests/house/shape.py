"""Judges the shape of a module: its length, its name, its opening, what it silences and what it catches.

Comes in: one source file. Goes out: a line for each fault. Knows nothing of what the module is for.
"""

import ast
import io
import re
import tokenize

from tests.house.sources import GENERATED, Source

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
EMPTY_NAMES = ("util", "utils", "helper", "helpers", "common", "manager", "base", "misc", "stuff")
CATCHES_ALL = ("Exception", "BaseException")
MAY_CATCH_ALL = ("p2p_sos/drivers/runner.py", "p2p_sos/cli/main.py")
NOQA = re.compile(r"#\s*noqa\b(?!: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)* .*[a-z]{3})", re.IGNORECASE)
TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore(?!\[[a-z-]+(, ?[a-z-]+)*\])")


def size_faults(source: Source) -> list[str]:
    """Modules and functions that outgrew what a reader holds in mind."""
    if source.path in GENERATED:
        return []
    found = []
    lines = source.text.count("\n")
    if lines > MODULE_LINES_MAX:
        found.append(f"{source.path}: {lines} lines, a module fits in {MODULE_LINES_MAX}")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                where = f"{source.path}:{node.lineno}: {node.name}"
                found.append(f"{where}: {length} lines, a function fits in {FUNCTION_LINES_MAX}")
    return found


def name_faults(source: Source) -> list[str]:
    """Module and folder names that say nothing."""
    parts = source.path.removesuffix(".py").split("/")
    words = [word for part in parts for word in part.split("_")]
    return [f"{source.path}: a module is one noun, and {w!r} is none" for w in words if w in EMPTY_NAMES]


def opening_faults(source: Source) -> list[str]:
    """A module opens by saying what it is; an empty `__init__` of a folder of tests has nothing to say."""
    if not source.text.strip() and source.path.startswith("tests/") and source.path.endswith("/__init__.py"):
        return []
    return [] if ast.get_docstring(source.tree) else [f"{source.path}: no docstring opens it"]


def silence_faults(source: Source) -> list[str]:
    """A silenced warning names which one and why (noqa), or which one (type: ignore)."""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type != tokenize.COMMENT:
            continue
        if NOQA.search(token.string):
            found.append(f"{source.path}:{token.start[0]}: write `# noqa: CODE (why)`")
        if TYPE_IGNORE.search(token.string):
            found.append(f"{source.path}:{token.start[0]}: write `# type: ignore[code]`")
    return found


def catch_faults(source: Source) -> list[str]:
    """Everything is caught in the runner and in the command's outermost frame, nowhere else."""
    if source.path in MAY_CATCH_ALL:
        return []
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or (isinstance(kind, ast.Name) and kind.id in CATCHES_ALL) for kind in kinds):
                found.append(f"{source.path}:{node.lineno}: catches everything")
    return found
