"""One seed gives one trace, whatever the hash seed: nothing in core or wire walks a set."""

import pytest

from tests.house.sets import faults
from tests.house.sources import Source, python

PURE = ("wire", "core", "sim")


def test_no_set_is_iterated() -> None:
    """No module of the pure layers lets the order of a set out."""
    sources = [source for source in python("p2p_sos") if source.layer in PURE]
    assert [fault for source in sources for fault in faults(source)] == []


@pytest.mark.parametrize(
    "text",
    [
        "for x in {1, 2}: pass",
        "for x in set(y): pass",
        "s = set()\nfor x in s: pass",
        "def f(s: frozenset[int]):\n    return [x for x in s]",
        "class A:\n    _held: set[int]\n    def f(self):\n        return tuple(self._held)",
        "y = [x for x in {a for a in b}]",
        "for x in a.keys() & b.keys(): pass",
        "s = {1} | t\nz = ','.join(s)",
        "s: set[int] = x\nreturn_ = [*s]",
        "s: set[int] = x\ns.pop()",
        "y = {x: 1 for x in set(z)}",
        "a = next(iter({1, 2}))",
    ],
)
def test_an_iterated_set_is_refused(text: str) -> None:
    """Control: the checker sees each way of walking a set."""
    assert faults(Source("p2p_sos/core/a.py", text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "s = set()\nfor x in sorted(s): pass",
        "s = {1}\ny = 3 in s and len(s) and any(x for x in s)",
        "d = {}\nfor x in d: pass",
        "s: set[int] = x\ny = {a for a in s}",
        "d.pop()\nfor x in d.keys(): pass",
    ],
)
def test_a_harmless_use_passes(text: str) -> None:
    """Control: membership, sorting and dicts are fine."""
    assert faults(Source("p2p_sos/core/a.py", text)) == []
