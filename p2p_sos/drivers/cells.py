"""Cells on the globe (H3): read, shown, and how far apart two of them are.

In come H3 indices as text or as the integers of CALL and CARD. Out go the other, rings, or a sentence. h3 is
loaded only when a cell is really told. 0 stands for undisclosed.
"""

from functools import lru_cache

from p2p_sos.wire.registry import CELL_RESOLUTION_MAX

RINGS_MAX = 4  # whoever is farther away is no nearer than anybody: the fitness tier counts four rings
DISKS_MAX = 4096  # guess: 61 cells each at most
UNDISCLOSED = 0
UNDISCLOSED_WORD = "undisclosed"
_EXAMPLE = "821f9ffffffffff"


def read_cell(text: str) -> int | str:
    """The integer of an H3 index, 0 for "undisclosed"; else a sentence about what is wrong, as text."""
    typed = text.strip().lower()
    if typed in {"", UNDISCLOSED_WORD}:
        return UNDISCLOSED
    import h3.api.basic_int as h3

    try:
        cell = int(typed, 16)
    except ValueError:
        cell = 0
    if not (0 < cell < 2**64 and h3.is_valid_cell(cell)):
        return f"{text!r} is no H3 cell: write an index such as {_EXAMPLE!r}, or {UNDISCLOSED_WORD!r}"
    resolution = h3.get_resolution(cell)
    if resolution > CELL_RESOLUTION_MAX:
        coarse = h3.int_to_str(h3.cell_to_parent(cell, CELL_RESOLUTION_MAX))
        return (
            f"{text!r} tells too much (resolution {resolution}, at most {CELL_RESOLUTION_MAX}): "
            f"the cell around it is {coarse!r}"
        )
    return cell


def show_cell(cell: int) -> str:
    """The H3 index as text, or "undisclosed"."""
    return f"{cell:x}" if cell else UNDISCLOSED_WORD


def rings(first: int, second: int) -> int | None:
    """Rings of cells between two, 0 to `RINGS_MAX`, at the coarser resolution; None if farther, undisclosed or no cell.

    Asked of the disk around a cell, which is defined everywhere: `grid_distance` gives up where one of the twelve
    pentagons lies on the way, and what all nodes must compute alike must not depend on how far a library got.
    """
    if not first or not second:
        return None
    import h3.api.basic_int as h3

    if not (h3.is_valid_cell(first) and h3.is_valid_cell(second)):
        return None
    resolution = min(h3.get_resolution(first), h3.get_resolution(second))
    near, far = sorted((h3.cell_to_parent(first, resolution), h3.cell_to_parent(second, resolution)))
    for distance in range(RINGS_MAX + 1):
        if far in _disk(near, distance):
            return distance
    return None


@lru_cache(maxsize=DISKS_MAX)
def _disk(cell: int, distance: int) -> frozenset[int]:
    """All cells that are at most `distance` steps from a cell to a neighbour away."""
    import h3.api.basic_int as h3

    return frozenset(h3.grid_disk(cell, distance))
