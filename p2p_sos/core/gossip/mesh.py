"""Which links are eager: GossipSub's mesh, with the near ones first.

Comes in: the neighbours and the time. Goes out: whom to graft and whom to prune. Must not know messages.
"""

from collections.abc import Sequence
from random import Random

from attrs import Factory, define

from p2p_sos.core.gossip.neighbour import Neighbour
from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.core.gossip.states import LinkState


@define
class Plan:
    """What a heartbeat changes in the mesh."""

    graft: list[Neighbour] = Factory(list)
    prune: list[Neighbour] = Factory(list)


def near(links: Sequence[Neighbour], settings: GossipSettings, now: float) -> list[Neighbour]:
    """The links that deserve a near place, the nearest first; ties stay in the order given.

    A link in the mesh counts as nearer than it is, so that noise in measuring moves nothing; a quiet one comes last.
    """
    return sorted(links, key=lambda link: _remoteness(link, settings, now))[: settings.near]


def _remoteness(link: Neighbour, settings: GossipSettings, now: float) -> tuple[bool, float]:
    distance_s = settings.round_trip_guess_s if link.round_trip_s is None else link.round_trip_s
    if not link.eager:
        return False, distance_s
    distance_s = distance_s * (1.0 - settings.near_gain_share) - settings.near_gain_s
    return link.quietness(settings, now) > 0, distance_s


def _is_beaten(
    nearest: Sequence[Neighbour], free: Sequence[Neighbour], settings: GossipSettings, now: float
) -> bool:
    """Whether a link outside the mesh deserves a near place more than one of these."""
    if not nearest or len(nearest) < settings.near:
        return settings.near > 0
    guess_s = settings.round_trip_guess_s
    best_s = min([guess_s if n.round_trip_s is None else n.round_trip_s for n in free])
    return (False, best_s) < _remoteness(nearest[-1], settings, now)


def plan(neighbours: Sequence[Neighbour], settings: GossipSettings, random: Random, now: float) -> Plan:
    """Keep the mesh between its bounds, near links in it, and one that is not near."""
    made = Plan()
    # "A node MUST prune a mesh link whose score is negative." (04-gossip §6)
    made.prune.extend(n for n in neighbours if n.eager and n.score < 0)
    mesh = [n for n in neighbours if n.eager and n.score >= 0]
    free = [n for n in neighbours if n.link is LinkState.LAZY and n.score >= 0]
    nearest = near(mesh, settings, now)
    lacking = settings.degree_out - sum([n.outbound for n in mesh])
    if free and (lacking > 0 or len(mesh) < settings.degree or _is_beaten(nearest, free, settings, now)):
        random.shuffle(free)  # so that of equals nobody is always the first
        nearest = near([*mesh, *free], settings, now)

    def graft(link: Neighbour) -> None:
        free.remove(link)
        mesh.append(link)
        made.graft.append(link)

    # "A node SHOULD graft the three links of lowest round trip." (04-gossip §6)
    for link in nearest:
        if not link.eager:
            graft(link)
    # "A node MUST graft links at random while its mesh holds fewer than D." (04-gossip §6)
    while free and len(mesh) < settings.degree:
        graft(free[0])
    # "At least D_out links of the mesh SHOULD be outbound." (04-gossip §6)
    lacking = settings.degree_out - sum([n.outbound for n in mesh])
    if lacking > 0:
        for link in [n for n in free if n.outbound][:lacking]:
            graft(link)
    if len(mesh) <= settings.degree:
        return made
    kept = {n.peer: None for n in nearest}
    made.prune.extend(_surplus(mesh, kept, made.graft, settings, random))
    return made


def _surplus(
    mesh: list[Neighbour],
    kept: dict[str, None],
    grafted: list[Neighbour],
    settings: GossipSettings,
    random: Random,
) -> list[Neighbour]:
    """The links that must go, and one that may: of our own choice, and no longer needed."""
    loose = [n for n in mesh if n.peer not in kept and n not in grafted]
    prune: list[Neighbour] = []
    # "A node whose mesh holds more than D_high MUST prune links, and MUST spare the near ones and D_out outbound ones."
    # (04-gossip §6)
    outbound = sum([n.outbound for n in mesh])
    if len(mesh) > settings.degree_high:
        random.shuffle(loose)
        loose.sort(key=lambda n: n.score)
    for link in loose:
        if len(mesh) - len(prune) <= settings.degree_high:
            break
        if link.outbound and outbound <= settings.degree_out:
            continue
        outbound -= link.outbound
        prune.append(link)
    if prune:
        return prune
    # "A node SHOULD leave, one a heartbeat, a link that it grafted itself and needs no longer." (04-gossip §6)
    chosen = [n for n in loose if n.chosen and (not n.outbound or outbound > settings.degree_out)]
    spare = len(chosen) + len(grafted) - (settings.degree - settings.near)
    if spare > 0 and chosen:
        random.shuffle(chosen)
        prune.append(max(chosen, key=lambda n: n.distance_s(settings)))
    return prune
