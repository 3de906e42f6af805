"""Whose hands are full: which responders hold as many claims as their cards have slots.

Decides nothing about a call. Comes in: views of the open calls, cards. Goes out: the keys of whom no other call need wait
for. Must not know timers, nor this node's own slots, which it knows better itself.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from attrs import define, field

from p2p_sos.core.board.standing import View
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import CallId, Card, Key


class NewestCards(Protocol):
    """The cards that a node knows."""

    @property
    def newest(self) -> Mapping[Key, Frame]:
        """The card of each responder that counts."""
        ...


@define(eq=False)
class Hands:
    """The claims of all boards of a node, by who made them; as many as all boards together have seats."""

    cards: NewestCards
    _calls: dict[Key, dict[CallId, None]] = field(init=False, factory=dict)
    _claimers: dict[CallId, dict[Key, None]] = field(init=False, factory=dict)
    _full: dict[Key, None] = field(init=False, factory=dict)

    @property
    def full(self) -> Mapping[Key, None]:
        """Who has no hand left, as far as the boards here show."""
        return MappingProxyType(self._full)

    def observe(self, view: View) -> bool:
        """An open call looks like this now; whether that changed whose hands are full."""
        return self._note(view.call, {claim.responder: None for claim in view.claims if claim.live})

    def leave(self, call: CallId) -> bool:
        """A call is over; whether that changed whose hands are full."""
        return self._note(call, {})

    def _note(self, call: CallId, claimers: dict[Key, None]) -> bool:
        before = self._claimers.pop(call, {})
        if claimers:
            self._claimers[call] = claimers
        for key in [key for key in before if key not in claimers]:
            del self._calls[key][call]
            if not self._calls[key]:
                del self._calls[key]
        came = [key for key in claimers if key not in before]
        for key in came:
            self._calls.setdefault(key, {})[call] = None
        return self._count([*(key for key in before if key not in claimers), *came])

    def _count(self, keys: Iterable[Key]) -> bool:
        changed = False
        for key in keys:
            card = self.cards.newest.get(key)
            slots = card.message.slots if card is not None and isinstance(card.message, Card) else 0
            full = card is not None and len(self._calls.get(key, ())) >= max(1, slots)
            if full is not (key in self._full):
                changed = True
                if full:
                    self._full[key] = None
                else:
                    del self._full[key]
        return changed
