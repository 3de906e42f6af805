"""The two transition tables: closed, connected, and the ones that the code uses."""

import pytest

from p2p_sos.core.gossip.seen import Seen
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.gossip.states import (
    LINK_TRANSITIONS,
    MESSAGE_TRANSITIONS,
    LinkState,
    LinkStep,
    MessageState,
    MessageStep,
)


@pytest.mark.parametrize(
    ("table", "states", "steps", "start"),
    [
        (MESSAGE_TRANSITIONS, MessageState, MessageStep, MessageState.UNKNOWN),
        (LINK_TRANSITIONS, LinkState, LinkStep, LinkState.STRANGER),
    ],
)
def test_every_state_can_be_reached_and_left_and_every_step_is_used(table, states, steps, start):
    """No dead end, no orphan, no word without use."""
    reached, grown = {start: None}, True
    while grown:
        new = [after for (before, _), after in table.items() if before in reached and after not in reached]
        reached.update(dict.fromkeys(new))
        grown = bool(new)
    assert list(states) == [s for s in states if s in reached]
    assert [s for s in states if any(b is s and a is not s for (b, _), a in table.items())] == list(states)
    assert [s for s in steps if any(step is s for _, step in table)] == list(steps)


def test_what_does_not_stand_in_the_table_cannot_happen():
    """A programmer's fault asserts; a message cannot be accepted before it arrives."""
    seen = Seen(GossipSettings())
    with pytest.raises(KeyError):
        seen.step(b"x", MessageStep.ACCEPT, 0.0)


def test_a_forgotten_message_leaves_nothing():
    """UNKNOWN is absence: memory does not grow with what was forgotten."""
    seen = Seen(GossipSettings())
    for number in range(100):
        seen.step(bytes([number]), MessageStep.ANNOUNCE, 0.0)
        seen.step(bytes([number]), MessageStep.FORGET, 0.0)
    assert len(seen) == 0
