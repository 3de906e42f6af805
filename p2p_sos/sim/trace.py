"""What happened in one run: an append-only list of plain tuples `(time, node, kind, *data)`.

Decides nothing. Comes in: records of the world. Goes out: the records that checkers read, and one digest over all.
Times are true time in seconds; nodes and kinds are text, keys and ids are bytes. The kinds:

    heard(call)                                            a node admitted a call
    view(call, lead|None, requisition, roster, helpers, closed|None, attested, board, expired)   what its board says,
        at each change; `board` is a digest of the ids of all messages, cards and convictions that the view follows from
        (registers left out), `expired` one of its Expired: equal pairs must give equal views
    stale-view(call, ...)                                  what it sees is not what its board says now: twice what `view` tells
    follow(call, token)                                    it acts under another token: (requisition, roster)
    sitrep(call, signer, token), refused(call, signer, token)   it took, or refused, a report
    signed(kind, call|b"", signer, id, honest)             a message was seen for the first time anywhere
    claim-at-victim(call, responder), attested(call, responder)   the victim's machine saw a claim; attested contact
    closed(call, how), ended(call, how)                    a board closed the call; its life, or its room, was over
    convicted(key)                                         it holds a PROOF
    held(signer, id)                                       it admitted a message that a liar's key signed
    board(call, fingerprint)                               at the end of the run, every open board of every node that is up
    letter(call, kind)                                     it opened a letter
    asked(call, number), withdrawn(call)                   a person was asked, so often by now; need not answer any more
    fault(name, *arguments), up(life), down(life)          what was done to it
"""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from p2p_sos.core.board.standing import Description
from p2p_sos.wire.messages import CallId, Message, MessageId

Record = tuple[Any, ...]
WORLD = ""  # the node of what happens to nobody in particular


class Trace:
    """The records of one run. `keep` names the kinds that stay in memory, None all; the digest covers every one."""

    def __init__(self, keep: Sequence[str] | None = None) -> None:
        self.records: list[Record] = []
        self.messages: dict[
            MessageId, Message
        ] = {}  # what `signed` tells of; the world puts each in, no digest
        # Which node took which UPDATE for the call's, and since when; no digest.
        self.described: dict[tuple[str, CallId, Description], float] = {}
        self._keep = None if keep is None else frozenset(keep)
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, time_s: float, node: str, kind: str, *data: Any) -> None:
        """One more record."""
        record = (time_s, node, kind, *data)
        self._digest.update(repr(record).encode())
        if self._keep is None or kind in self._keep:
            self.records.append(record)

    def of(self, *kinds: str) -> Iterator[Record]:
        """The records of these kinds, in order."""
        return (record for record in self.records if record[2] in kinds)

    @property
    def digest(self) -> str:
        """All that happened, in one word."""
        return self._digest.hexdigest()
