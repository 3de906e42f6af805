"""To whom cells of the stem go: two relays an epoch, and a map from each predecessor to one of them.

Decides relays, routes, and whether this node lets cells out. Comes in: peers, time, draws. Goes out: peers. Must not know
cells. An epoch begins when it is first needed: nothing is drawn, and no timer runs, where no stem is used.
"""

from collections.abc import Sequence

from attrs import define, field

from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.core.origin.draws import Draws
from p2p_sos.wire.registry import STEM_EPOCH_JITTER_S, STEM_EPOCH_S, STEM_FLUFF_PERCENT

PAIR = 2
TOO_FEW = (
    "The stem needs two relays that this node dialled, in different networks, and that speak it; it has {there}: "
    "name more with --join, or call another way."
)
ONE_NETWORK = (
    "All relays that this node dialled are of one network, whose owner would see every hop: "
    "name one elsewhere with --join, or call another way."
)


@define
class Epoch:
    """What holds until `ends_at`."""

    ends_at: float
    is_diffuser: bool
    pair: list[PeerId] = field(factory=list)
    routes: dict[PeerId, PeerId] = field(factory=dict)


@define(eq=False)
class Relays:
    """The peers of one node as relays of the stem."""

    _draws: Draws
    _outbound: dict[PeerId, str] = field(factory=dict)  # in the order of joining -> network
    _refused: dict[PeerId, None] = field(factory=dict)
    _epoch: Epoch | None = None

    def joined(self, peer: PeerId, network: str, *, outbound: bool) -> None:
        """A peer is there."""
        # "A relay MUST be a peer that the node dialled itself." (11-origin §4)
        if outbound:
            self._outbound[peer] = network

    def left(self, peer: PeerId) -> None:
        """A peer is gone; what it speaks when it comes back is another matter."""
        self._outbound.pop(peer, None)
        self._refused.pop(peer, None)
        if self._epoch is not None:
            self._epoch.routes.pop(peer, None)

    def refused(self, peer: PeerId) -> None:
        """A peer does not speak the stem."""
        if peer in self._outbound:
            self._refused[peer] = None

    @property
    def suitable(self) -> tuple[PeerId, ...]:
        """Every peer that may be a relay, in the order of joining."""
        return tuple(peer for peer in self._outbound if peer not in self._refused)

    @property
    def fault(self) -> str | None:
        """Why no victim may use the stem here, in one sentence; None if one may."""
        # "A victim MUST NOT use the stem with fewer than two such peers, or with all of them in one network." (11-origin §4)
        there = self.suitable
        if len(there) < PAIR:
            return TOO_FEW.format(there="none" if not there else "one")
        return None if len({self._outbound[peer]: None for peer in there}) >= PAIR else ONE_NETWORK

    # ------------------------------------------------------------------ epochs

    def _current(self, now: float) -> Epoch:
        epoch = self._epoch
        if epoch is None or now >= epoch.ends_at:
            # "An epoch lasts `stem_epoch_s` and, drawn anew for each, up to `stem_epoch_jitter_s` more." (11-origin §4)
            lasts_s = STEM_EPOCH_S + STEM_EPOCH_JITTER_S * self._draws.share()
            # "For a whole epoch a node is a diffuser, with a chance of `stem_fluff_percent` in a hundred, or is none."
            # (11-origin §4)
            epoch = Epoch(now + lasts_s, self._draws.share() * 100 < STEM_FLUFF_PERCENT)
            self._epoch = epoch
        self._fill(epoch)
        return epoch

    def _fill(self, epoch: Epoch) -> None:
        """Two relays of different networks, as far as there are two; whoever is gone is replaced."""
        there = self.suitable
        epoch.pair = [peer for peer in epoch.pair if peer in there]
        while len(epoch.pair) < PAIR:
            taken = [self._outbound[peer] for peer in epoch.pair]
            more = self.draw([peer for peer in there if self._outbound[peer] not in taken])
            if more is None:
                return
            epoch.pair.append(more)

    def draw(self, among: Sequence[PeerId]) -> PeerId | None:
        """One of these: first a network, then a peer in it, so that many addresses of one owner weigh as one."""
        # "Of several networks each is as likely, however many peers it holds." (11-origin §4)
        if not among:
            return None
        networks: dict[str, list[PeerId]] = {}
        for peer in among:
            networks.setdefault(self._outbound[peer], []).append(peer)
        return self._draws.choice(networks[self._draws.choice(list(networks))])

    def pair(self, now: float) -> tuple[PeerId, ...]:
        """The relays of this epoch, at most two."""
        return tuple(self._current(now).pair)

    def is_diffuser(self, now: float) -> bool:
        """Whether cells of others leave the stem here, in this epoch."""
        return self._current(now).is_diffuser

    def route(self, predecessor: PeerId, now: float) -> PeerId | None:
        """The relay of all that comes from this peer, in this epoch; None: there is none but the peer itself."""
        epoch = self._current(now)
        # "A cell MUST NOT go back to the peer that sent it." (11-origin §4)
        others = [peer for peer in epoch.pair if peer != predecessor]
        # "All cells of one predecessor take the same relay for the whole epoch." (11-origin §4)
        known = epoch.routes.get(predecessor)
        if known in others:
            return known
        if not others:
            return None
        epoch.routes[predecessor] = chosen = self._draws.choice(others)
        return chosen

    def others(self, but: Sequence[PeerId], now: float) -> tuple[PeerId, ...]:
        """The relays of this epoch that are none of these."""
        return tuple(peer for peer in self._current(now).pair if peer not in but)
