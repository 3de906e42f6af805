"""How long a text may be that people seal: their situation, or a letter.

Comes in: a text. Goes out: why it will not do, in one sentence that names the next step, or None. Must not know to whom
it goes.
"""

from p2p_sos.wire.letters import Content, parts_needed
from p2p_sos.wire.registry import LETTER_PARTS_MAX, LetterKind

# guess: leaves room in a letter of eight parts for a word to the helper beside a situation
TEXT_BYTES_MAX = 12_000


def text_fault(text: str) -> str | None:
    """Why people may not seal so long a text at once, be it their situation or a letter; None if they may."""
    number = len(text.encode())
    if number <= TEXT_BYTES_MAX:
        return None
    return (
        f"The sealed text has {number} bytes where {TEXT_BYTES_MAX} may stand: say the most important now, and the rest "
        "in further letters."
    )


def letter_fault(text: str, enclosure: bytes = b"") -> str | None:
    """Why a text cannot be a letter, in one sentence; None if it can."""
    if not text.strip():
        return "A letter needs some text: write what you want to say."
    parts = parts_needed(Content(1, 0, LetterKind.TEXT, text, enclosure), first=True)
    if parts > LETTER_PARTS_MAX:
        return (
            f"The letter needs {parts} cells where {LETTER_PARTS_MAX} may stand: write it in several letters."
        )
    return None
