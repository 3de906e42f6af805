"""The machines of a responder: its card, its duty, its dialogues.

Decides how they are put together. Comes in: a responder, and what it shares with its node. Goes out: the machines in
the order in which they hear of things. Must not know events.
"""

from collections.abc import Callable
from random import Random

from attrs import field, frozen

from p2p_sos.core.board.judge import Judge
from p2p_sos.core.calls.archive import Archive
from p2p_sos.core.calls.cards import OwnCard
from p2p_sos.core.clock import Clock
from p2p_sos.core.duty.author import Author
from p2p_sos.core.duty.bands import Bands, Ranking
from p2p_sos.core.duty.duty import Duty
from p2p_sos.core.duty.hands import Hands
from p2p_sos.core.duty.lead import Lead
from p2p_sos.core.duty.member import Member
from p2p_sos.core.duty.policy import Responder, asks
from p2p_sos.core.duty.replies import Replies
from p2p_sos.core.duty.slots import Slots
from p2p_sos.core.duty.turns import Turns
from p2p_sos.core.duty.watchlog import WatchLog
from p2p_sos.core.letters.dialogue import Dialogue
from p2p_sos.wire.profiles import Profile


@frozen
class Ship:
    """What a responder's machines share with their node. `heard()`: when any peer was heard last, local time.

    `ranking`: a table that nodes which judge alike may share.
    """

    profile: Profile
    clock: Clock
    log: WatchLog
    archive: Archive
    judge: Judge
    random: Random
    entropy: Callable[[int], bytes]
    heard: Callable[[], float]
    ranking: Ranking = field(factory=Ranking)


@frozen
class Crew:
    """The machines, the card first: a CLAIM made at the start names it."""

    card: OwnCard
    duty: Duty
    dialogue: Dialogue


def employ(responder: Responder, ship: Ship) -> Crew:
    """The crew of one responder."""
    network, calls = ship.profile.network, ship.archive.calls
    card = OwnCard(responder, ship.profile, ship.clock, ship.entropy, ship.random)
    author = Author(responder.key, network)
    replies = Replies(author, Slots(responder.policy.slots), calls, ship.clock, ship.log, card.of_day)
    hands = Hands(ship.archive.cards)
    bands = Bands(
        responder.key.public,
        calls,
        ship.archive.cards,
        ship.judge,
        ship.random,
        ship.ranking,
        lambda: ship.archive.proofs.convicted,
        lambda: hands.full,
        lambda now: asks(responder.policy, ship.clock.unix_s(now)),
    )
    member = Member(author, calls, ship.random)
    lead = Lead(author, calls, ship.random, ship.heard)
    duty = Duty(responder, calls, ship.clock, replies, bands, Turns(bands, hands, calls), member, lead)
    dialogue = Dialogue(
        network=network,
        key=responder.key,
        introduction=responder.introduction,
        entropy=ship.entropy,
        random=ship.random,
    )
    return Crew(card, duty, dialogue)
