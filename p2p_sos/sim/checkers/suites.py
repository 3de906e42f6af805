"""Which checkers belong together: what must hold whatever the faults, and what must happen once they stop.

Decides nothing. Goes out: tuples of checkers. Must not know scenarios.
"""

from p2p_sos.sim.checkers import (
    closing,
    conviction,
    equal_boards,
    first_help,
    healing,
    helped,
    leads,
    livelock,
    one_board_one_view,
    replacement,
    requisition_effect,
    sequences,
    slots,
    stale_actions,
    tokens,
    victim_alone,
)

# Whatever the faults, in every run.
ALWAYS = (
    one_board_one_view.check,
    victim_alone.check,
    closing.check,
    conviction.check,
    tokens.check,
    stale_actions.check,
    slots.check,
    sequences.check,
)
# Where components are synchronous: links deliver within the gossip delay as long as they are open.
SYNCHRONOUS = (
    *ALWAYS,
    leads.check,
    first_help.check,
    replacement.check,
    healing.check,
    requisition_effect.check,
    helped.check,
    livelock.check,
)
# And where the run ends in peace.
PEACEFUL = (*SYNCHRONOUS, equal_boards.check)
