"""Modules are named for what they are, open by saying it, and silence or catch nothing in passing."""

from collections.abc import Callable

import pytest

from tests.house import shape
from tests.house.sources import Source, python

EVERYWHERE = ("p2p_sos", "scripts", "tests")
OURS = ("p2p_sos",)

Checker = Callable[[Source], list[str]]


@pytest.mark.parametrize(
    ("checker", "folders"),
    [
        (shape.name_faults, EVERYWHERE),
        (shape.opening_faults, EVERYWHERE),
        (shape.silence_faults, EVERYWHERE),
        (shape.catch_faults, OURS),
    ],
)
def test_every_module_is_in_shape(checker: Checker, folders: tuple[str, ...]) -> None:
    """No module breaks the rule."""
    assert [fault for source in python(*folders) for fault in checker(source)] == []


@pytest.mark.parametrize(
    ("checker", "path", "text"),
    [
        (shape.name_faults, "p2p_sos/core/utils.py", ""),
        (shape.name_faults, "p2p_sos/core/gossip_helpers.py", ""),
        (shape.name_faults, "p2p_sos/common/a.py", ""),
        (shape.opening_faults, "p2p_sos/core/a.py", "x = 1\n"),
        (shape.opening_faults, "p2p_sos/core/a.py", ""),
        (shape.silence_faults, "p2p_sos/core/a.py", "x = 1  # " + "noqa\n"),
        (shape.silence_faults, "p2p_sos/core/a.py", "x = 1  # " + "noqa: E501\n"),
        (shape.silence_faults, "p2p_sos/core/a.py", "x = 1  # " + "type: ignore\n"),
        (shape.catch_faults, "p2p_sos/core/a.py", "try:\n    x\nexcept Exception:\n    pass\n"),
        (shape.catch_faults, "p2p_sos/core/a.py", "try:\n    x\nexcept:\n    pass\n"),
        (
            shape.catch_faults,
            "p2p_sos/core/a.py",
            "try:\n    x\nexcept (OSError, BaseException):\n    pass\n",
        ),
    ],
)
def test_a_module_out_of_shape_is_refused(checker: Checker, path: str, text: str) -> None:
    """Control: each checker refuses what it is there to refuse."""
    assert checker(Source(path, text)) != []


@pytest.mark.parametrize(
    ("checker", "path", "text"),
    [
        (shape.silence_faults, "p2p_sos/core/a.py", "x = 1  # " + "noqa: S603 - our own program\n"),
        (shape.silence_faults, "p2p_sos/core/a.py", "x = 1  # " + "type: ignore[operator]\n"),
        (shape.catch_faults, "p2p_sos/drivers/runner.py", "try:\n    x\nexcept Exception:\n    pass\n"),
        (shape.catch_faults, "p2p_sos/core/a.py", "try:\n    x\nexcept OSError:\n    pass\n"),
    ],
)
def test_a_module_in_shape_passes(checker: Checker, path: str, text: str) -> None:
    """Control: what the rules allow passes."""
    assert checker(Source(path, text)) == []
