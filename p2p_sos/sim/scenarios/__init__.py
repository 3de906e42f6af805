"""Every scenario, by name. A module of scenarios names its own in `SCENARIOS`; here they are put together."""

from p2p_sos.sim.scenario import Scenario
from p2p_sos.sim.scenarios import (
    basic,
    chaos,
    days,
    faults,
    faults_calls,
    gossip,
    liars,
    people,
    silence,
    stem,
)

MODULES = (basic, chaos, faults, days, silence, faults_calls, gossip, liars, stem, people)
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for module in MODULES for scenario in module.SCENARIOS
}
