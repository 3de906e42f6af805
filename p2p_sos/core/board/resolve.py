"""What a board says: one pure function from a set of messages, and whose time is over, to a view.

Decides who answers a call, with which standing, and who leads. Comes in: a board, and what the local clock adds to it.
Goes out: a `View`. Must not know clocks, peers, this node's own key, or how and in which order the messages came.
"""

from attrs import evolve

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.digest import Digest, closing_by_victim, digest, requisition_of
from p2p_sos.core.board.standing import (
    NOBODY,
    NOTHING_EXPIRED,
    CardStanding,
    ClaimStanding,
    DeclineStanding,
    Description,
    Expired,
    ReleaseStanding,
    RequisitionStanding,
    RosterStanding,
    View,
)
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import NOTHING, Handover, Key, Roster

__all__ = [
    "NOBODY",
    "CardStanding",
    "ClaimStanding",
    "DeclineStanding",
    "Description",
    "Expired",
    "ReleaseStanding",
    "RequisitionStanding",
    "RosterStanding",
    "View",
    "closing",
    "describe",
    "requisition_in_force",
    "resolve",
]


def describe(board: Board) -> Description:
    """The CALL as its newest UPDATE left it."""
    return board.description


def requisition_in_force(board: Board) -> RequisitionStanding | None:
    """The newest REQUISITION and who complied with it; whether it is effective, a view says."""
    return requisition_of(board, board.speakers())


def closing(board: Board, expired: Expired = NOTHING_EXPIRED) -> str | None:
    """How the call was closed, by its victim or by those who helped, or None."""
    # A CANCEL or an ALL_CLEAR needs no digest of the board.
    return closing_by_victim(board) or _stood_down(board.derive(digest), expired)


def resolve(board: Board, expired: Expired = NOTHING_EXPIRED) -> View:
    """The view of a board; equal boards and equal `expired` give equal views."""
    said = board.derive(digest)
    claims = tuple(_aged(claim, expired) for claim in said.claims)
    requisition, lead, roster = said.requisition, None, None
    answering = [] if requisition is None else _answering(requisition, claims, expired)
    if requisition is not None and answering:
        requisition = evolve(requisition, effective=True)
        claims = tuple(_dismissed(claim, requisition) for claim in claims)
        lead = _named_lead(requisition, answering, expired)
    else:
        roster = _followed(board, said, claims, expired)
        lead = None if roster is None else roster.lead
    sequence = 0 if requisition is None else requisition.sequence
    return View(
        board.call.id,
        said.description,
        claims,
        said.declines,
        said.releases,
        requisition,
        lead,
        said.closed_by_victim or _stood_down(said, expired),
        roster=roster,
        # "Its token is the sequence of the REQUISITION in force (0 for none) and the id of the roster (NOTHING for
        # none)." (06-board §14)
        token=(sequence, NOTHING if roster is None else roster.roster),
        attested=any(claim.attested and claim.live for claim in claims),
        takeovers=said.takeovers,
        newest_roster=said.newest_roster,
        highest_epoch=said.highest_epoch,
    )


def _aged(claim: ClaimStanding, expired: Expired) -> ClaimStanding:
    silent = claim.responder in expired.silent
    # Contact that was attested late is contact.
    overdue = claim.responder in expired.overdue and not claim.attested
    return evolve(claim, silent=silent, overdue=overdue) if silent or overdue else claim


def _stood_down(said: Digest, expired: Expired) -> str | None:
    # "STAND_DOWN closes a call when V is silent and attested responders of `stand_down_f` + 1 groups under the
    # profile's roots stood down." (06-board §15)
    enough = said.description.timing.stand_down_f + 1
    return "stood-down" if expired.victim_silent and said.stood_down >= enough else None


# ---------------------------------------------------------------------- requisition


def _answering(
    requisition: RequisitionStanding, claims: tuple[ClaimStanding, ...], expired: Expired
) -> list[ClaimStanding]:
    """The named who complied, live, and answer in time; the fittest first."""
    named = requisition.requisition
    return [c for c in claims if c.complied and c.live and (named, c.responder) not in expired.unanswered]


def _dismissed(claim: ClaimStanding, requisition: RequisitionStanding) -> ClaimStanding:
    return claim if requisition.names(claim.responder) else evolve(claim, dismissed=True)


def _named_lead(
    requisition: RequisitionStanding, answering: list[ClaimStanding], expired: Expired
) -> Key | None:
    if any(claim.responder == requisition.lead for claim in answering):
        return requisition.lead
    # "Once the named lead is unanswered, or complied and lives no longer, the fittest of the others leads."
    # (06-board §9)
    given_up = (requisition.requisition, requisition.lead) in expired.unanswered
    return answering[0].responder if given_up or requisition.lead in requisition.complied else None


# ---------------------------------------------------------------------- rosters


def _followed(
    board: Board, said: Digest, claims: tuple[ClaimStanding, ...], expired: Expired
) -> RosterStanding | None:
    """Of the live rosters that nobody usurped, that of the fittest."""
    if not said.rosters:
        return None
    standing = {claim.responder: claim for claim in claims}
    # "While V is silent, such a claim counts here only if it is attested." (06-board §11)
    better = any(
        claim.live and claim.fit and not claim.overdue and (claim.attested or not expired.victim_silent)
        for claim in claims
    )
    live = []
    for responder, frame in said.rosters:
        claim = standing[responder]
        gone = frame.id in expired.lapsed or frame.id in expired.superseded
        # "The roster of an overdue lead is not live while a live claim that is fit and not overdue exists."
        # (06-board §11)
        if claim.live and not gone and not (claim.overdue and better):
            live.append((responder, frame))
    if len(live) > 1:
        live = _unusurped(board, live)
    # "Of the rest the fittest lead is followed, never the highest epoch." (06-board §11)
    return _roster(*live[0]) if live else None


def _unusurped(board: Board, live: list[tuple[Key, Frame]]) -> list[tuple[Key, Frame]]:
    """Without the rosters that came after another's live one."""
    rows = {responder: _row(board, frame) for responder, frame in live}
    bits = {responder: sum(board.past.bit(frame.id) for frame in row) for responder, row in rows.items()}
    everybody = sum(bits.values())
    # "A roster that comes causally after a live one of another signer is usurpation, and is ignored." (06-board §11)
    return [
        (responder, frame)
        for responder, frame in live
        if not board.past.behind(rows[responder][-1].id) & (everybody ^ bits[responder])
        or _was_handed(board, rows[responder][-1])
    ]


def _row(board: Board, roster: Frame) -> list[Frame]:
    """A roster and those of the same signer that it goes on from, the newest first."""
    # "A roster that replaces one of its own signer stands in one row with it" (06-board §11.1)
    row = [roster]
    while True:
        newest = row[-1].message
        assert isinstance(newest, Roster), "a row of rosters"
        before = board.held.get(newest.replaces)
        if before is None or not isinstance(before.message, Roster) or before.message.signer != newest.signer:
            return row
        row.append(before)


def _was_handed(board: Board, roster: Frame) -> bool:
    """Whether the roster that this one replaces was handed over to its signer."""
    assert isinstance(roster.message, Roster), "the first of a row"
    replaced = board.held.get(roster.message.replaces)
    # "nor is one usurpation whose first replaces a roster that a HANDOVER gave to its signer" (06-board §11.1)
    return replaced is not None and any(
        isinstance(said.message, Handover)
        and said.message.roster == replaced.id
        and said.message.successor == roster.message.signer
        for said in board.of(replaced.message.signer)
    )


def _roster(responder: Key, frame: Frame) -> RosterStanding:
    roster = frame.message
    assert isinstance(roster, Roster), "the rosters of a digest"
    return RosterStanding(frame.id, responder, roster.members, roster.epoch, roster.cause)
