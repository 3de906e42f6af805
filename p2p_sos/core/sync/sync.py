"""Sync: every node asks one peer every few seconds what it lacks, and answers those who ask.

Decides whom to ask and when. Comes in: peers, frames of the sync stream, time. Goes out: `SendSync`, timers, and
`Offered` cells for the gate. Must not know what a message means, nor whether it is welcome.
"""

from random import Random

from attrs import define, field, frozen

from p2p_sos.core.actions import SendSync, SetTimer
from p2p_sos.core.events import PeerJoined, PeerLeft, Started, SyncReceived, TimerFired
from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.core.internal import Offered, Probe
from p2p_sos.core.sync.answers import Answerer
from p2p_sos.core.sync.forest import Forest
from p2p_sos.core.sync.holdings import Holdings
from p2p_sos.core.sync.sessions import Fetched, Session
from p2p_sos.core.sync.turns import Turns
from p2p_sos.wire.refusals import Refusal
from p2p_sos.wire.registry import (
    SYNC_FRAME_BYTES_MAX,
    SYNC_PERIOD_S,
    SYNC_ROUNDS_MAX,
    SYNC_SESSION_BYTES_MAX,
)
from p2p_sos.wire.sync import SESSION_MAX, Give, Reply, Request, SyncMessage, decode, encode

SyncEvent = PeerJoined | PeerLeft | SyncReceived | TimerFired | Started | Probe
SyncStep = SendSync | SetTimer | Offered


@frozen
class SyncSettings:
    """What a node may choose for itself. `period_s` None: it asks nobody, and answers."""

    period_s: float | None = float(SYNC_PERIOD_S)
    rounds_max: int = SYNC_ROUNDS_MAX
    session_bytes_max: int = SYNC_SESSION_BYTES_MAX
    sessions_max: int = 4  # guess: a node that starts dials many; four will not all lie or sleep
    place_s: float = 1.5 * SYNC_PERIOD_S  # guess: a megabyte over 1 Mbit/s; two turns, wherever they fall
    settle_s: float = 2.0  # guess: longer than a full queue of verifications
    answer_bytes_burst: float = float(SYNC_SESSION_BYTES_MAX)  # one full session
    answer_bytes_per_s: float = 65_536.0  # guess: half a megabit for each peer that asks all the time


@frozen
class SyncDue:
    """It is time to ask a peer."""

    at: float


@define(eq=False)
class Sync:
    """One node's reconciliation with its peers."""

    _holdings: Holdings
    _random: Random
    _settings: SyncSettings = field(factory=SyncSettings)
    _forest: Forest = field(init=False)
    _answerer: Answerer = field(init=False)
    _turns: Turns = field(init=False)
    _fetched: Fetched = field(init=False)
    _sessions: dict[PeerId, Session] = field(init=False, factory=dict)  # those opened first come first
    _due_at: float | None = field(init=False, default=None)
    _turned: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        settings = self._settings
        self._forest = Forest(self._holdings)
        self._answerer = Answerer(self._forest, settings.answer_bytes_per_s, settings.answer_bytes_burst)
        self._turns = Turns(self._random)
        self._fetched = Fetched(settings.settle_s)

    def handle(self, event: SyncEvent, now: float) -> list[SyncStep]:
        """One event."""
        match event:
            case SyncReceived(peer=peer, frame=frame):
                return self._on_received(peer, frame, now)
            case TimerFired(key=SyncDue(at=at)) if at == self._due_at:
                return [*self._on_due(now), *self._wait(now, 1.0)]
            case PeerJoined(peer=peer, outbound=outbound):
                return self._on_joined(peer, outbound, now)
            case PeerLeft(peer=peer):
                self._turns.left(peer)
                self._answerer.left(peer)
                self._sessions.pop(peer, None)
                return []
            case Started():
                return self._wait(now, self._random.random())
            case Probe():
                return self._ask(self._turns.next(self._sessions), now)
            case _:
                return []

    def _wait(self, now: float, share: float) -> list[SyncStep]:
        """Until the next period."""
        if self._settings.period_s is None:
            return []
        self._due_at = now + share * self._settings.period_s
        return [SetTimer(SyncDue(self._due_at), self._due_at)]

    # ------------------------------------------------------------------ asking

    def _on_joined(self, peer: PeerId, outbound: bool, now: float) -> list[SyncStep]:
        self._turns.joined(peer, outbound=outbound)
        self._answerer.joined(peer)
        return self._ask(peer, now) if outbound and self._settings.period_s is not None else []

    def _on_due(self, now: float) -> list[SyncStep]:
        assert self._settings.period_s is not None, "a period is set"
        # "A session in which no answer came for a whole period MUST be dropped" (09-sync §6)
        stale = [p for p, one in self._sessions.items() if now - one.asked_at >= self._settings.period_s]
        for peer in stale:
            del self._sessions[peer]
            self._turns.kept_silent(peer)
        # "the session of the period MUST be opened all the same, but the first after a start" (09-sync §6)
        ask = self._open if self._turned else self._ask
        self._turned = True
        asked = ask(self._turns.next(self._sessions), now)
        # "Beside it, it SHOULD ask in turn one of those that did not answer: they may be back." (09-sync §6)
        return [*asked, *self._ask(self._turns.next_silent(self._sessions), now)]

    def _ask(self, peer: PeerId | None, now: float) -> list[SyncStep]:
        """Open a session, unless there are enough of them and none gives way."""
        is_room = len(self._sessions) < self._settings.sessions_max or self._is_worn(self._oldest(), now)
        return self._open(peer, now) if is_room else []

    def _oldest(self) -> PeerId:
        return next(iter(self._sessions))

    def _is_worn(self, peer: PeerId, now: float) -> bool:
        return now - self._sessions[peer].opened_at >= self._settings.place_s

    def _open(self, peer: PeerId | None, now: float) -> list[SyncStep]:
        """Open a session; those that held a place for long enough give way, as far as there are too many."""
        if peer is None or peer in self._sessions:
            return []
        # "the oldest one gives way that has lasted a period and a half" (09-sync §6)
        while len(self._sessions) >= self._settings.sessions_max and self._is_worn(self._oldest(), now):
            del self._sessions[self._oldest()]
        self._forest.look()
        session = Session(
            self._forest,
            self._fetched,
            self._random.randint(0, SESSION_MAX),
            self._settings.rounds_max,
            self._settings.session_bytes_max,
            now,
        )
        self._sessions[peer] = session
        return [self._send(peer, session, session.open())]

    def _send(self, peer: PeerId, session: Session, question: Request) -> SendSync:
        frame = encode(question)
        session.bytes_passed += len(frame)
        return SendSync(peer, frame)

    # ------------------------------------------------------------------ frames

    def _on_received(self, peer: PeerId, frame: bytes, now: float) -> list[SyncStep]:
        if peer not in self._turns or len(frame) > SYNC_FRAME_BYTES_MAX:
            return []
        session = self._sessions.get(peer)
        # Whoever is waited for is heard; it must not gain from that what others pay for.
        if not self._answerer.may_ask(peer, len(frame), now) and session is None:
            return []
        message = decode(frame)
        if isinstance(message, Refusal):
            self._sessions.pop(peer, None)
            return []
        if isinstance(message, Request):
            return self._on_question(peer, message, now)
        if session is None or not session.expects(message):
            if not self._answerer.may_ask(peer, 0, now):
                self._sessions.pop(peer, None)  # whoever is waited for may not babble either
            return []
        self._forest.look()
        self._turns.answered(peer)
        self._answerer.refund(peer, len(frame))
        session.bytes_passed += len(frame)
        return self._on_answer(peer, session, message, now)

    def _on_answer(self, peer: PeerId, session: Session, reply: Reply, now: float) -> list[SyncStep]:
        steps: list[SyncStep] = [Offered(cell, peer) for cell in session.take(reply, now)]
        if session.question is None:
            del self._sessions[peer]
            return steps
        return [*steps, self._send(peer, session, session.question)]

    def _on_question(self, peer: PeerId, question: Request, now: float) -> list[SyncStep]:
        if not self._answerer.may_ask(peer, 0, now):
            return []
        self._forest.look()
        given = question.cells if isinstance(question, Give) else ()
        steps: list[SyncStep] = [Offered(cell, peer) for cell in given]
        answer: SyncMessage = self._answerer.answer(question, peer)
        frame = encode(answer)
        self._answerer.charge(peer, len(frame))
        return [*steps, SendSync(peer, frame)]
