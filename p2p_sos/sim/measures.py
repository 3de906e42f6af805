"""What a run is measured by, whatever its scenario.

Decides what first claim, lead, claims and helpers mean. Comes in: a trace and the facts. Goes out: numbers, None where it
did not happen. The first call of the run is measured.

- `first_claim_s`: from the call to the first claim of an honest node that the victim saw.
- `lead_s`: from the call to the first moment at which every honest node that runs, the victim too, follows the same lead.
- `two_leads_s`: for how long, all in all, more than one honest node that runs took itself for the lead.
- `claims`: how many CLAIMs honest nodes signed. `helpers`: places filled in the victim's view at the end;
  `helpers_fewest` and `helpers_most`: ever since there was a lead, and Δ for what was on its way then.
"""

from p2p_sos.sim.facts import CallFacts, Facts
from p2p_sos.sim.following import agreements, first_s, rivals_s, stretches
from p2p_sos.sim.scenario import Measures
from p2p_sos.sim.trace import Trace


def measures(trace: Trace, facts: Facts) -> Measures:
    """The ordinary measures of the first call."""
    told: dict[str, float | None] = dict.fromkeys(
        ("first_claim_s", "lead_s", "claims", "helpers", "recovery_s"), None
    )
    call = next(iter(facts.calls.values()), None)
    if call is None:
        return told
    told["first_claim_s"] = _first_claim_s(trace, facts, call)
    seen = stretches(trace, facts, call.call)
    told["lead_s"] = first_s(agreements(seen), call.start_s)
    told["claims"] = sum(r[3] == "CLAIM" and r[4] == call.call and r[7] for r in trace.of("signed"))
    told["two_leads_s"] = rivals_s(seen)
    led_s = told["lead_s"]
    # A claim that was made before there was a lead may be on its way for a while.
    told |= _helpers(trace, call, None if led_s is None else call.start_s + led_s + facts.delta_s)
    return told


def _first_claim_s(trace: Trace, facts: Facts, call: CallFacts) -> float | None:
    for at_s, node, _, of, responder in trace.of("claim-at-victim"):
        if of == call.call and node == call.victim and facts.is_honest(responder):
            return float(at_s - call.start_s)
    return None


def _helpers(trace: Trace, call: CallFacts, since_s: float | None) -> dict[str, float | None]:
    seen = [(r[0], float(r[7])) for r in trace.of("view") if r[1] == call.victim and r[3] == call.call]
    if not seen:
        return {}
    told: dict[str, float | None] = {"helpers": seen[-1][1]}
    if since_s is not None:
        standing = [helpers for at_s, helpers in seen if at_s <= since_s][-1:]
        then = standing + [helpers for at_s, helpers in seen if at_s > since_s]
        told |= {"helpers_fewest": min(then), "helpers_most": max(then)}
    return told
