"""How much memory something holds: every object that it refers to, once; and this process, at most.

Decides what is not its own: classes, functions, modules, and what the caller excludes. Comes in: an object. Goes out:
bytes, as the interpreter counts them. What nodes share in the simulator is counted for each as if it were its own.
"""

import resource
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

KB_PER_MB = 1024
NOT_OWNED = (type, ModuleType, FunctionType, BuiltinFunctionType, MethodType)


def peak_mb() -> float:
    """The most memory that this process held since its program began.

    Linux tells it for the program; elsewhere the kernel tells it for the process, with what it held before.
    """
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    told_kb = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return (told_kb[0] if told_kb else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / KB_PER_MB


def weight_bytes(thing: object, excluded: Sequence[object] = ()) -> int:
    """The bytes of all that `thing` reaches."""
    seen: dict[int, None] = {id(other): None for other in excluded}
    waiting: list[Any] = [thing]
    total = 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, NOT_OWNED):
            continue
        seen[id(one)] = None
        total += sys.getsizeof(one)
        waiting += _parts(one)
    return total


def _parts(one: Any) -> list[Any]:
    if isinstance(one, str | bytes | int | float):
        return []
    if isinstance(one, Mapping | MappingProxyType):
        return [*one.keys(), *one.values()]
    if isinstance(one, list | tuple | deque | set | frozenset):
        return [*one]  # any order: sizes are added
    parts = list(getattr(one, "__dict__", {}).values())
    for kind in type(one).__mro__:
        names = getattr(kind, "__slots__", ())
        for name in (names,) if isinstance(names, str) else names:
            told = f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") else name
            if hasattr(one, told):
                parts.append(getattr(one, told))
    return parts
