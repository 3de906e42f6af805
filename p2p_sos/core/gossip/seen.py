"""Which messages were seen, and what became of them.

Comes in: steps of a message id. Goes out: its state. Bounded in time and in entries; must not know a message's
bytes or its forwarders: those stand in `history`, for a shorter time.
"""

from attrs import define, field

from p2p_sos.core.gossip.rpc import GossipId
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.gossip.states import MESSAGE_TRANSITIONS, MessageState, MessageStep

_JUDGED = (MessageState.ACCEPTED, MessageState.IGNORED, MessageState.REJECTED)


@define
class Seen:
    """The state of every message id that is not UNKNOWN."""

    _settings: GossipSettings
    states: dict[GossipId, MessageState] = field(
        factory=dict
    )  # changed here alone; UNKNOWN where nothing stands
    _until: dict[GossipId, float] = field(factory=dict)  # judged ids, oldest first
    _briefly: dict[GossipId, float] = field(factory=dict)  # judged ids that may come again soon

    def __len__(self) -> int:
        return len(self.states)

    def state(self, gossip_id: GossipId) -> MessageState:
        """What this id is to us."""
        return self.states.get(gossip_id, MessageState.UNKNOWN)

    def came(self, gossip_id: GossipId) -> bool:
        """Whether a message was here in full, and its verdict is not forgotten."""
        return self.state(gossip_id) not in (MessageState.UNKNOWN, MessageState.ANNOUNCED)

    def step(self, gossip_id: GossipId, step: MessageStep, now: float, *, briefly: bool = False) -> None:
        """Move an id; `briefly` makes a verdict one that is soon forgotten."""
        state = MESSAGE_TRANSITIONS[self.state(gossip_id), step]
        self._until.pop(gossip_id, None)
        self._briefly.pop(gossip_id, None)
        if state is MessageState.UNKNOWN:
            del self.states[gossip_id]
            return
        self.states[gossip_id] = state
        if briefly:
            self._briefly[gossip_id] = now + self._settings.forgotten_s
        elif state in _JUDGED:
            self._until[gossip_id] = now + self._settings.seen_ttl_s
            # "A reader MUST bound its seen cache, and MUST let the oldest entry go first." (04-gossip §5)
            if len(self._until) > self._settings.seen_max:
                self.step(next(iter(self._until)), MessageStep.FORGET, now)

    def expire(self, now: float) -> None:
        """Forget what is old."""
        for ends in (self._briefly, self._until):
            while ends:
                oldest = next(iter(ends))
                if ends[oldest] > now:
                    break
                self.step(oldest, MessageStep.FORGET, now)
