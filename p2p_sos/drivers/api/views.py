"""What the local API shows of a node and of a case, as JSON objects.

In come the core's read-only values. Out go dictionaries of plain JSON: ids and keys as hex, enumerations as the words of
the registry. Decides nothing but the shape.
"""

from typing import Any

from p2p_sos.core.board.resolve import Description, View
from p2p_sos.core.calls.calls import CallRecord
from p2p_sos.core.case.case_view import CaseView, Helper
from p2p_sos.core.gossip.neighbour import PeerView
from p2p_sos.core.letters.letterbook import LetterRecord
from p2p_sos.drivers.api.notices import plain
from p2p_sos.drivers.cells import show_cell
from p2p_sos.wire.messages import Key, Sitrep
from p2p_sos.wire.registry import TIMINGS, Need
from p2p_sos.wire.vocabulary import language_word, word_of, words_of_mask

Json = dict[str, Any]
SHORT_DIGITS = 8


def class_of(description: Description) -> str:
    """S1 to S4."""
    timing = TIMINGS[description.severity]
    return timing.name


def described(description: Description) -> Json:
    """What a call asks for."""
    return {
        "status": word_of(description.status),
        "severity": word_of(description.severity),
        "class": class_of(description),
        "urgency": word_of(description.urgency),
        "certainty": word_of(description.certainty),
        "nature": word_of(description.nature),
        "needs": list(words_of_mask(Need, description.needs)),
        "sector": word_of(description.sector),
        "languages": [language_word(code) for code in description.languages],
        "cell": show_cell(description.cell),
    }


def summary(record: CallRecord, own: Key | None = None) -> Json:
    """One call in a list; `leading` says whether this node leads its helpers."""
    view = record.view
    return {
        "id": view.call.hex(),
        "short": view.call.hex()[:SHORT_DIGITS],
        **described(view.description),
        "state": record.state.value,
        "mine": record.mine,
        "heard_unix_s": record.heard_unix_s,
        "claims": len(view.claims),
        "helpers": len(view.helpers),
        "attested": sum(claim.attested for claim in view.claims),
        "lead": None if view.lead is None else view.lead.hex(),
        "leading": own is not None and view.lead == own,
    }


def full(
    record: CallRecord, letters: tuple[LetterRecord, ...], own: Key | None, report: Sitrep | None = None
) -> Json:
    """One call with who answers it, and the letters of this node."""
    told = {**standing(record.view, report), "letters": [letter(one, own) for one in letters]}
    return {**summary(record, own), "standing": told}


def standing(view: View, report: Sitrep | None = None) -> Json:
    """Who answers a call, whom the victim named, who leads, and what the lead reported last."""
    requisition, roster = view.requisition, view.roster
    return {
        "claims": [
            {
                "responder": claim.responder.hex(),
                "claim": claim.claim.hex(),
                "manner": word_of(claim.manner),
                "attested": claim.attested,
                "complied": claim.complied,
                "dismissed": claim.dismissed,
                "silent": claim.silent,
                "overdue": claim.overdue,
                "void": claim.void,
                "counts": claim.counts,
                "tier": -claim.fitness[0],
                "member": roster is not None and claim.responder in roster.members,
            }
            for claim in view.claims
        ],
        "declines": [_said_no(entry) for entry in view.declines],
        "releases": [_said_no(entry) for entry in view.releases],
        "lead": None if view.lead is None else view.lead.hex(),
        "under": under(view),
        "token": {"requisition": view.token[0], "roster": view.token[1].hex()},
        "sitrep": None if report is None else sitrep(report),
        "closed": view.closed,
        "requisition": None
        if requisition is None
        else {
            "sequence": requisition.sequence,
            "lead": requisition.lead.hex(),
            "members": plain(requisition.members),
            "complied": plain(requisition.complied),
            "effective": requisition.effective,
        },
        "roster": None
        if roster is None
        else {
            "id": roster.roster.hex(),
            "lead": roster.lead.hex(),
            "members": plain(roster.members),
            "epoch": roster.epoch,
            "cause": word_of(roster.cause),
        },
    }


def under(view: View) -> str:
    """Under what the lead leads: the victim's requisition, the helpers' own roster, or "" where nobody leads."""
    if view.lead is None:
        return ""
    return "roster" if view.roster is not None and view.roster.lead == view.lead else "requisition"


def sitrep(report: Sitrep) -> Json:
    """What a lead reported; `alive`: the members that it heard."""
    return {
        "responder": report.signer.hex(),
        "status": word_of(report.status),
        "phase": word_of(report.phase),
        "alive": plain(report.alive),
        "number": report.sequence,
    }


def _said_no(entry: Any) -> Json:
    return {
        "responder": entry.responder.hex(),
        "reason": word_of(entry.reason),
        "detail": word_of(entry.detail),
    }


def letter(record: LetterRecord, own: Key | None) -> Json:
    """One letter; `from` and `to` are keys."""
    mine = "" if own is None else own.hex()
    other = record.correspondent.hex()
    outward = record.direction == "out"
    return {
        "direction": record.direction,
        "correspondent": other,
        "from": mine if outward else other,
        "to": other if outward else mine,
        "kind": word_of(record.kind),
        "number": record.number,
        "text": record.text,
        "delivered": record.delivered,
    }


def peer(view: PeerView) -> Json:
    """One peer."""
    return {
        "peer": view.peer,
        "outbound": view.outbound,
        "protocol": view.protocol,
        "score": plain(view.score),
        "round_trip_s": view.round_trip_s,
        "in_mesh": view.in_mesh,
    }


def case(view: CaseView, own: Key) -> Json:
    """The victim's case."""
    return {
        "id": view.call.hex(),
        "short": view.call.hex()[:SHORT_DIGITS],
        "phase": view.phase.value,
        "relays": view.relays_taken,
        "heard": view.heard,
        "listener": view.listener,
        "claims": [_helper(helper) for helper in view.helpers],
        "letters": [letter(one, own) for one in view.letters],
        "closed": view.closed_how,
        "keys_gone": view.keys_gone,
    }


def _helper(helper: Helper) -> Json:
    return {
        "number": helper.number,
        "responder": helper.responder.hex(),
        "claimed": helper.claimed,
        "manner": word_of(helper.manner),
        "attested": helper.attested,
        "decision": helper.decision,
        "introduction": helper.introduction,
        "released": helper.released,
        "complied": helper.complied,
    }
