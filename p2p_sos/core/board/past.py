"""What came before what, as the signers themselves say: `previous`, `heads`, and a roster's `replaces`.

Decides whether the signer of one message had seen another. Comes in: the messages of a board. Goes out: yes or no. Must
not know when anything arrived here.
"""

from collections.abc import Iterator, Mapping, Sequence

from attrs import define, field

from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import NOTHING, LogMessage, MessageId, Roster


def references(frame: Frame) -> Iterator[MessageId]:
    """The messages that a log entry says its signer had seen."""
    message = frame.message
    if not isinstance(message, LogMessage):
        return
    if message.previous != NOTHING:
        yield message.previous
    yield from message.heads
    if isinstance(message, Roster) and message.replaces != NOTHING:
        yield message.replaces


def had_seen(held: Mapping[MessageId, Frame], later: MessageId, earlier: MessageId) -> bool:
    """Whether a path of references leads from one held message to another; the search meets each message once."""
    waiting, met = [later], {later: None}
    while waiting:
        frame = held.get(waiting.pop())
        if frame is None:
            continue
        for reference in references(frame):
            if reference == earlier:
                return earlier in held
            if reference not in met:
                met[reference] = None
                waiting.append(reference)
    return False


@define(eq=False)
class Past:
    """Which rosters stand behind which messages of one board: a bit for each roster, found once for each message."""

    _held: Mapping[MessageId, Frame]
    _bits: dict[MessageId, int] = field(factory=dict)
    _behind: dict[MessageId, int] = field(factory=dict)
    _missing: dict[MessageId, None] = field(factory=dict)

    def note(self, came: Frame, gone: Sequence[Frame]) -> None:
        """The board changed: what was found holds on, unless it rests on what went, or lacked what came."""
        if came.id in self._missing or any(f.id in self._behind or f.id in self._bits for f in gone):
            self._bits.clear()  # or they would grow by every roster that ever was here
            self._behind.clear()
            self._missing.clear()

    def bit(self, roster: MessageId) -> int:
        """The bit of one roster."""
        return self._bits.setdefault(roster, 1 << len(self._bits))

    def behind(self, message: MessageId) -> int:
        """The bits of the rosters that the signer of a held message had seen."""
        path = [message]
        while path:
            top = path[-1]
            if top in self._behind:
                path.pop()
                continue
            known = self._known(top)
            unread = [reference for reference in known if reference not in self._behind]
            if unread:
                path += unread
                continue
            found = 0
            for reference in known:
                found |= self._behind[reference]
                if isinstance(self._held[reference].message, Roster):
                    found |= self.bit(reference)
            self._behind[top] = found
        return self._behind[message]

    def _known(self, message: MessageId) -> list[MessageId]:
        known = []
        for reference in references(self._held[message]):
            if reference in self._held:
                known.append(reference)
            else:
                self._missing[reference] = None
        return known
