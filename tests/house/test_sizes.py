"""A function fits in 60 lines, a module in 400."""

import pytest

from tests.house.shape import FUNCTION_LINES_MAX, MODULE_LINES_MAX, size_faults
from tests.house.sources import Source, python

LONG_FUNCTION = "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX
LONG_METHOD = "class A:\n    async def f(self):\n" + "        x = 1\n" * FUNCTION_LINES_MAX
LONG_MODULE = "x = 1\n" * (MODULE_LINES_MAX + 1)


def test_everything_fits() -> None:
    """No module and no function has outgrown its room, tests and scripts included."""
    sources = python("p2p_sos", "scripts", "tests")
    assert len(sources) > 10
    assert [fault for source in sources for fault in size_faults(source)] == []


@pytest.mark.parametrize("text", [LONG_FUNCTION, LONG_METHOD, LONG_MODULE])
def test_one_line_too_many_is_refused(text: str) -> None:
    """Control: one line more than fits is refused."""
    assert size_faults(Source("p2p_sos/core/a.py", text)) != []


@pytest.mark.parametrize(
    "text",
    [LONG_FUNCTION.removesuffix("    x = 1\n"), LONG_MODULE.removesuffix("x = 1\n")],
)
def test_a_full_house_is_allowed(text: str) -> None:
    """Control: exactly what fits, fits."""
    assert size_faults(Source("p2p_sos/core/a.py", text)) == []
