"""What a run is measured by, whatever its scenario.

Decides what first claim, lead, claims and helpers mean. Comes in: a trace and the facts. Goes out: numbers, None where it
did not happen. The first call of the run is measured.

- `first_claim_s`: from the call to the first claim of an honest node that the victim saw.
- `lead_s`: from the call to the first moment at which every honest node that runs and heard it follows the same lead.
- `two_leads_s`: for how long more than one honest node that runs took itself for the lead.
- `claims`: how many CLAIMs honest nodes signed. `helpers`: places filled in the victim's view at the end.
"""

from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.scenario import Measures
from p2p_sos.sim.trace import Trace
from p2p_sos.wire.messages import Key


def measures(trace: Trace, facts: Facts) -> Measures:
    """The ordinary measures of the first call."""
    told: dict[str, float | None] = dict.fromkeys(
        ("first_claim_s", "lead_s", "claims", "helpers", "recovery_s"), None
    )
    call = next(iter(facts.calls.values()), None)
    if call is None:
        return told
    told["first_claim_s"] = _first_claim_s(trace, facts, call)
    told["lead_s"] = _lead_s(trace, facts, call)
    told["claims"] = sum(r[3] == "CLAIM" and r[4] == call.call and r[7] for r in trace.of("signed"))
    told["two_leads_s"] = _two_leads_s(trace, facts, call)
    told["helpers"] = _helpers(trace, call)
    return told


def _first_claim_s(trace: Trace, facts: Facts, call: CallFacts) -> float | None:
    for at_s, node, _, of, responder in trace.of("claim-at-victim"):
        if of == call.call and node == call.victim and facts.is_honest(responder):
            return float(at_s - call.start_s)
    return None


def _lead_s(trace: Trace, facts: Facts, call: CallFacts) -> float | None:
    leads: dict[str, Key | None] = {}
    for record in trace.of("heard", "view", "down"):
        at_s, node, kind = record[:3]
        if node not in facts.honest:
            continue
        if kind == "down":
            leads.pop(node, None)
        elif record[3] == call.call:
            leads[node] = record[4] if kind == "view" else leads.get(node)
            lead = leads[node]
            if lead is not None and len(leads) > 1 and all(other == lead for other in leads.values()):
                return float(at_s - call.start_s)
    return None


def _two_leads_s(trace: Trace, facts: Facts, call: CallFacts) -> float:
    leading: dict[str, None] = {}
    since, total = call.start_s, 0.0
    for record in trace.of("view", "down"):
        at_s, node, kind = record[:3]
        if len(leading) > 1:
            total += at_s - since
        since = at_s
        if kind == "down":
            leading.pop(node, None)
        elif record[3] == call.call and node in facts.honest:
            if record[4] in facts.keys[node]:
                leading[node] = None
            else:
                leading.pop(node, None)
    return total + (facts.duration_s - since if len(leading) > 1 else 0.0)


def _helpers(trace: Trace, call: CallFacts) -> float | None:
    seen = [r for r in trace.of("view") if r[1] == call.victim and r[3] == call.call]
    return float(seen[-1][7]) if seen else None
