"""How a victim's case lies on disk: its secrets, its CALL and how far it came.

Decides the rows of `Table.CASE`. Comes in: values, or rows of the last run. Goes out: the other of the two. Must not
know how the rows are encrypted: the case file does that.
"""

from collections.abc import Sequence

from attrs import define, field, frozen

from p2p_sos.core.actions import Forget, Keep
from p2p_sos.core.case.case_view import CasePhase, CaseView
from p2p_sos.core.gossip.rpc import PeerId
from p2p_sos.core.letters.letterbook import ROW_BYTES_MAX
from p2p_sos.core.tables import Table
from p2p_sos.wire.canonical import pack, unpack
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.messages import CallId

SECRETS, CALL, STATE = b"secrets", b"call", b"state"
RELAYS_MAX = 64  # guess: relays that are counted by name
_PHASES = list(CasePhase)

Rows = Sequence[tuple[bytes, bytes]]


@frozen
class VictimSecrets:
    """What makes a case: its signing key, its exchange key's secret (32 bytes), and the sealed situation."""

    call_key: SigningKey = field(repr=False)
    exchange_seed: bytes = field(repr=False)
    situation: str = field(repr=False)


@define
class CaseState:
    """How far one case came; `relays` took the CALL from us."""

    call: CallId
    phase: CasePhase = CasePhase.QUEUED
    heard: bool = False
    closed_how: str = ""
    closed_unix_s: int = 0
    keys_gone: bool = False
    relays: dict[PeerId, None] = field(factory=dict)

    def keep(self) -> Keep:
        """The row of this state."""
        flags = [_PHASES.index(self.phase), int(self.heard), int(self.keys_gone), self.closed_unix_s]
        relays = [relay.encode() for relay in self.relays]
        return Keep(Table.CASE, STATE, pack([self.call, *flags, self.closed_how.encode(), [*relays]]))


def keep_call(frame: Frame) -> Keep:
    """The CALL's cell."""
    return Keep(Table.CASE, CALL, frame.cell)


def case_rows(secrets: VictimSecrets) -> tuple[tuple[bytes, bytes], ...]:
    """The rows of `Table.CASE` that a new case file starts with, to be durable before `VictimCalls`."""
    value = pack([secrets.call_key.seed, secrets.exchange_seed, secrets.situation.encode()])
    return ((SECRETS, value),)


def forget_secrets() -> Forget:
    """The keys of the case are destroyed."""
    return Forget(Table.CASE, SECRETS)


def secrets_of(rows: Rows) -> VictimSecrets | None:
    """The secrets in a case file's rows of `Table.CASE`; None once they were destroyed."""
    match unpack(dict(rows).get(SECRETS, b""), longest=ROW_BYTES_MAX):
        case [bytes(seed), bytes(exchange_seed), bytes(situation)] if len(seed) == len(exchange_seed) == 32:
            return VictimSecrets(SigningKey(seed), exchange_seed, situation.decode("utf-8", "replace"))
    return None


def state_of(rows: Rows) -> CaseState | None:
    """How far the case came; None before the call was made."""
    match unpack(dict(rows).get(STATE, b""), longest=ROW_BYTES_MAX):
        case [
            bytes(call),
            int(phase),
            int(heard),
            int(gone),
            int(unix_s),
            bytes(how),
            [*relays],
        ] if phase < len(_PHASES):
            named = {relay.decode("utf-8", "replace"): None for relay in relays if isinstance(relay, bytes)}
            told = how.decode("utf-8", "replace")
            return CaseState(call, _PHASES[phase], bool(heard), told, unix_s, bool(gone), named)
    return None


def closed_case(rows: Rows) -> CaseView | None:
    """The view of a case that is over for good (keys gone), from its rows of `Table.CASE`; else None.

    Such a case cannot be resumed; its letters stay in the case file, as rows of `Table.SESSION`.
    """
    state = state_of(rows)
    if state is None or not state.keys_gone:
        return None
    return CaseView(
        state.call, state.phase, len(state.relays), state.heard, False, (), (), state.closed_how, True
    )
