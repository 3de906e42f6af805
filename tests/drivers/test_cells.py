"""Rings between cells: the same for everybody, everywhere on the globe, pentagons included."""

from collections.abc import Iterable

import h3.api.basic_int as h3
import pytest
from h3 import H3BaseException

from p2p_sos.drivers.cells import RINGS_MAX, rings


def steps_from(start: int, limit: int) -> dict[int, int]:
    """Breadth first over neighbours: what `rings` must say, found in another way."""
    found, edge = {start: 0}, [start]
    for distance in range(1, limit + 1):
        edge = [
            n for cell in edge for n in h3.grid_disk(cell, 1) if found.setdefault(n, distance) == distance
        ]
    return found


def agrees(starts: Iterable[int], others: Iterable[int]) -> int:
    """How many pairs are near; every pair must be as the walk says, and the same both ways."""
    near = 0
    listed = tuple(others)
    for start in starts:
        walked = steps_from(start, RINGS_MAX)
        for other in listed:
            assert rings(start, other) == walked.get(other) == rings(other, start)
            near += other in walked
    return near


def test_rings_are_what_a_walk_finds_for_every_pair_of_the_globe() -> None:
    """All 122 cells of resolution 0, the pentagons among them; `grid_distance` fails for thousands of these."""
    cells = sorted(h3.get_res0_cells())
    assert agrees(cells, cells) > 122 * 30
    failed = 0
    for other in cells:
        try:
            h3.grid_distance(cells[0], other)
        except H3BaseException:
            failed += 1
    assert failed > 0  # the control: what was used before does not know them all


@pytest.mark.parametrize("resolution", [1, 2])
def test_rings_are_right_around_every_pentagon(resolution: int) -> None:
    """Where disks are irregular: within six rings of each of the twelve, from the pentagon and its neighbours."""
    for pentagon in h3.get_pentagons(resolution):
        agrees(sorted(h3.grid_disk(pentagon, 1)), sorted(h3.grid_disk(pentagon, RINGS_MAX + 2)))


def test_rings_count_at_the_coarser_resolution() -> None:
    """A fine cell is as near as the coarse one around it: who tells more is not farther away."""
    coarse = h3.latlng_to_cell(48.2, 16.4, 1)
    fine = h3.latlng_to_cell(48.2, 16.4, 2)
    neighbour = max(h3.grid_ring(coarse, 1))
    assert rings(fine, coarse) == 0
    assert rings(fine, neighbour) == 1
    assert rings(h3.cell_to_center_child(neighbour, 2), coarse) == 1


def test_who_is_far_or_undisclosed_has_no_rings() -> None:
    """Five rings are as far as the antipode; 0 tells nothing, and neither does what is no cell."""
    cell = h3.latlng_to_cell(48.2, 16.4, 2)
    assert rings(cell, max(h3.grid_ring(cell, RINGS_MAX))) == RINGS_MAX
    assert rings(cell, max(h3.grid_ring(cell, RINGS_MAX + 1))) is None
    assert rings(cell, h3.latlng_to_cell(-48.2, -163.6, 2)) is None
    assert rings(0, cell) is None
    assert rings(cell, 0) is None
    assert rings(cell, 12345) is None
