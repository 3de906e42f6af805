"""Messages in full: arriving, judged, our own, and who gets them.

Comes in: messages, verdicts, our own messages. Goes out: `Examine`, `SendRpc`, `Sent`, `Echoed`. Must not know
what a message says.
"""

from p2p_sos.core.actions import SendRpc
from p2p_sos.core.gossip.history import Entry
from p2p_sos.core.gossip.memory import Memory, Own, RouterAction
from p2p_sos.core.gossip.neighbour import Neighbour
from p2p_sos.core.gossip.rpc import Carried, GossipId, PeerId, Rpc
from p2p_sos.core.gossip.states import MessageState, MessageStep
from p2p_sos.core.internal import Broadcast, Examine, Judged, Release, Sent, Verdict
from p2p_sos.wire.refusals import Reason

ON_TIME_S = 2.0  # a link that brings a message so long after the first one still brought it (P3; spec 1.1)
_MAY_COME_AGAIN = (Reason.BUDGET, Reason.ORPHAN)
_NEW = (MessageState.UNKNOWN, MessageState.ANNOUNCED)


def arrived(memory: Memory, neighbour: Neighbour, carried: Carried, now: float) -> list[RouterAction]:
    """A message in full, from a peer."""
    # "A reader MUST reject a message that is not canonical, or of another topic, and MUST NOT remember its id."
    # (04-gossip §3)
    if carried.topic != memory.settings.topic:
        return memory.punish(neighbour, now, "messages of another topic", invalid=1.0)
    if not carried.canonical:
        return memory.punish(neighbour, now, "messages that are not canonical", invalid=1.0)
    state = memory.seen.state(carried.id)
    if state in _NEW:
        return _new(memory, neighbour, carried, now)
    if state is MessageState.REJECTED:
        return memory.punish(neighbour, now, "invalid messages", invalid=1.0)
    entry = memory.history.get(carried.id)
    if entry is not None:
        held(entry, neighbour, now)
        entry.forwarders[neighbour.peer] = None
    return memory.echo(carried.id, neighbour) if carried.id in memory.own else []


def held(entry: Entry, neighbour: Neighbour, now: float) -> None:
    """A peer turns out to hold a message."""
    if neighbour.peer in entry.holders:
        return
    entry.holders[neighbour.peer] = None
    if entry.accepted and neighbour.eager and now - entry.accepted_at <= ON_TIME_S:
        neighbour.brought += 1


def _new(memory: Memory, neighbour: Neighbour, carried: Carried, now: float) -> list[RouterAction]:
    memory.pulls.arrived(carried.id)
    # "Overload MUST NOT be counted as a peer's fault." (04-gossip §8)
    if memory.history.pending >= memory.settings.pending_max:
        if memory.seen.state(carried.id) is MessageState.ANNOUNCED:
            memory.seen.step(carried.id, MessageStep.FORGET, now)
        return []
    memory.seen.step(carried.id, MessageStep.ARRIVE, now)
    entry = Entry(carried, now)
    entry.forwarders[neighbour.peer] = entry.holders[neighbour.peer] = None
    memory.history.await_verdict(entry)
    return [*_spare_us(memory, neighbour, carried), Examine(carried, neighbour.peer)]


def _spare_us(memory: Memory, neighbour: Neighbour, carried: Carried) -> list[RouterAction]:
    """IDONTWANT to the mesh, when messages are large and queues are long."""
    settings = memory.settings
    waiting_bytes = settings.idontwant_waiting_bytes
    if waiting_bytes is None or memory.waiting_bytes < waiting_bytes:
        return []
    if len(carried.data) < settings.idontwant_bytes_min:
        return []
    # "IDONTWANT MUST go to mesh links of version 1.2 alone, and not to the peer that sent the message." (04-gossip §7)
    rpc = Rpc(idontwant=(carried.id,))
    return [
        SendRpc(n.peer, rpc)
        for n in memory.neighbours.values()
        if n.eager and n is not neighbour and n.takes_idontwant
    ]


def judged(memory: Memory, event: Judged, now: float) -> list[RouterAction]:
    """A verdict on a message that waits for it."""
    gossip_id = event.gossip_id
    if memory.seen.state(gossip_id) is not MessageState.PENDING:
        return []
    entry = memory.history.get(gossip_id)
    assert entry is not None, "what is pending is in the history"
    match event.verdict:
        case Verdict.ACCEPT:
            memory.seen.step(gossip_id, MessageStep.ACCEPT, now)
            return _forward(memory, entry, now)
        case Verdict.IGNORE:
            # "A message ignored for want of room or of its call MUST be forgotten soon, so that it may come again."
            # (04-gossip §4)
            soon = event.refusal is not None and event.refusal.reason in _MAY_COME_AGAIN
            memory.seen.step(gossip_id, MessageStep.IGNORE, now, briefly=soon)
            memory.history.drop(gossip_id)
            return []
        case Verdict.REJECT:
            memory.seen.step(gossip_id, MessageStep.REJECT, now)
            memory.history.drop(gossip_id)
            return _blame(memory, entry, now)


def _blame(memory: Memory, entry: Entry, now: float) -> list[RouterAction]:
    actions: list[RouterAction] = []
    # "Every peer that sent the message before its verdict MUST be charged." (04-gossip §4)
    for peer in entry.forwarders:
        if (neighbour := memory.neighbours.get(peer)) is not None and not neighbour.dropped:
            actions.extend(memory.punish(neighbour, now, "invalid messages", invalid=1.0))
    return actions


def _forward(memory: Memory, entry: Entry, now: float) -> list[RouterAction]:
    settings = memory.settings
    memory.history.accept(entry, now)
    gossip_id, holders, rpc = entry.carried.id, entry.holders, entry.rpc
    # Nobody brought what was released here, so no link failed to.
    first = memory.neighbours.get(next(iter(entry.forwarders), ""))
    if first is not None:
        first.first = min(settings.first_max, first.first + 1.0)
    actions: list[RouterAction] = []
    lazy = False
    for peer, neighbour in memory.neighbours.items():
        holds, eager = peer in holders, neighbour.eager
        if eager and entry.forwarders:
            neighbour.expect(holds, settings)
        if holds or not neighbour.subscribed or gossip_id in neighbour.unwanted:
            continue
        # "An accepted message MUST go at once, in full, to every mesh link that is not known to hold it." (04-gossip §4)
        if eager and neighbour.waiting_bytes < settings.lazy_waiting_bytes:
            entry.sent[peer] = None
            actions.append(SendRpc(peer, rpc))
        else:
            lazy = True
            neighbour.queue[gossip_id] = None
            if len(neighbour.queue) > settings.announce_queue_max:
                memory.shorten(neighbour)
    if lazy:
        actions.extend(memory.announce_soon(now))
    return actions


def released(memory: Memory, event: Release, now: float) -> list[RouterAction]:
    """A message that came out of gossip's sight waits for its verdict like any other; only, no peer brought it."""
    gossip_id = event.gossip_id
    if memory.seen.state(gossip_id) not in _NEW or memory.history.pending >= memory.settings.pending_max:
        return []
    memory.pulls.arrived(gossip_id)
    memory.seen.step(gossip_id, MessageStep.ARRIVE, now)
    entry = Entry(Carried(gossip_id, event.data, memory.settings.topic), now)
    memory.history.await_verdict(entry)
    return [Examine(entry.carried, "")]


def published(memory: Memory, event: Broadcast, now: float) -> list[RouterAction]:
    """A message of our own; again, when it was told before."""
    gossip_id = event.gossip_id
    own = memory.own.setdefault(gossip_id, Own())
    own.avoid = dict.fromkeys(event.avoid)
    for peer in event.avoid:
        if (avoided := memory.neighbours.get(peer)) is not None:
            avoided.queue.pop(gossip_id, None)
    if len(memory.own) > memory.settings.own_max:
        del memory.own[next(iter(memory.own))]
    memory.pulls.arrived(gossip_id)
    memory.seen.step(gossip_id, MessageStep.PUBLISH, now)
    entry = memory.history.get(gossip_id)
    if entry is None:
        entry = Entry(Carried(gossip_id, event.data, memory.settings.topic), now)
    entry.own = True
    memory.history.accept(entry, now)
    # "Said again, it is announced to those that got it in full and did not show that they hold it." (04-gossip §4)
    silent = [n for n in memory.neighbours.values() if n.peer in entry.sent and n.peer not in entry.holders]
    for neighbour in silent:
        neighbour.served.pop(gossip_id, None)  # it may have had no room each time that it asked
        memory.enqueue(neighbour, gossip_id)
    again = memory.announce_soon(now) if silent else []
    return [*flood(memory, entry, tuple(memory.neighbours.values())), *again]


def flood(memory: Memory, entry: Entry, neighbours: tuple[Neighbour, ...]) -> list[RouterAction]:
    """Send our own message to all of these that may have it and do not."""
    gossip_id = entry.carried.id
    sent: list[PeerId] = []
    for neighbour in neighbours:
        peer = neighbour.peer
        if not neighbour.subscribed or peer in entry.holders:
            continue
        # "A message MUST NOT be sent or announced to a peer that its publisher avoids." (04-gossip §4)
        if memory.avoids(gossip_id, peer) or neighbour.score < memory.settings.publish_threshold:
            continue
        if peer in entry.sent:
            continue
        entry.sent[peer] = None
        sent.append(peer)
    # "A node's own message MUST go to every subscribed peer above the publish threshold." (04-gossip §4)
    actions: list[RouterAction] = [SendRpc(peer, entry.rpc) for peer in sent]
    if sent:
        actions.append(Sent(gossip_id, tuple(sorted(sent))))
    return actions


def served(memory: Memory, neighbour: Neighbour, ids: list[GossipId]) -> list[RouterAction]:
    """Answer an IWANT: messages in frames of bounded size."""
    settings = memory.settings
    frames: list[list[Carried]] = [[]]
    size_bytes, own = 0, []
    for gossip_id in ids:
        carried = _held(memory, gossip_id)
        if carried is None or memory.avoids(gossip_id, neighbour.peer):
            continue
        if neighbour.used.iwant_bytes + len(carried.data) > settings.iwant_bytes_max:
            break
        neighbour.used.iwant_bytes += len(carried.data)
        if frames[-1] and size_bytes + len(carried.data) > settings.frame_bytes_max:
            frames.append([])
            size_bytes = 0
        size_bytes += len(carried.data)
        frames[-1].append(carried)
        if gossip_id in memory.own:
            own.append(gossip_id)
        if (entry := memory.history.get(gossip_id)) is not None:
            entry.sent[neighbour.peer] = None
    actions: list[RouterAction] = [SendRpc(neighbour.peer, Rpc(messages=tuple(f))) for f in frames if f]
    actions.extend(Sent(gossip_id, (neighbour.peer,)) for gossip_id in own)
    return actions


def _held(memory: Memory, gossip_id: GossipId) -> Carried | None:
    entry = memory.history.get(gossip_id)
    if entry is not None:
        return entry.carried if entry.accepted else None
    data = memory.lookup(gossip_id)
    return None if data is None else Carried(gossip_id, data, memory.settings.topic)
