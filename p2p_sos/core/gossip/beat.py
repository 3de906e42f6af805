"""The heartbeat, and what goes out in batches: IHAVE, IWANT, GRAFT and PRUNE.

Comes in: the time. Goes out: everything that the router does of its own accord. Must not know what peers said
since; `memory` does.
"""

from p2p_sos.core.actions import SendRpc, SetTimer
from p2p_sos.core.gossip import control, mesh
from p2p_sos.core.gossip.memory import Memory, RouterAction
from p2p_sos.core.gossip.neighbour import Neighbour
from p2p_sos.core.gossip.pulls import NEVER
from p2p_sos.core.gossip.rpc import GossipId, PeerId, Rpc
from p2p_sos.core.gossip.states import LinkState, LinkStep, MessageStep
from p2p_sos.core.gossip.timers import HeartbeatDue


def started(memory: Memory, now: float) -> list[RouterAction]:
    """The first heartbeat, at a random moment, so that nodes started together do not beat together."""
    memory.beat_at = now + memory.random.uniform(0.1, 1.0) * memory.settings.heartbeat_s
    return [SetTimer(HeartbeatDue(memory.beat), memory.beat_at)]


def heartbeat(memory: Memory, now: float) -> list[RouterAction]:
    """Once a second: forgive, forget, count broken promises, repeat announcements, tend the mesh."""
    actions: list[RouterAction] = []
    settings = memory.settings
    # "A node that was itself late MUST NOT charge anyone for the promises of that time" (04-gossip §9)
    if now - memory.beat_at > settings.heartbeat_s:
        memory.pulls.forgive_all()
    for peer, count in memory.pulls.broken(now).items():
        if (neighbour := memory.neighbours.get(peer)) is not None:
            # "A promise broken MUST be counted against the peer." (04-gossip §9)
            neighbour.behaviour += count
    _forget(memory, now)
    memory.beat += 1
    memory.history.shift()
    for neighbour in memory.neighbours.values():
        if neighbour.dropped:
            continue
        neighbour.allowance = None
        # Most links are lazy, and their peers have done nothing that counts: nothing of them can change.
        if (
            neighbour.eager or neighbour.score or neighbour.first
            or neighbour.invalid or neighbour.behaviour or neighbour.unwanted
        ):  # fmt: skip
            neighbour.beat(settings, now)
            if neighbour.score < settings.graylist_threshold:
                actions.extend(memory.judge(neighbour, now, "broken promises and other faults"))
        # "A node MUST NOT graft a peer before the backoff of a PRUNE is over, and SHOULD wait a heartbeat longer."
        # (04-gossip §6)
        if neighbour.link is LinkState.BACKOFF and neighbour.backoff_until + settings.backoff_slack_s <= now:
            neighbour.step(LinkStep.BACKOFF_OVER, now)
    actions.extend(_announce_again(memory, now))
    actions.extend(_tend_mesh(memory, now))
    memory.beat_at = max(memory.beat_at + settings.heartbeat_s, now)
    actions.append(SetTimer(HeartbeatDue(memory.beat), memory.beat_at))
    return actions


def _forget(memory: Memory, now: float) -> None:
    for gossip_id in memory.pulls.expire(now):
        memory.seen.step(gossip_id, MessageStep.FORGET, now)
    # "A message whose verdict does not come MUST be forgotten." (04-gossip §4)
    for gossip_id in memory.history.overdue(now):
        memory.history.drop(gossip_id)
        memory.seen.step(gossip_id, MessageStep.FORGET, now)
    memory.seen.expire(now)
    while memory.records:
        oldest = next(iter(memory.records))
        if now - memory.records[oldest].left_at < memory.settings.score_memory_s:
            break
        del memory.records[oldest]


def _announce_again(memory: Memory, now: float) -> list[RouterAction]:
    """Repeat IHAVE at growing ages, to all who did not show that they hold the message."""
    settings = memory.settings
    for beats in settings.announce_again_beats:
        for entry in memory.history.of_age(beats):
            gossip_id, holders = entry.carried.id, entry.holders
            for peer, neighbour in memory.neighbours.items():
                if peer not in holders and neighbour.subscribed:
                    neighbour.queue[gossip_id] = None
                    if len(neighbour.queue) > settings.announce_queue_max:
                        memory.shorten(neighbour)
    waits = memory.announce_at == NEVER and any([n.queue for n in memory.neighbours.values()])
    return memory.announce_soon(now) if waits else []


def _tend_mesh(memory: Memory, now: float) -> list[RouterAction]:
    settings = memory.settings
    made = mesh.plan(tuple(memory.neighbours.values()), settings, memory.random, now)
    actions: list[RouterAction] = []
    graft = Rpc(graft=(settings.topic,))
    for neighbour in made.graft:
        neighbour.step(LinkStep.GRAFT, now)
        neighbour.chosen = True
        actions.append(SendRpc(neighbour.peer, graft))
    actions.extend(control.refuse(memory, neighbour, now) for neighbour in made.prune)
    return actions


def announce(memory: Memory, now: float) -> list[RouterAction]:
    """One IHAVE to each peer that has ids waiting."""
    memory.announce_at = NEVER
    settings = memory.settings
    shared: dict[tuple[GossipId, ...], Rpc] = {}  # equal frames are one object, so that they are encoded once
    actions: list[RouterAction] = []
    left = False
    for neighbour in memory.neighbours.values():
        if not neighbour.queue or not neighbour.subscribed:
            continue
        if neighbour.score < settings.gossip_threshold:
            neighbour.queue.clear()
            continue
        # "A writer MUST NOT send more than ten IHAVE frames to one peer in one heartbeat." (04-gossip §7)
        used = neighbour.allowance or neighbour.used
        if used.announced_frames >= settings.announce_frames_max:
            continue
        # "A writer SHOULD NOT announce more to one peer in two heartbeats than it serves in one." (04-gossip §7)
        most = min(settings.announce_ids_max, settings.announce_beat_ids_max - used.announced_ids)
        ids = _next_ids(memory, neighbour, max(0, most))
        if ids:
            used.announced_frames += 1
            used.announced_ids += len(ids)
            if neighbour.served:
                neighbour.owe(ids)
            rpc = shared.get(ids)
            if rpc is None:
                rpc = shared[ids] = Rpc(ihave=((settings.topic, ids),))
            actions.append(SendRpc(neighbour.peer, rpc))
        left = left or bool(neighbour.queue)
    if left:
        actions.extend(memory.announce_soon(now))
    return actions


def _next_ids(memory: Memory, neighbour: Neighbour, most: int) -> tuple[GossipId, ...]:
    taken, neighbour.queue = neighbour.queue, {}
    if len(taken) > most:
        in_order = list(taken)
        taken, neighbour.queue = dict.fromkeys(in_order[:most]), dict.fromkeys(in_order[most:])
    peer, entries, own = neighbour.peer, memory.history.entries, memory.own
    ids: list[GossipId] = []
    for gossip_id in taken:
        entry = entries.get(gossip_id)
        if entry is not None and peer in entry.holders:
            continue
        # "A message MUST NOT be sent or announced to a peer that its publisher avoids." (04-gossip §4)
        if gossip_id not in own or not memory.avoids(gossip_id, peer):
            ids.append(gossip_id)
    return tuple(ids)


def ask(memory: Memory, now: float) -> list[RouterAction]:
    """IWANT to the nearest announcers of what is missing."""
    memory.want_at = NEVER
    settings = memory.settings

    def distance_s(peer: PeerId) -> float:
        neighbour = memory.neighbours.get(peer)
        if neighbour is None or neighbour.dropped or neighbour.score < settings.gossip_threshold:
            return NEVER
        return neighbour.distance_s(settings)

    # "A node MUST ask the nearest announcer first, and the next one after a round trip and 5 ms." (04-gossip §7)
    asks = memory.pulls.ask(now, distance_s, memory.random)
    actions: list[RouterAction] = [SendRpc(peer, Rpc(iwant=tuple(ids))) for peer, ids in asks.items()]
    return [*actions, *memory.want_soon()]
