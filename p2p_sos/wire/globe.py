"""Cells on the globe: which 64-bit numbers may stand where a message tells roughly where.

Decides whether a number is a cell of the H3 grid, and coarse enough. Comes in: a number. Goes out: yes or no.
Knows no geography: distances between cells are given to the core from outside.

An H3 index is, from the top bit: a zero, the mode (4 bits, 1 for a cell), three zeros, the resolution (4 bits), the base
cell (7 bits), and 15 digits of 3 bits, of which those beyond the resolution are 7.
"""

from p2p_sos.wire.registry import CELL_RESOLUTION_MAX

UNDISCLOSED = 0
BASE_CELLS = 122
DIGITS = 15
UNUSED_DIGIT = 7
PENTAGONS = (4, 14, 24, 38, 49, 58, 63, 72, 83, 97, 107, 117)
DELETED_DIGIT = 1  # a pentagon lacks the subtree that begins with this digit
LAST_CELL = 0x082F3B7FFFFFFFFF  # the highest index that is one
_CELL_MODE = 0b0_0001_000  # the top eight bits


def is_coarse_cell(index: int) -> bool:
    """Whether `index` is an H3 cell of resolution CELL_RESOLUTION_MAX or coarser."""
    if index >> 56 != _CELL_MODE:
        return False
    resolution, base = index >> 52 & 15, index >> 45 & 127
    if resolution > CELL_RESOLUTION_MAX or base >= BASE_CELLS:
        return False
    digits = [index >> 3 * (DIGITS - 1 - place) & 7 for place in range(DIGITS)]
    used, unused = digits[:resolution], digits[resolution:]
    if UNUSED_DIGIT in used or any(digit != UNUSED_DIGIT for digit in unused):
        return False
    leading = next((digit for digit in used if digit), 0)
    return not (base in PENTAGONS and leading == DELETED_DIGIT)
