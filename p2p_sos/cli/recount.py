"""What a record tells, in the order of time: each message and each line of the log as one sentence.

Comes in: an `Account` whose every part was verified. Goes out: entries. Prints nothing, decides nothing.
"""

from typing import Any, NamedTuple

from p2p_sos.cli.screen import count, short
from p2p_sos.drivers.record import Account
from p2p_sos.wire import messages as m
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.registry import Need
from p2p_sos.wire.vocabulary import word_of, words_of_mask


class Entry(NamedTuple):
    """One thing that happened; `told` is the same for programs."""

    unix_s: int
    kind: str
    sentence: str
    told: dict[str, Any]


def happened(account: Account) -> list[Entry]:
    """Everything, by the exporter's own times; of one second, messages in their signers' order before the log."""
    said = [
        (
            entry.arrived_unix_s,
            0,
            getattr(frame.message, "sequence", 0),
            at,
            _message(frame, entry.arrived_unix_s),
        )
        for at, (frame, entry) in enumerate(zip(account.frames, account.record.entries, strict=True))
    ]
    logged = [(int(line.get("unix_s") or 0), 1, 0, at, _line(line)) for at, line in enumerate(account.lines)]
    return [entry for *_, entry in sorted(said + logged, key=lambda one: one[:4])]


def _message(frame: Frame, unix_s: int) -> Entry:
    kind = frame.message.KIND.name.replace("_", " ")
    sentence = sentence_of(frame.message)
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
            return f"{who} renewed its claim (the last of {message.sequence + 1} times)"
        case m.Card():
            return f"{who} can do {', '.join(words_of_mask(Need, message.skills))}"
        case m.Proof():
            return f"{who} is convicted: it signed what no honest key signs"
    return who
