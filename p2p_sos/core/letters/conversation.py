"""One conversation: the victim of one call and one responder, as one of the two remembers it.

Decides which letters still wait, which were seen, and which number comes next. Comes in: letters and
acknowledgements. Goes out: what is to be sent. Must not know of cells, budgets, or how letters are sealed.
"""

from attrs import define, field

from p2p_sos.core.letters.letterbook import Incoming, LetterRecord, Outgoing
from p2p_sos.wire.letters import SessionKeys
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.registry import LetterKind

LETTERS_MAX = 512  # guess: of one direction of one conversation
STRANGER_LETTERS_MAX = 8  # guess: letters remembered of a responder that was not accepted


@define
class Conversation:
    """`initiator`: this side wrote the first letter. `trusted`: the victim accepted (always so at a responder).

    `secret` is this side's exchange secret, empty where the case holds it; `exchange_key` is the other side's.
    """

    call: CallId
    correspondent: Key
    initiator: bool
    secret: bytes = field(repr=False)
    exchange_key: Key
    keys: SessionKeys | None = field(repr=False)
    trusted: bool
    outgoing: dict[int, Outgoing] = field(factory=dict, repr=False)
    incoming: dict[int, Incoming] = field(factory=dict, repr=False)
    contiguous: int = 0
    attempt: int = 0
    repeat_at: float | None = None
    acknowledge_at: float | None = None

    @property
    def confirmed(self) -> bool:
        """The other side holds this side's first letter, and so its exchange key."""
        return 1 in self.outgoing and self.outgoing[1].delivered

    @property
    def introduces_itself(self) -> bool:
        """The other side may not know this side's exchange key yet."""
        return self.initiator and not self.confirmed

    @property
    def next_number(self) -> int:
        """The number of the next letter out; letters out are never forgotten singly."""
        return len(self.outgoing) + 1

    @property
    def introduction(self) -> Outgoing | None:
        """The newest letter out that said who this side is."""
        said = [letter for letter in self.outgoing.values() if letter.kind is LetterKind.INTRODUCTION]
        return max(said, key=lambda letter: letter.number, default=None)

    def waiting(self) -> list[Outgoing]:
        """Letters that nobody acknowledged yet, oldest first."""
        return [letter for letter in self.outgoing.values() if not letter.delivered]

    def unposted(self) -> list[Outgoing]:
        """Letters that this process has not sent yet, oldest first."""
        return [letter for letter in self.waiting() if not letter.posted]

    def remember(self, letter: Incoming) -> None:
        """A letter arrived, for the first time."""
        self.incoming[letter.number] = letter
        while self.contiguous + 1 in self.incoming:
            self.contiguous += 1

    def has_room_for(self, number: int) -> bool:
        """Whether a letter of that number may be remembered at all."""
        most = LETTERS_MAX if self.trusted else STRANGER_LETTERS_MAX
        return number <= LETTERS_MAX and len(self.incoming) < most

    def acknowledge(self, number: int) -> list[Outgoing]:
        """The other side has every letter up to `number`; the ones that this was news of."""
        news = [letter for letter in self.waiting() if letter.number <= number]
        for letter in news:
            letter.delivered = True
        return news

    def withdraw(self) -> list[Outgoing]:
        """Empty every letter that was not acknowledged: its number stays, what it said does not."""
        emptied = self.waiting()
        for letter in emptied:
            letter.kind, letter.text, letter.enclosure = LetterKind.TEXT, "", b""
        return emptied

    def records(self) -> list[LetterRecord]:
        """Every letter worth showing, both directions, each in the order of its numbers."""
        received = [
            LetterRecord(self.call, self.correspondent, "in", i.number, i.kind, i.text, True)
            for i in sorted(self.incoming.values(), key=lambda letter: letter.number)
        ]
        written = [
            LetterRecord(self.call, self.correspondent, "out", o.number, o.kind, o.text, o.delivered)
            for o in self.outgoing.values()
        ]
        return [r for r in received + written if not is_empty(r.kind, r.text)]


def is_empty(kind: LetterKind, text: str) -> bool:
    """A letter that was withdrawn before it arrived: it fills its number and says nothing."""
    return kind is LetterKind.TEXT and not text
