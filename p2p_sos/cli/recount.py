"""What a record tells, in the order of time: each message and each line of the log as one sentence.

Comes in: an `Account` whose every part was verified. Goes out: entries. Prints nothing, decides nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from p2p_sos.cli.screen import count, short
from p2p_sos.core.calls.herald import differs
from p2p_sos.drivers.record import Account
from p2p_sos.wire import messages as m
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.registry import Kind, Need
from p2p_sos.wire.vocabulary import word_of, words_of_mask

COURSE = (
    Kind.CALL, Kind.CARD, Kind.CLAIM, Kind.DECLINE, Kind.RENEW, Kind.UPDATE, Kind.ATTEST, Kind.REQUISITION, Kind.COMPLY,
    Kind.HANDOVER, Kind.ROSTER, Kind.SITREP, Kind.RELEASE, Kind.STAND_DOWN, Kind.PROOF, Kind.CANCEL, Kind.ALL_CLEAR,
)  # fmt: skip
IDLE = "the victim shows that it is there; it says what it said before"


class Entry(NamedTuple):
    """One thing that happened; `told` is the same for programs."""

    unix_s: int
    kind: str
    sentence: str
    told: dict[str, Any]


def happened(account: Account) -> list[Entry]:
    """Everything, by the exporter's own times; of one second, messages as one follows from the other, then the log."""
    ranks, idle = _ranks(account), _idle(account.frames)
    said = [
        (entry.arrived_unix_s, 0, ranks[frame.id], _sequence(frame), at,
         _message(frame, entry.arrived_unix_s, idle=frame.id in idle))
        for at, (frame, entry) in enumerate(zip(account.frames, account.record.entries, strict=True))
    ]  # fmt: skip
    logged = [
        (int(line.get("unix_s") or 0), 1, 0, 0, at, _line(line)) for at, line in enumerate(account.lines)
    ]
    return [entry for *_, entry in sorted(said + logged, key=lambda one: one[:5])]


def _sequence(frame: Frame) -> int:
    return getattr(frame.message, "sequence", 0)


def _ranks(account: Account) -> dict[m.MessageId, int]:
    """The place of each message in its second: by its kind, and never before what its signer said earlier."""
    ranks: dict[m.MessageId, int] = {}
    reached: dict[tuple[int, m.Key, Kind | None], int] = {}
    for frame, entry in sorted(
        zip(account.frames, account.record.entries, strict=True), key=lambda one: _sequence(one[0])
    ):
        kind = frame.message.KIND
        counts_alone = isinstance(frame.message, m.Register) or not hasattr(frame.message, "sequence")
        series = (entry.arrived_unix_s, frame.message.signer, kind if counts_alone else None)
        ranks[frame.id] = reached[series] = max(COURSE.index(kind), reached.get(series, 0))
    return ranks


def _idle(frames: Sequence[Frame]) -> dict[m.MessageId, None]:
    """The UPDATEs that say what was said before them: the victim's program shows that it is there."""
    idle: dict[m.MessageId, None] = {}
    before = frames[0].message
    for frame in sorted(frames, key=_sequence):
        if isinstance(frame.message, m.Update):
            if not differs(frame.message, before):
                idle[frame.id] = None
            before = frame.message
    return idle


def _message(frame: Frame, unix_s: int, *, idle: bool) -> Entry:
    kind = frame.message.KIND.name.replace("_", " ")
    sentence = IDLE if idle else sentence_of(frame.message)
    told = {
        "unix_s": unix_s,
        "kind": kind,
        "signer": frame.message.signer.hex(),
        "id": frame.id.hex(),
        "sentence": sentence,
    }
    return Entry(unix_s, kind, sentence, told)


def _line(line: dict[str, Any]) -> Entry:
    unix_s = int(line.get("unix_s") or 0)
    why = ", ".join(str(line[name]) for name in ("reason", "detail", "why") if line.get(name))
    sentence = f"{line.get('number')}: {line.get('decision')}" + (f" ({why})" if why else "")
    return Entry(unix_s, "log", sentence, {"unix_s": unix_s, "kind": "log", "line": line})


def _names(keys: tuple[bytes, ...]) -> str:
    return ", ".join(short(key.hex()) for key in keys) or "nobody"


def sentence_of(message: m.Message) -> str:
    """One message in plain words."""
    who = short(message.signer.hex())
    match message:
        case m.Call():
            needs = ", ".join(words_of_mask(Need, message.needs))
            return f"{word_of(message.severity)}, {word_of(message.nature)}; needs {needs} ({word_of(message.status)})"
        case m.Update():
            return f"the victim tells more: {word_of(message.severity)}, {word_of(message.nature)}"
        case m.Cancel():
            return "the victim withdraws, without blame"
        case m.AllClear():
            return "the victim says that it is over"
        case m.Attest():
            return f"{who} attests contact with {_names(message.responders)}"
        case m.Requisition():
            return f"the victim names {_names((message.lead,))} lead, with {_names(message.members)}"
        case m.Claim():
            return f"{who} answers, {'by a person' if message.manner.name == 'PERSON' else 'automatically'}"
        case m.Decline() | m.Release():
            how = "does not come" if isinstance(message, m.Decline) else "comes no longer"
            return f"{who} {how} ({word_of(message.reason)}, {word_of(message.detail)})"
        case m.Comply():
            return f"{who} takes the place it was named for"
        case m.Roster():
            others = tuple(member for member in message.members if member != message.signer)
            return f"{who} leads, with {_names(others)} ({word_of(message.cause)})"
        case m.Sitrep():
            heard = count(len(message.alive), "member")
            return f"{who} reports {word_of(message.status)}, {word_of(message.phase)}; {heard} heard"
        case m.Handover():
            return f"{who} hands over to {_names((message.successor,)) if any(message.successor) else 'nobody in particular'}"
        case m.StandDown():
            return f"{who} believes that it is over"
        case m.Renew():
            times = message.sequence + 1
            return f"{who} renewed its claim" + (f" (the last of {times} times)" if times > 1 else "")
        case m.Card():
            return f"{who} can do {', '.join(words_of_mask(Need, message.skills))}"
        case m.Proof():
            return f"{who} is convicted: it signed what no honest key signs"
    return who
