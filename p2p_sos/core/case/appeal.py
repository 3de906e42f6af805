"""The public half of a case: the CALL, what the victim said since, and how far the mesh took it.

Decides when a call is SENT and when it is HEARD, and what is repeated to a relay that joins. Comes in: peers, what
the router sent or saw return, own messages. Goes out: rows, messages to publish, notices. Must not know letters.
"""

from typing import Any

from attrs import define, evolve, field, frozen

from p2p_sos.core.actions import Action, SetTimer, Tell
from p2p_sos.core.case.case_rows import RELAYS_MAX, CaseState, VictimSecrets, keep_call
from p2p_sos.core.case.case_view import TRANSITIONS, CasePhase
from p2p_sos.core.case.command import Command
from p2p_sos.core.case.listening import Listening
from p2p_sos.core.case.orders import REFINABLE
from p2p_sos.core.events import PeerJoined, PeerLeft
from p2p_sos.core.internal import Echoed, Publish, Sent
from p2p_sos.core.notices import CallReturned, CallTaken
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.keys import ExchangeKey
from p2p_sos.wire.messages import (
    AllClear,
    Attest,
    Call,
    CallId,
    Cancel,
    Key,
    Letter,
    Message,
    MessageId,
    Requisition,
    Update,
)
from p2p_sos.wire.registry import (
    LETTERS_PER_WINDOW,
    SEQUENCE_MAX,
    TIMINGS,
    Certainty,
    Nature,
    Sector,
    Severity,
    Status,
    Urgency,
)

CLOSINGS: dict[type[Message], str] = {Cancel: "cancelled", AllClear: "cleared"}
SAID_MAX = 64  # guess: own messages repeated to a relay that joins
INSIST_FIRST_S = 15.0  # guess: two of the router's own repeats fall within it
INSIST_LAST_S = 240.0  # guess: backoff doubles up to here; by then the router sends in full again
SIGNS_MAX = 4  # guess: signs of life of a victim that met nobody; each waits twice as long as the one before


@frozen
class Unheard:
    """A timer: the call may still not be in the mesh `wait_s` after it was last said."""

    call: CallId
    at: float
    wait_s: float


@frozen
class SignDue:
    """A timer: a victim that met nobody shows that it is there. `count` such signs went before."""

    call: CallId
    at: float
    count: int


def compose_call(  # noqa: PLR0913 (a call has that many fields, each named by its caller)
    secrets: VictimSecrets, *, epoch: int, status: Status, severity: Severity, urgency: Urgency,
    certainty: Certainty, nature: Nature, needs: int, sector: Sector, languages: tuple[int, ...] = (),
    cell: int = 0,
) -> Call:  # fmt: skip
    """The CALL of a case, to be stamped and sealed by the driver; `epoch` counts 600 s since 1970."""
    return Call(
        signer=secrets.call_key.public, epoch=epoch, status=status, severity=severity, urgency=urgency,
        certainty=certainty, nature=nature, needs=needs, sector=sector, languages=tuple(sorted(languages)),
        cell=cell, exchange_key=ExchangeKey(secrets.exchange_seed).public,
    )  # fmt: skip


@define(eq=False)
class Appeal:
    """One call and everything that its victim said in public."""

    frame: Frame = field(repr=False)
    state: CaseState
    command: Command
    listening: Listening
    told: Call | Update = field(init=False, repr=False)
    _said: dict[MessageId, Frame] = field(factory=dict, repr=False)
    _letters: dict[MessageId, Frame] = field(factory=dict, repr=False)  # the newest cells of letters
    _insist_at: float | None = None
    _sign_at: float | None = None

    def __attrs_post_init__(self) -> None:
        assert isinstance(self.frame.message, Call), "an appeal is about a CALL"
        self.told = self.frame.message

    # ------------------------------------------------------------------ saying

    def begin(self) -> list[Action | Publish]:
        """The CALL goes out for the first time."""
        return [keep_call(self.frame), self.state.keep(), Publish(self.frame)]

    def say(self, kind: Any, epoch: int, **said: Any) -> list[Action | Publish]:
        """One further public message."""
        keep, frame = self.command.sign(kind, self.state.call, epoch, **said)
        self.observe(frame)
        return [keep, Publish(frame)]

    def observe(self, frame: Frame) -> None:
        """An own message: just signed, or restored."""
        message = frame.message
        if not isinstance(message, Update | Requisition | Attest | Cancel | AllClear):
            return
        self.command.seen(min(message.sequence, SEQUENCE_MAX))
        # Of UPDATEs and REQUISITIONs the newest alone is worth repeating.
        for known in [f for f in self._said.values() if type(f.message) is type(message)]:
            if isinstance(message, Update | Requisition) and isinstance(known.message, Update | Requisition):
                if known.message.sequence > message.sequence:
                    return
                del self._said[known.id]
        self._said[frame.id] = frame
        if len(self._said) > SAID_MAX:
            del self._said[next(iter(self._said))]
        if isinstance(message, Update):
            self.told = message

    def said_closing(self) -> str | None:
        """How the victim closed the call in public, as far as it got signed."""
        words = [CLOSINGS[type(f.message)] for f in self._said.values() if type(f.message) in CLOSINGS]
        return words[0] if words else None

    def attested(self) -> list[Key]:
        """Everybody whom an ATTEST of ours names."""
        attests = [f.message for f in self._said.values() if isinstance(f.message, Attest)]
        return [key for attest in attests for key in attest.responders]

    def repeat(self, *, letters_too: bool = False) -> list[Action | Publish]:
        """Everything public once more, for a relay that joined; the letters too when another listens now.

        Each time the router learns anew whom a cell must not reach.
        """
        again = [self.frame, *self._said.values()]
        return [Publish(frame) for frame in again + (list(self._letters.values()) if letters_too else [])]

    def insist(self, now: float, wait_s: float = INSIST_FIRST_S) -> list[Action | Publish]:
        """Look again whether the call is heard: a relay that could not take it, or lost it, may take it later."""
        self._insist_at = now + wait_s
        return [SetTimer(Unheard(self.state.call, self._insist_at, wait_s), self._insist_at)]

    def on_unheard(self, due: Unheard, now: float) -> list[Action | Publish]:
        """Say everything again while nobody shows that the call arrived."""
        if due.at != self._insist_at or self.state.heard or self.state.phase is CasePhase.CLOSED:
            return []
        # "Until its call is HEARD or closed, a victim MUST say it again, in the same cell, ever more rarely."
        # (07-dialogue §12)
        return [*self.repeat(), *self.insist(now, min(2 * due.wait_s, INSIST_LAST_S))]

    def attend(self, now: float) -> list[Action | Publish]:
        """From now on look whether the call is heard, and whether anybody comes."""
        return [*self.insist(now), *self.await_company(now)]

    def on_due(self, due: Unheard | SignDue, epoch: int, now: float) -> list[Action | Publish]:
        """A timer of the appeal."""
        return self.on_unheard(due, now) if isinstance(due, Unheard) else self.on_sign_due(due, epoch, now)

    # ------------------------------------------------------------------ signs of life

    def await_company(self, now: float, count: int = 0) -> list[Action | Publish]:
        """Look in a while whether anybody was met."""
        # "half of `progress_online_s` after its CALL, and after twice as long each time" (07-dialogue §7)
        wait_s = TIMINGS[self.told.severity].progress_online_s / 2 * 2**count
        self._sign_at = now + wait_s
        return [SetTimer(SignDue(self.state.call, self._sign_at, count), self._sign_at)]

    def on_sign_due(self, due: SignDue, epoch: int, now: float) -> list[Action | Publish]:
        """Say again what the call says, as an UPDATE: silence would leave those who never came their places."""
        met = any(isinstance(frame.message, Attest) for frame in self._said.values())
        if due.at != self._sign_at or met or self.state.phase is CasePhase.CLOSED:
            return []
        steps: list[Action | Publish] = []
        if self.command.refusal(epoch) is None:
            steps += self.say(Update, epoch, **{name: getattr(self.told, name) for name in REFINABLE})
        return steps if due.count + 1 >= SIGNS_MAX else [*steps, *self.await_company(now, due.count + 1)]

    # ------------------------------------------------------------------ how far it came

    def _enter(self, phase: CasePhase) -> None:
        assert phase in TRANSITIONS[self.state.phase], f"from {self.state.phase} to {phase}"
        self.state.phase = phase

    def on_mesh(self, event: PeerJoined | PeerLeft | Sent | Echoed) -> list[Action | Publish]:
        """A peer came or went, or the router sent or saw one of our messages."""
        match event:
            case PeerJoined():
                changed = self.listening.notice(event)
                # "A victim MUST repeat its CALL, in the same cell, to each relay that joins." (07-dialogue §12)
                return self.repeat(letters_too=changed)
            case PeerLeft():
                return self.repeat(letters_too=True) if self.listening.notice(event) else []
            case Sent(gossip_id=sent, peers=peers):
                return self._on_sent(sent, peers)
            case Echoed(gossip_id=returned, peer=peer):
                if self.listening.believes(peer) and returned == gossip_id(self.frame.cell, canonical=True):
                    return self.heard()
        return []

    def _on_sent(self, sent: bytes, peers: tuple[str, ...]) -> list[Action | Publish]:
        steps = self.repeat(letters_too=True) if self.listening.told(peers) else []
        if sent != gossip_id(self.frame.cell, canonical=True):
            return steps
        news = [peer for peer in peers if peer not in self.state.relays]
        self.state.relays.update(dict.fromkeys(news[: RELAYS_MAX - len(self.state.relays)]))
        if not news:
            return steps
        if self.state.phase is CasePhase.QUEUED:
            self._enter(CasePhase.SENT)
        taken = CallTaken(self.state.call, len(self.state.relays))
        return [self.state.keep(), Tell(taken), *steps]

    def heard(self) -> list[Action | Publish]:
        """The call is in the mesh: it came back from the listener, or somebody speaks about it."""
        # "HEARD means that the CALL came back from the listener, or that a message of another signer about the call was
        # admitted." (07-dialogue §12)
        if self.state.heard or self.state.phase is CasePhase.CLOSED:
            return []
        self.state.heard = True
        self._enter(CasePhase.HEARD)
        return [self.state.keep(), Tell(CallReturned(self.state.call))]

    def close(self, how: str, unix_s: float) -> list[Action | Publish]:
        """The case is over; the row says so before the closing message leaves."""
        self._enter(CasePhase.CLOSED)
        self.state.closed_how, self.state.closed_unix_s = how, max(0, int(unix_s))
        return [self.state.keep()]

    def away_from_listener(self, publish: Publish) -> Publish:
        """The same, kept from the listener."""
        # "Nothing of the case MUST ever be sent to the listener." (07-dialogue §12)
        if isinstance(publish.frame.message, Letter):
            self._letters[publish.frame.id] = publish.frame
            if len(self._letters) > LETTERS_PER_WINDOW:
                del self._letters[next(iter(self._letters))]
        listener = self.listening.listener
        return evolve(publish, avoid=() if listener is None else (listener,))
