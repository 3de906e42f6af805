"""Who stood down, and counted: a measure for scenarios in which that must not close a call, or hardly could.

Decides which groups' words were worth anything. Comes in: a trace and the facts. Goes out: a number. It counts what was signed
anywhere, and asks nobody's board.
"""

from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import Attest, Key


def attested_groups(trace: Trace, facts: Facts, call: CallFacts) -> float:
    """How many groups that a root vouches for had somebody stand down whom V had attested by then, or `stand_down_f` + 1 other groups."""
    met: dict[Key, None] = {}
    by_others: dict[Key, dict[bytes, None]] = {}
    found: dict[bytes, None] = {}
    enough = call.timing.stand_down_f + 1
    for record in trace.of("signed"):
        signer, message = record[5], trace.messages.get(record[6])
        if record[4] != call.call or not (record[7] or not facts.is_honest(signer)):
            continue
        if isinstance(message, Attest) and signer == call.victim_key:
            met |= dict.fromkeys(message.responders)
        elif isinstance(message, Attest) and signer in facts.rooted:
            for responder in message.responders:
                if facts.groups[signer] != facts.groups.get(responder):
                    by_others.setdefault(responder, {})[facts.groups[signer]] = None
        counts = signer in met or len(by_others.get(signer, {})) >= enough
        if record[3] == "STAND_DOWN" and signer in facts.rooted and counts:
            found[facts.groups[signer]] = None
    return float(len(found))
