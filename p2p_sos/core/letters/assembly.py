"""Parts of letters that wait for the rest.

Decides which parts belong together and how many half letters are worth remembering. Comes in: LETTERs of one
signer in one call. Goes out: a sealed letter once its last part is here. Must not know how to open it.
"""

from attrs import define, field

from p2p_sos.wire.messages import Letter

HALF_LETTERS_MAX = 8  # guess: of one signer in one call; a window gives two of eight parts and some


@define
class Assembly:
    """The half letters of one signer in one call; the newest stay."""

    _halves: dict[tuple[int, int], dict[int, bytes]] = field(factory=dict)

    @property
    def waiting(self) -> bool:
        """Whether any letter lacks parts."""
        return bool(self._halves)

    def add(self, letter: Letter) -> bytes | None:
        """The whole sealed letter if `letter` was what it lacked."""
        if letter.parts == 1:
            return letter.sealed
        # "The parts of one letter carry consecutive numbers." (07-dialogue §5)
        key = (letter.number - letter.part, letter.parts)
        half = self._halves.setdefault(key, {})
        half.setdefault(letter.part, letter.sealed)
        if len(half) == letter.parts:
            del self._halves[key]
            return b"".join(half[part] for part in range(letter.parts))
        if len(self._halves) > HALF_LETTERS_MAX:
            del self._halves[min(self._halves)]
        return None
