"""What a board says before time is looked at: stances, contact, cards, rosters, requisition.

Decides all of a view that needs no clock. Comes in: a board. Goes out: a `Digest`, found once for each state of the board.
Must not know who is silent or overdue here (`resolve` adds that).
"""

from attrs import frozen

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.said import Said
from p2p_sos.core.board.standing import (
    CardStanding,
    ClaimStanding,
    DeclineStanding,
    Description,
    Fitness,
    ReleaseStanding,
    RequisitionStanding,
)
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.messages import (
    NOTHING,
    Attest,
    Claim,
    Decline,
    Key,
    MessageId,
    Release,
    Requisition,
    Roster,
    StandDown,
)
from p2p_sos.wire.registry import Detail, Kind, Reason


@frozen
class Speaker:
    """One responder with a seat on the board."""

    responder: Key
    fitness: Fitness
    said: Said
    card: CardStanding

    @property
    def fit(self) -> bool:
        """Whether what it says may count among helpers: its card is known, of no later day, and not convicted."""
        return self.card.tier >= 0


@frozen
class Digest:
    """Every list is in the order of fitness. `rosters`: of those who claim and may lead, the newest of each."""

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
    speakers = speakers_of(board)
    attested = attested_by(board, speakers)
    requisition = requisition_of(board, speakers)
    complied = dict.fromkeys(requisition.complied if requisition is not None else ())
    claiming = [speaker for speaker in speakers if speaker.said.claims]
    epoch, newest = _newest_roster(speakers)
    return Digest(
        board.description,
        tuple(_claim(board, speaker, attested, complied) for speaker in claiming),
        tuple((s.responder, roster) for s in claiming if s.fit and (roster := s.said.roster) is not None),
        tuple(d for s in speakers if (d := _decline(s)) is not None),
        tuple(r for s in speakers if (r := _release(s)) is not None),
        requisition,
        sum(speaker.said.takeovers for speaker in speakers if speaker.fit),
        newest,
        epoch,
        closing_by_victim(board),
        _stood_down(speakers, attested),
    )


def speakers_of(board: Board) -> list[Speaker]:
    """Everybody with a seat, the fittest first."""
    speakers = []
    for responder in board.responders():
        card, fitness = board.grade(responder)
        speakers.append(Speaker(responder, fitness, board.said(responder), card))
    return sorted(speakers, key=lambda speaker: speaker.fitness)


def attested_by(board: Board, speakers: list[Speaker]) -> dict[Key, None]:
    """Who really made contact, in the word of V, or of enough others while V says nothing."""
    attests = [f.message for f in board.words(Kind.ATTEST) if isinstance(f.message, Attest)]
    named = {responder: None for attest in attests for responder in attest.responders}
    # "While the board holds no message of V beside the CALL, others may say it in V's place." (06-board §8)
    if board.victim_spoke:
        return named
    groups: dict[Key, dict[bytes, None]] = {}
    for speaker in speakers:
        if speaker.fit and speaker.said.stands_by_it:
            for responder in speaker.said.attests:
                groups.setdefault(responder, {})[speaker.card.group] = None
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


def _claim(
    board: Board, speaker: Speaker, attested: dict[Key, None], complied: dict[Key, None]
) -> ClaimStanding:
    frame = speaker.said.claim
    assert frame is not None, "who claims has a CLAIM"
    claim = frame.message
    assert isinstance(claim, Claim), "who claims has a CLAIM"
    # "A claim is void if its key is convicted, or its slot is not below the `slots` of its card." (06-board §5)
    void = board.is_convicted(speaker.responder) or claim.slot >= speaker.card.slots
    return ClaimStanding(
        speaker.responder,
        frame.id,
        claim.manner,
        claim.card,
        attested=speaker.responder in attested,
        complied=speaker.responder in complied,
        dismissed=False,
        fitness=speaker.fitness,
        group=speaker.card.group,
        void=void,
    )


def _decline(speaker: Speaker) -> DeclineStanding | None:
    said = speaker.said.stance.message if speaker.said.stance is not None else None
    if not isinstance(said, Decline):
        return None
    return DeclineStanding(speaker.responder, said.reason, said.detail)


def _release(speaker: Speaker) -> ReleaseStanding | None:
    said = speaker.said.stance.message if speaker.said.stance is not None else None
    if isinstance(said, StandDown):
        return ReleaseStanding(speaker.responder, Reason.UNNECESSARY, Detail.UNSPECIFIED)
    return ReleaseStanding(speaker.responder, said.reason, said.detail) if isinstance(said, Release) else None


def _newest_roster(speakers: list[Speaker]) -> tuple[int, MessageId]:
    """The highest epoch of a ROSTER of who may lead, and the ROSTER of it with the lowest id."""
    found: list[tuple[int, MessageId]] = []
    for speaker in speakers:
        for frame in speaker.said.rosters if speaker.fit else ():
            assert isinstance(frame.message, Roster), "the rosters of a log"
            found.append((-frame.message.epoch, frame.id))
    epoch, roster = min(found, default=(0, NOTHING))
    return -epoch, roster


def _stood_down(speakers: list[Speaker], attested: dict[Key, None]) -> int:
    """Of how many groups that a root vouches for somebody attested stood down."""
    groups = {
        speaker.card.group: None
        for speaker in speakers
        if speaker.fit
        and speaker.card.rooted
        and speaker.responder in attested
        and speaker.said.stance is not None
        and isinstance(speaker.said.stance.message, StandDown)
    }
    return len(groups)
