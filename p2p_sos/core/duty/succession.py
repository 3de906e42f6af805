"""Who should lead, who belongs to a roster, who follows: read off a view, by everybody alike.

Decides nothing for this node alone. Comes in: views, boards, calls. Goes out: keys, times, causes. Must not know wall clocks,
this node's own key, or what was said already.
"""

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.standing import ClaimStanding, Expired, Fitness, View
from p2p_sos.core.calls.calls import Calls
from p2p_sos.wire.messages import NOTHING, Attest, Claim, Handover, Key, LogMessage, MessageId, Roster
from p2p_sos.wire.registry import MEMBERS_MAX, SEQUENCE_MAX, Cause, Kind

TAKEOVERS_MAX = 4  # guess: a wait of sixteen HOLDs is longer than any lease but the longest


def line(view: View, board: Board, expired: Expired, *, but: Key | None = None) -> list[Key]:
    """Who could lead if nobody did, in the order in which they take their turns.

    Whoever led and let its lease lapse comes after all others: it may be gone before that is known of its claim. Whoever
    is attested comes first: a fitter one that claims and does nothing would leave the call without a lead for PROG. Whom V
    met earlier stays before whom it met later: else a second ATTEST would put another one first just as a roster is named.
    """
    met = _met(board)

    def order(claim: ClaimStanding) -> tuple[bool, bool, bool, int, Fitness]:
        lapsed = has_lapsed(board, expired, claim.responder)
        met_at = met.get(claim.responder, 0) if claim.attested else 0
        return claim.overdue, lapsed, not claim.attested, met_at, claim.fitness

    # "then who is attested before who is not; of those whom V attested, who stands in an earlier ATTEST of V; then the
    # fitter" (06-board §11.2)
    able = [c for c in view.claims if c.live and c.fit and not c.dismissed and c.responder != but]
    return [claim.responder for claim in sorted(able, key=order)]


def has_lapsed(board: Board, expired: Expired, responder: Key) -> bool:
    """Whether a responder led and let its lease lapse."""
    roster = board.said(responder).roster
    return roster is not None and roster.id in expired.lapsed


def _met(board: Board) -> dict[Key, int]:
    """The sequence of the first ATTEST of V on the board that names each responder."""
    met: dict[Key, int] = {}
    for frame in board.words(Kind.ATTEST):  # the newest first
        if isinstance(frame.message, Attest):
            met.update(dict.fromkeys(frame.message.responders, frame.message.sequence))
    return met


def next_lead(view: View, board: Board, expired: Expired, *, but: Key | None = None) -> Key:
    """Who would lead if nobody did; NOTHING if nobody is able."""
    return next(iter(line(view, board, expired, but=but)), NOTHING)


def passes(calls: Calls, view: View, own: Key, now: float) -> bool:
    """Whether a claimer would soon be replaced as the lead, and somebody whose turn comes later would not."""
    # "Whoever will be overdue within a LEASE lets its turn pass while one stands behind it that will not" (06-board §11.2)
    board, expired, leases = calls.board(view.call), calls.expired_of(view.call), calls.leases(view.call)
    until = now + view.description.timing.lease_s

    def lasts(key: Key) -> bool:
        at = leases.overdue_at(key)
        return at is None or at > until

    own_at = leases.overdue_at(own)
    if own_at is None or not now < own_at <= until:
        return False
    there = line(view, board, expired)
    return any(lasts(key) and not has_lapsed(board, expired, key) for key in there[there.index(own) + 1 :])


def members(view: View, lead: Key) -> tuple[Key, ...]:
    """Whom a roster of this lead names, ascending: the fittest of those that live, at most 2k, itself among them."""
    most = min(MEMBERS_MAX, 2 * view.description.timing.k)
    there = [c for c in view.claims if c.live and not c.dismissed and c.responder != lead]
    there.sort(key=lambda claim: (claim.overdue, claim.fitness))
    return tuple(sorted([lead, *(claim.responder for claim in there[: most - 1])]))


def alive(view: View, lead: Key) -> tuple[Key, ...]:
    """Which members the lead hears, ascending."""
    if view.roster is not None and view.roster.lead == lead:
        there = [key for key in view.roster.members if (c := view.claim_of(key)) is not None and c.live]
    else:
        there = [claim.responder for claim in view.claims if claim.live and claim.complied]
    return tuple(sorted(there)[:MEMBERS_MAX])


def hold_s(view: View) -> float:
    """How long the fittest waits before it names a roster; longer after each takeover, so that none chases another."""
    timing = view.description.timing
    return float(min(timing.hold_s << min(view.takeovers, TAKEOVERS_MAX), timing.lease_s))


def queue_s(view: View, place: int) -> float:
    """How much longer the one at this place of the line waits than the next: who stands before it may do nothing at all."""
    # "Whoever stands behind the next one waits W longer for each place." (06-board §11.2)
    return place * view.description.timing.band_wait_s


def next_epoch(view: View) -> int:
    """One more than the highest that a roster on the board names."""
    return min(SEQUENCE_MAX, view.highest_epoch + 1)


def cause_of(board: Board, view: View, replaces: MessageId) -> Cause:
    """Why a roster takes the place of another that nobody handed over."""
    replaced = board.held.get(replaces)
    if replaced is not None and board.is_convicted(replaced.message.signer):
        return Cause.PROOF
    return Cause.INITIAL if view.newest_roster == NOTHING and replaced is None else Cause.EXPIRED


def is_overtaken(board: Board, roster: MessageId) -> bool:
    """Whether somebody else named a roster knowing of this one."""
    lead, seen = board.held[roster].message.signer, board.past.bit(roster)
    return any(
        isinstance(frame.message, Roster)
        and frame.message.signer != lead
        and bool(board.past.behind(frame.id) & seen)
        for frame in board.frames()
    )


def is_givers_own(board: Board, handover: Handover) -> bool | None:
    """Whether a HANDOVER names a roster of its signer; None as long as that roster is not here: it may be on its way."""
    handed = board.held.get(handover.roster)
    if handed is None:
        return None
    return isinstance(handed.message, Roster) and handed.message.signer == handover.signer


def is_old_news(board: Board, view: View, roster: MessageId) -> bool:
    """Whether others went on since that roster: then who is to lead is found out as ever."""
    handed = board.held.get(roster)
    return (
        handed is not None
        and isinstance(handed.message, Roster)
        and handed.message.epoch < view.highest_epoch
    )


def words_since_claim(board: Board, responder: Key) -> int:
    """How many entries the log of a claimer holds after its CLAIM; a board keeps the newest few alone."""
    log = [frame for frame in board.of(responder) if isinstance(frame.message, LogMessage)]
    return next((at for at, frame in enumerate(log) if isinstance(frame.message, Claim)), len(log))
