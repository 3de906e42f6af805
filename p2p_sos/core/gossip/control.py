"""What peers say about messages and links: subscriptions, IHAVE, IWANT, IDONTWANT, GRAFT and PRUNE.

Comes in: the control part of an RPC. Goes out: answers. Decides what a peer may ask of us, and how often.
"""

from p2p_sos.core.actions import SendRpc
from p2p_sos.core.gossip import traffic
from p2p_sos.core.gossip.memory import Memory, RouterAction
from p2p_sos.core.gossip.neighbour import Neighbour
from p2p_sos.core.gossip.rpc import GossipId, Prune, Rpc, Subscription
from p2p_sos.core.gossip.states import LinkState, LinkStep, MessageState, MessageStep

ID_BYTES = 20


def subscriptions(
    memory: Memory, neighbour: Neighbour, changes: tuple[Subscription, ...], now: float
) -> list[RouterAction]:
    """A peer joins or leaves topics; ours alone matters."""
    actions: list[RouterAction] = []
    for change in changes:
        neighbour.used.subscriptions += 1
        if change.topic != memory.settings.topic:
            continue
        if neighbour.used.subscriptions > memory.settings.subscriptions_max:
            break
        if not change.subscribe:
            neighbour.step(LinkStep.UNSUBSCRIBE, now)
        elif not neighbour.subscribed:
            actions.extend(_subscribed(memory, neighbour, now))
    return actions


def _subscribed(memory: Memory, neighbour: Neighbour, now: float) -> list[RouterAction]:
    neighbour.step(LinkStep.SUBSCRIBE, now)
    if neighbour.backoff_until > now:
        neighbour.step(LinkStep.PRUNE, now)
    actions: list[RouterAction] = []
    # "To a peer that subscribes, a node SHOULD announce every message of its cache." (04-gossip §7)
    for gossip_id in memory.history.accepted:
        entry = memory.history.get(gossip_id)
        if entry is None or neighbour.peer in entry.holders or memory.avoids(gossip_id, neighbour.peer):
            continue
        if entry.own and not entry.sent:
            actions.extend(traffic.flood(memory, entry, (neighbour,)))
        else:
            memory.enqueue(neighbour, gossip_id)
    if neighbour.queue:
        actions.extend(memory.announce_soon(now))
    # "A node whose mesh holds fewer than D_low SHOULD graft a new neighbour at once." (04-gossip §6)
    grafts = neighbour.link is LinkState.LAZY and neighbour.score >= 0
    if grafts and memory.mesh_size() < memory.settings.degree_low:
        neighbour.step(LinkStep.GRAFT, now)
        neighbour.chosen = True
        actions.append(SendRpc(neighbour.peer, Rpc(graft=(memory.settings.topic,))))
    return actions


def ihave(
    memory: Memory, neighbour: Neighbour, announced: tuple[tuple[str, tuple[GossipId, ...]], ...], now: float
) -> list[RouterAction]:
    """A peer announces what it holds."""
    settings, used = memory.settings, neighbour.allowance or neighbour.used
    # "Below the gossip threshold a reader MUST ignore a peer's IHAVE and IWANT." (04-gossip §9)
    if neighbour.score < settings.gossip_threshold:
        return []
    used.ihave_frames += 1
    # "A reader MUST ignore more than ten IHAVE frames, or more than 5,000 ids, of one peer in one heartbeat." (04-gossip §8)
    if used.ihave_frames > settings.ihave_frames_max:
        return []
    actions: list[RouterAction] = []
    entries, states, own = memory.history.entries, memory.seen.states, memory.own
    peer, lacks = neighbour.peer, False
    for topic, ids in announced:
        if topic != settings.topic:
            continue
        taken = ids[: max(0, settings.ihave_ids_max - used.ihave_ids)]
        used.ihave_ids += len(taken)
        for gossip_id in taken:
            entry = entries.get(gossip_id)
            if entry is None:
                state = states.get(gossip_id, MessageState.UNKNOWN)
                if state is MessageState.UNKNOWN or state is MessageState.ANNOUNCED:
                    _lacking(memory, neighbour, gossip_id, state, now)
                    lacks = True
                    continue
            elif peer not in entry.holders:
                traffic.held(entry, neighbour, now)
            if gossip_id in own:
                actions.extend(memory.echo(gossip_id, neighbour))
    if lacks:
        actions.extend(memory.want_soon())
    return actions


def _lacking(
    memory: Memory, neighbour: Neighbour, gossip_id: GossipId, state: MessageState, now: float
) -> None:
    if len(gossip_id) != ID_BYTES:
        return
    # "A node MUST NOT ask for what it holds already." (04-gossip §7)
    if state is MessageState.UNKNOWN and memory.lookup(gossip_id) is not None:
        return
    if state is MessageState.UNKNOWN and (gone := memory.pulls.make_room(neighbour.peer)) is not None:
        memory.seen.step(gone, MessageStep.FORGET, now)
    if memory.pulls.announced(gossip_id, neighbour.peer, now):
        memory.seen.step(gossip_id, MessageStep.ANNOUNCE, now)


def iwant(memory: Memory, neighbour: Neighbour, ids: tuple[GossipId, ...]) -> list[RouterAction]:
    """A peer asks for messages."""
    settings, used = memory.settings, neighbour.used
    if neighbour.score < settings.gossip_threshold:
        return []
    granted: list[GossipId] = []
    for gossip_id in ids[: max(0, settings.iwant_ids_max - used.iwant_ids)]:
        used.iwant_ids += 1
        # "An id that is not 20 bytes long names nothing." (04-gossip §3)
        if len(gossip_id) != ID_BYTES:
            continue
        times = neighbour.served.pop(gossip_id, 0)
        neighbour.served[gossip_id] = times + 1
        # "A writer SHOULD serve one id to one peer three times at most." (04-gossip §7)
        if times < settings.iwant_repeat_max:
            granted.append(gossip_id)
        if len(neighbour.served) > settings.announce_queue_max:
            del neighbour.served[next(iter(neighbour.served))]
    return traffic.served(memory, neighbour, granted)


def idontwant(
    memory: Memory, neighbour: Neighbour, ids: tuple[GossipId, ...], now: float
) -> list[RouterAction]:
    """A peer holds messages already and wants no copy of ours."""
    settings, used = memory.settings, neighbour.used
    actions: list[RouterAction] = []
    for gossip_id in ids[: max(0, settings.idontwant_ids_max - used.idontwant_ids)]:
        used.idontwant_ids += 1
        if len(gossip_id) != ID_BYTES:
            continue
        neighbour.unwanted[gossip_id] = settings.idontwant_beats
        if (entry := memory.history.get(gossip_id)) is not None:
            traffic.held(entry, neighbour, now)
        actions.extend(memory.echo(gossip_id, neighbour))
    return actions


def graft(memory: Memory, neighbour: Neighbour, topics: tuple[str, ...], now: float) -> list[RouterAction]:
    """A peer wants an eager link."""
    settings = memory.settings
    actions: list[RouterAction] = []
    for topic in topics:
        neighbour.used.mesh_requests += 1
        # "A reader MUST ignore a GRAFT or PRUNE of a topic that it does not know." (04-gossip §6)
        if topic != settings.topic or neighbour.dropped:
            continue
        # "A GRAFT of a peer that has not subscribed counts as its subscription too." (04-gossip §2)
        if not neighbour.subscribed:
            actions.extend(_subscribed(memory, neighbour, now))
        if neighbour.eager:
            continue
        if neighbour.used.mesh_requests > settings.mesh_requests_max:
            break
        if neighbour.backoff_until > now:
            actions.extend(_too_soon(memory, neighbour, now))
        # "A reader MUST answer with PRUNE a GRAFT of a peer with a negative score, or one that finds the mesh full."
        # (04-gossip §6)
        elif neighbour.score < 0 or (memory.mesh_size() >= settings.degree_high and not neighbour.outbound):
            actions.append(refuse(memory, neighbour, now))
        else:
            neighbour.step(LinkStep.GRAFT, now)
    return actions


def _too_soon(memory: Memory, neighbour: Neighbour, now: float) -> list[RouterAction]:
    settings = memory.settings
    # "A GRAFT during backoff MUST be answered with PRUNE and counted against the peer, twice within ten seconds of ours."
    # (04-gossip §6)
    flood = neighbour.backoff_until - now > settings.prune_backoff_s - settings.graft_flood_s
    actions: list[RouterAction] = [refuse(memory, neighbour, now)]
    if neighbour.backoff_of_old:
        # "The first GRAFT of a peer that comes back during an earlier backoff is refused and not counted."
        # (04-gossip §6)
        neighbour.backoff_of_old = False
        return actions
    penalty = 2.0 if flood else 1.0
    return [*actions, *memory.punish(neighbour, now, "GRAFT during backoff", behaviour=penalty)]


def refuse(memory: Memory, neighbour: Neighbour, now: float) -> RouterAction:
    """PRUNE: the link is not, or no longer, eager, and stays so for the backoff."""
    settings = memory.settings
    neighbour.step(LinkStep.PRUNE, now)
    neighbour.backoff_until = now + settings.prune_backoff_s
    # "A PRUNE MUST carry the backoff, and MUST NOT carry peers." (04-gossip §6)
    return SendRpc(neighbour.peer, Rpc(prune=(Prune(settings.topic, settings.prune_backoff_s),)))


def prune(memory: Memory, neighbour: Neighbour, prunes: tuple[Prune, ...], now: float) -> None:
    """A peer takes us out of its mesh."""
    settings = memory.settings
    for one in prunes:
        neighbour.used.mesh_requests += 1
        if one.topic != settings.topic or neighbour.used.mesh_requests > settings.mesh_requests_max:
            continue
        neighbour.step(LinkStep.PRUNE, now)
        asked_s = one.backoff_s if one.backoff_s > 0 else settings.prune_backoff_s
        until = now + min(asked_s, settings.prune_backoff_max_s)
        neighbour.backoff_until = max(neighbour.backoff_until, until)
