"""What a board says before time is looked at: stances, contact, cards, rosters, requisition.

Decides all of a view that needs no clock. Comes in: a board. Goes out: a `Digest`, found once for each state of the board.
Must not know who is silent or overdue here (`resolve` adds that).
"""

from attrs import frozen

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.speaker import Speaker
from p2p_sos.core.board.standing import (
    ClaimStanding,
    DeclineStanding,
    Description,
    ReleaseStanding,
    RequisitionStanding,
)
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import NOTHING, Attest, Key, MessageId, Requisition
from p2p_sos.wire.registry import Kind


@frozen
class Digest:
    """Every list is in the order of fitness. `rosters`: of those who claim and may lead, the newest of each.

    `stood_down`: of how many groups under a root somebody attested stood down.
    """

    description: Description
    claims: tuple[ClaimStanding, ...]
    rosters: tuple[tuple[Key, Frame], ...]
    declines: tuple[DeclineStanding, ...]
    releases: tuple[ReleaseStanding, ...]
    requisition: RequisitionStanding | None
    takeovers: int
    newest_roster: MessageId
    highest_epoch: int
    closed_by_victim: str | None
    stood_down: int


def digest(board: Board) -> Digest:
    """All that a view says whatever the time."""
    speakers = board.speakers()
    attested = attested_by(board, speakers)
    requisition = requisition_of(board, speakers)
    complied = () if requisition is None else requisition.complied
    claims, rosters, takeovers = [], [], 0
    epochs: list[tuple[int, MessageId]] = []
    groups: dict[bytes, None] = {}
    for speaker in speakers:
        who = speaker.responder
        if speaker.claims:
            claims.append(speaker.claim(attested=who in attested, complied=who in complied))
        if speaker.epochs:
            epochs += speaker.epochs
            takeovers += speaker.said.takeovers
            if speaker.roster is not None:
                rosters.append((who, speaker.roster))
        if speaker.stood_down and speaker.fit and speaker.card.rooted and who in attested:
            groups[speaker.group] = None
    epoch, newest = min(epochs, default=(0, NOTHING))
    return Digest(
        board.description,
        tuple(claims),
        tuple(rosters),
        tuple([speaker.decline for speaker in speakers if speaker.decline is not None]),
        tuple([speaker.release for speaker in speakers if speaker.release is not None]),
        requisition,
        takeovers,
        newest,
        -epoch,
        closing_by_victim(board),
        len(groups),
    )


def attested_by(board: Board, speakers: list[Speaker]) -> dict[Key, None]:
    """Who really made contact, in the word of V, or of enough others while V says nothing."""
    attests = [f.message for f in board.words(Kind.ATTEST) if isinstance(f.message, Attest)]
    named = {responder: None for attest in attests for responder in attest.responders}
    # "While the board holds no message of V beside the CALL, others may say it in V's place." (06-board §8)
    if board.victim_spoke:
        return named
    groups: dict[Key, dict[bytes, None]] = {}
    for speaker in speakers:
        if speaker.said.attests and speaker.fit and speaker.said.stands_by_it:
            for responder in speaker.said.attests:
                groups.setdefault(responder, {})[speaker.group] = None
    enough = board.description.timing.stand_down_f + 1
    for responder, by in groups.items():
        # "Then R is attested once members of `stand_down_f` + 1 groups other than R's own attest it." (06-board §8)
        by.pop(board.standing_of(responder).group, None)
        if len(by) >= enough:
            named[responder] = None
    return named


def requisition_of(board: Board, speakers: list[Speaker]) -> RequisitionStanding | None:
    """The newest REQUISITION and who complied with it; whether it is effective needs a clock."""
    words = board.words(Kind.REQUISITION)
    if not words:
        return None
    newest, named = words[0].id, words[0].message
    assert isinstance(named, Requisition), "the shelf of REQUISITIONs"
    asked = dict.fromkeys((named.lead, *named.members))
    complied = tuple(s.responder for s in speakers if s.responder in asked and newest in s.said.complied)
    return RequisitionStanding(newest, named.sequence, named.lead, named.members, complied)


def closing_by_victim(board: Board) -> str | None:
    """How the victim closed the call, or None."""
    # "A board that holds a CANCEL is cancelled; else, one that holds an ALL_CLEAR is cleared." (05-calls §7)
    if board.words(Kind.CANCEL):
        return "cancelled"
    return "cleared" if board.words(Kind.ALL_CLEAR) else None
