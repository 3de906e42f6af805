"""Cells on the globe: only cells of the H3 grid that are coarse enough."""

import h3
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.wire.globe import LAST_CELL, is_coarse_cell
from p2p_sos.wire.registry import CELL_RESOLUTION_MAX

ALL_COARSE = [
    h3.str_to_int(cell)
    for base in h3.get_res0_cells()
    for size in range(CELL_RESOLUTION_MAX + 1)
    for cell in (h3.cell_to_children(base, size) if size else [base])
]


def true_answer(index: int) -> bool:
    """What the reference implementation says."""
    name = h3.int_to_str(index)
    return h3.is_valid_cell(name) and h3.get_resolution(name) <= CELL_RESOLUTION_MAX


def test_every_coarse_cell_is_one() -> None:
    """All 122, 842 and 5,882 cells of the three coarsest resolutions are taken."""
    assert len(ALL_COARSE) == 122 + 842 + 5882
    assert all(is_coarse_cell(index) for index in ALL_COARSE)
    assert max(ALL_COARSE) == LAST_CELL


def test_finer_cells_are_refused() -> None:
    """A cell of resolution 3 would say too much."""
    assert not is_coarse_cell(h3.str_to_int(h3.latlng_to_cell(52.5, 13.4, 3)))


def test_a_child_that_a_pentagon_lacks_is_refused() -> None:
    """The twelve pentagons have no child 1, at any depth; their neighbours have."""
    for base in range(122):
        first = 0x0810000000000000 | base << 45 | 1 << 42 | (1 << 42) - 1
        assert is_coarse_cell(first) == true_answer(first)
        second = 0x0820000000000000 | base << 45 | 0 << 42 | 1 << 39 | (1 << 39) - 1
        assert is_coarse_cell(second) == true_answer(second)


@given(index=st.integers(0, 2**64 - 1))
def test_any_number_is_judged_as_the_reference_does(index: int) -> None:
    """A random number is a cell exactly when the reference says so."""
    assert is_coarse_cell(index) == true_answer(index)


@given(index=st.sampled_from(ALL_COARSE), bits=st.lists(st.integers(0, 63), max_size=4))
def test_a_bent_cell_is_judged_as_the_reference_does(index: int, bits: list[int]) -> None:
    """A cell with a few bits turned is a cell exactly when the reference says so."""
    for bit in bits:
        index ^= 1 << bit
    assert is_coarse_cell(index) == true_answer(index)
