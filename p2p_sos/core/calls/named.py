"""Which cards the claims on all boards name: those that are here, and those that are missing.

Decides when a card is wanted, and when nobody names it any more. Comes in: boards that changed, cards that came, calls
that went. Goes out: cards to let go. Must not know which cards the node keeps for other reasons.

Each seat of a board has one newest claim, and each claim names one card; so this is as bounded as the seats are, and what
it holds follows from the boards alone, never from the order in which things came.
"""

from collections.abc import Iterable

from attrs import define, field

from p2p_sos.core.board.board import Board
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, Claim, Key, MessageId

Claimer = tuple[CallId, Key]


@define(eq=False)
class NamedCards:
    """The cards that somebody's newest claim names."""

    _named: dict[CallId, dict[Key, MessageId]] = field(factory=dict)
    _wanted: dict[MessageId, dict[Claimer, None]] = field(factory=dict)
    _here: dict[MessageId, tuple[Frame, dict[Claimer, None]]] = field(factory=dict)

    def is_wanted(self, card: MessageId) -> bool:
        """Whether a claim on some board names a card that is not here."""
        return card in self._wanted

    def is_held(self, card: MessageId) -> bool:
        """Whether some board holds this card."""
        return card in self._here

    def came(self, card: MessageId) -> tuple[CallId, ...]:
        """A card is here from now on: the calls with claims that name it. Whose card it is not, wants it no more either."""
        return tuple(dict.fromkeys(call for call, _ in self._wanted.pop(card, ())))

    def note(self, board: Board, signers: Iterable[Key], known: MessageId | None = None) -> tuple[Frame, ...]:
        """These said something on a board, or left it; the cards that nobody names any more.

        `known`: a card that is here, though it may not be its claimer's.
        """
        call, gone = board.call.id, list[Frame]()
        names = self._named.setdefault(call, {})
        for signer in signers:
            claim, card, before = board.said(signer).claim, board.card_of(signer), names.get(signer)
            named = claim.message.card if claim is not None and isinstance(claim.message, Claim) else None
            if before is not None and before != named:
                gone += self._leave(before, (call, signer))
                del names[signer]
            if named is None:
                continue
            names[signer] = named
            if card is not None:
                self._unwant(named, (call, signer))
                self._here.setdefault(named, (card, {}))[1][call, signer] = None
            elif named not in (before, known):
                self._wanted.setdefault(named, {})[call, signer] = None
        if not names:
            del self._named[call]
        return tuple(gone)

    def leave(self, call: CallId) -> tuple[Frame, ...]:
        """A board goes; the cards that nobody names any more."""
        gone: list[Frame] = []
        for signer, named in self._named.pop(call, {}).items():
            gone += self._leave(named, (call, signer))
        return tuple(gone)

    def _leave(self, named: MessageId, claimer: Claimer) -> tuple[Frame, ...]:
        self._unwant(named, claimer)
        card, claimers = self._here.get(named, (None, {}))
        claimers.pop(claimer, None)
        if card is None or claimers:
            return ()
        del self._here[named]
        return (card,)

    def _unwant(self, named: MessageId, claimer: Claimer) -> None:
        wanted = self._wanted.get(named)
        if wanted is None or claimer not in wanted:
            return
        del wanted[claimer]
        if not wanted:
            del self._wanted[named]
