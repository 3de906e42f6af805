"""The stem at its source: how the messages of this node's own case get to a relay, and to another when they do not return.

Decides which relay gets what, when the next one is tried, and when people are told. Comes in: own messages, their return,
peers, time. Goes out: `SendStem`, timers, rows, notices. It has no way to let a message out itself.
"""

from attrs import define, field, frozen

from p2p_sos.core.actions import Keep, SendStem, SetTimer, Tell
from p2p_sos.core.events import PeerJoined, PeerLeft, Restored, StemRefused, TimerFired
from p2p_sos.core.gossip.rpc import GossipId, PeerId
from p2p_sos.core.internal import Handed, Looped, Returned, Utter
from p2p_sos.core.letters.letterbook import ROW_BYTES_MAX
from p2p_sos.core.notices import WayFails
from p2p_sos.core.origin.draws import Draws
from p2p_sos.core.origin.errand import Errand, ErrandState, ErrandStep
from p2p_sos.core.origin.relays import PAIR, Relays
from p2p_sos.core.origin.stempool import call_of
from p2p_sos.core.origin.way import Way
from p2p_sos.core.tables import Table
from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.registry import STEM_PATIENCE_MIN_S, STEM_PATIENCE_S, STEM_RELAYS_MAX, STEM_TRIES_MAX

SourceEvent = Utter | Returned | Looped | PeerJoined | PeerLeft | StemRefused | Restored | TimerFired
SourceStep = SendStem | SetTimer | Keep | Tell | Handed

ROW = b"stem relays"
ERRANDS_MAX = 512  # guess: messages of one case under way at once; more letters than any helper reads
SPENT = "{tries} tries over the stem did not bring a message of your case into the mesh; it is tried again from time to time. If nobody answers, call another way."
NO_RELAY_LEFT = "The relays that this case may use are gone, and each further one would know more of who calls: call another way, or restart the case to wait for them."


@frozen
class ReturnDue:
    """A timer: a message that was handed over should have come back."""

    gossip_id: GossipId
    at: float


@define(eq=False)
class Source:
    """The victim's side of the stem, for one case."""

    _relays: Relays
    _draws: Draws
    _errands: dict[GossipId, Errand] = field(factory=dict)
    _used: list[PeerId] = field(factory=list)  # the relays of this case, the one to begin with first
    _fresh: dict[PeerId, None] = field(factory=dict)  # those first used on the connection that they have now
    _told: bool = False  # that no relay can be had; once until one can

    def handle(self, event: SourceEvent, now: float) -> list[SourceStep]:
        """One event."""
        match event:
            case Utter():
                return self._on_utter(event, now)
            case Returned(gossip_id=gossip_id):
                return self._on_returned(gossip_id)
            case Looped(gossip_id=gossip_id, peer=peer):
                return self._on_looped(gossip_id, peer, now)
            case TimerFired(key=ReturnDue() as due):
                return self._on_due(due, now)
            case PeerJoined(outbound=True):
                waiting = [e for e in self._errands.values() if e.state is ErrandState.WAITING]
                return [step for errand in waiting for step in self._hand(errand, now)]
            case StemRefused(peer=peer, spoke=spoke):
                if spoke:
                    self._fresh.pop(peer, None)
                return self._on_refused(peer, now)
            case PeerLeft(peer=peer):
                self._fresh.pop(peer, None)
            case Restored(table=Table.CASE, rows=rows):
                self._restore(dict(rows).get(ROW, b""))
        return []

    @property
    def relays(self) -> tuple[PeerId, ...]:
        """The relays that this case used so far."""
        return tuple(self._used)

    # ------------------------------------------------------------------ going out

    def _on_utter(self, utter: Utter, now: float) -> list[SourceStep]:
        errand = self._errands.get(utter.gossip_id)
        if errand is not None:
            errand.avoid = utter.avoid
            if errand.state is ErrandState.AWAY:
                return []
            errand.tries = 0
            return self._hand(errand, now)
        errand = Errand(utter.frame, utter.gossip_id, utter.avoid)
        self._errands[utter.gossip_id] = errand
        if len(self._errands) > ERRANDS_MAX:
            del self._errands[next(iter(self._errands))]
        if utter.earlier:
            # "What it said before it was restarted it MUST first wait for" (11-origin §6)
            errand.step(ErrandStep.HAND)
            return [self._wait(errand, now)]
        return self._hand(errand, now)

    def _hand(self, errand: Errand, now: float) -> list[SourceStep]:
        """One try with the next relay; the source has nothing else that it could do with a message."""
        # "The source MUST NOT let a message of its own case out, in no epoch and for no reason" (11-origin §6)
        relay = None if self._relays.fault is not None else self._choose(errand, now)
        if relay is None:
            errand.step(ErrandStep.LOSE)
            return [self._wait(errand, now)]
        self._told = False
        errand.step(ErrandStep.HAND)
        errand.tries += 1
        errand.relays.append(relay)
        kept = self._use(relay)
        return [
            *kept,
            SendStem(relay, errand.frame.cell),
            Handed(errand.gossip_id, (relay,)),
            self._wait(errand, now),
        ]

    def _choose(self, errand: Errand, now: float) -> PeerId | None:
        """The next relay for a message, which may be one that had it before; None if there is none."""
        there = self._relays.suitable
        known = [peer for peer in self._used if peer in there]
        # "All messages of a case go to one relay, from epoch to epoch, for as long as it is there and they come back."
        # (11-origin §6)
        fresh = [peer for peer in known if peer not in errand.relays]
        if fresh:
            return fresh[0]
        # "A further relay is taken only when a message did not come back from those before, and of all epochs together there
        # MUST NOT be more than `stem_relays_max`." (11-origin §6)
        if len(self._used) < STEM_RELAYS_MAX and (more := self._further(errand, now)) is not None:
            return more
        again = [peer for peer in errand.relays if peer in known]
        return min(again, key=lambda peer: _last(errand.relays, peer)) if again else None

    def _further(self, errand: Errand, now: float) -> PeerId | None:
        """A relay that this case did not use yet: of this epoch's pair first, the one that listens last."""
        pair = [peer for peer in self._relays.pair(now) if peer not in self._used]
        rest = [peer for peer in self._relays.suitable if peer not in self._used and peer not in pair]
        for among in (pair, rest):
            if (quiet := self._relays.draw([peer for peer in among if peer not in errand.avoid])) is not None:
                return quiet
        return self._relays.draw([*pair, *rest])

    def _use(self, relay: PeerId) -> list[SourceStep]:
        if relay in self._used:
            return []
        self._used.append(relay)
        self._fresh[relay] = None
        return [self._keep()]

    def _wait(self, errand: Errand, now: float) -> SetTimer:
        # "It waits `stem_patience_min_s` and, exponential, `stem_patience_s` more, and from the fourth try on twice as long each
        # time." (11-origin §6)
        more_s = self._draws.exponential(STEM_PATIENCE_S)
        slower = 2 ** max(0, errand.tries - STEM_RELAYS_MAX)
        errand.due_at = now + (STEM_PATIENCE_MIN_S + more_s) * slower
        return SetTimer(ReturnDue(errand.gossip_id, errand.due_at), errand.due_at)

    # ------------------------------------------------------------------ coming back, or not

    def _on_due(self, due: ReturnDue, now: float) -> list[SourceStep]:
        errand = self._errands.get(due.gossip_id)
        if errand is None or errand.due_at != due.at or errand.state is ErrandState.SPENT:
            return []
        if errand.state is ErrandState.AWAY and errand.tries >= STEM_TRIES_MAX:
            errand.step(ErrandStep.TIRE)
            return [self._fails(errand, SPENT.format(tries=errand.tries))]
        steps = self._hand(errand, now)
        if errand.state is ErrandState.WAITING and not self._told:
            self._told = True
            return [*steps, self._fails(errand, self._relays.fault or NO_RELAY_LEFT)]
        return steps

    def _fails(self, errand: Errand, why: str) -> Tell:
        # "When its tries are spent, or no relay can be had, the people of the victim MUST be told." (11-origin §6)
        return Tell(WayFails(call_of(errand.frame), Way.STEM.value, why))

    def _on_returned(self, gossip_id: GossipId) -> list[SourceStep]:
        errand = self._errands.pop(gossip_id, None)
        if errand is None:
            return []
        errand.step(ErrandStep.RETURN)
        worked = errand.relays[-1] if errand.tries > 1 else None
        if worked is None or self._used[0] == worked:
            return []
        # The relay before let the message wait, or never passed it on: the next one begins with who did not.
        self._used.remove(worked)
        self._used.insert(0, worked)
        return [self._keep()]

    def _on_looped(self, gossip_id: GossipId, peer: PeerId, now: float) -> list[SourceStep]:
        """It does with its own what a relay does with anybody's; whoever sends it one back learns nothing from that."""
        errand = self._errands.get(gossip_id)
        if errand is None or errand.state is not ErrandState.AWAY:
            return []
        # "An own message that comes again on the stem takes the other relay, as that of another would, within these
        # bounds." (11-origin §6)
        relay = self._other(errand, peer, now)
        if relay is None:
            return []
        errand.relays.append(relay)
        kept = self._use(relay)
        return [*kept, SendStem(relay, errand.frame.cell), Handed(gossip_id, (relay,))]

    def _other(self, errand: Errand, sender: PeerId, now: float) -> PeerId | None:
        """The one relay beside the first to which a message that comes again may go: one of the case's if there is one."""
        had = (sender, *errand.relays)
        # "A message that went to two relays stays with these" (11-origin §6)
        if len(dict.fromkeys(errand.relays)) >= PAIR:
            return None
        there = self._relays.suitable
        known = [relay for relay in self._used if relay in there and relay not in had]
        more = [relay for relay in self._relays.pair(now) if relay not in had]
        if len(self._used) >= STEM_RELAYS_MAX:
            more = []
        return next(iter(known + more), None)

    def _on_refused(self, peer: PeerId, now: float) -> list[SourceStep]:
        """Nothing that waited for it left: the next one gets it. It stays on the count if it may have read anything before."""
        steps: list[SourceStep] = []
        saw_nothing = peer in self._fresh
        # "A relay counts from the first cell that it may have read" (11-origin §6)
        if saw_nothing:
            del self._fresh[peer]
            self._used.remove(peer)
            steps.append(self._keep())
        for errand in tuple(self._errands.values()):
            waited = errand.state is ErrandState.AWAY and errand.relays[-1:] == [peer]
            if saw_nothing:
                errand.relays = [relay for relay in errand.relays if relay != peer]
            if waited:
                errand.tries = max(0, errand.tries - 1)
                steps += self._hand(errand, now)
        return steps

    # ------------------------------------------------------------------ rows

    def _keep(self) -> Keep:
        return Keep(Table.CASE, ROW, pack([relay.encode() for relay in self._used]))

    def _restore(self, row: bytes) -> None:
        match unpack(row, longest=ROW_BYTES_MAX) if row else None:
            case [*relays] if len(relays) <= STEM_RELAYS_MAX:
                self._used = [one.decode("utf-8", "replace") for one in relays if isinstance(one, bytes)]


def _last(relays: list[PeerId], peer: PeerId) -> int:
    return len(relays) - 1 - relays[::-1].index(peer)
