"""In one word, what a view follows from: a board without registers and letters, and whose time is over.

Decides which boards and expiries are equal. Comes in: a board, an `Expired`. Goes out: 16 bytes each. Must not know how
a view follows from them.
"""

import hashlib
from collections.abc import Iterable

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.standing import Expired
from p2p_sos.wire.registry import Kind

APART = (Kind.RENEW, Kind.SITREP, Kind.LETTER)  # they say who is there, or nothing that is public
WORD_BYTES = 16


def _word(parts: Iterable[bytes]) -> bytes:
    digest = hashlib.blake2b(digest_size=WORD_BYTES)
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def board_word(board: Board) -> bytes:
    """Logs, what the victim said, the cards that claims name, who is convicted."""
    said = sorted(frame.id for frame in board.frames() if frame.message.KIND not in APART)
    return _word(
        [board.call.id, *said, b"cards", *sorted(board.cards), b"convicted", *sorted(board.convicted)]
    )


def expired_word(expired: Expired) -> bytes:
    """Everything that local time adds."""
    unanswered = sorted(requisition + key for requisition, key in expired.unanswered)
    return _word(
        [
            b"silent", *sorted(expired.silent),
            b"overdue", *sorted(expired.overdue),
            b"lapsed", *sorted(expired.lapsed),
            b"superseded", *sorted(expired.superseded),
            b"unanswered", *unanswered,
            b"victim", bytes([expired.victim_silent]),
        ]
    )  # fmt: skip
