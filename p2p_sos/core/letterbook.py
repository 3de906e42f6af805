"""What is remembered of a letter, and how the memory of a sealed dialogue lies on disk.

Decides the rows of `Table.SESSION`. Comes in: letters and keys of one dialogue, or rows of the last run.
Goes out: the other of the two. Must not know when a letter is sent, nor how it is sealed.

Three kinds of row, each under call and correspondent: the keys, a letter out, a letter in. Which numbers
were used and which were seen follows from the letters' own rows, so that one row is one decision.
"""

from typing import Literal

from attrs import field, frozen

from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import LetterKind


@frozen
class LetterRecord:
    """One letter as the people see it; `number` counts per direction from 1."""

    call: CallId
    correspondent: Key
    direction: Literal["in", "out"]
    number: int
    kind: LetterKind
    text: str = field(repr=False)
    delivered: bool
