"""The victim's case: listener, HEARD, ATTEST, decisions, public words, closing, and coming back after a crash."""

from functools import partial
from typing import Any

import pytest
from attrs import evolve

from p2p_sos.core.case.case import (
    TRANSITIONS,
    Case,
    CasePhase,
    case_rows,
    closed_case,
    secrets_of,
)
from p2p_sos.core.case.command import Command
from p2p_sos.core.case.orders import accept_text
from p2p_sos.core.events import (
    OperatorWrites,
    PeerLeft,
    VictimCalls,
    VictimCancels,
    VictimDecides,
    VictimRequisitions,
    VictimUpdates,
    VictimWrites,
)
from p2p_sos.core.internal import Admitted, Echoed, Publish, Sent
from p2p_sos.core.letters.length import TEXT_BYTES_MAX, letter_fault, text_fault
from p2p_sos.core.notices import CallReturned, CallTaken
from p2p_sos.wire import registry as r
from p2p_sos.wire.frames import Frame, seal
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.letters import Binding, Content, messages_of, seal_first
from p2p_sos.wire.messages import NOTHING, Attest, Claim, Letter, Requisition, Update
from p2p_sos.wire.registry import LetterKind
from tests.core.correspondents import NETWORK, SITUATION, Party, World, joined, key, met

R0, R1 = key(100).public, key(101).public
HOUR_S = 3600.0


def published(party: Party, kind: type[Any]) -> list[Any]:
    return [p.frame.message for _, p in party.published if isinstance(p.frame.message, kind)]


def admit(party: Party, frame: Frame) -> None:
    party.give(Admitted(frame, gossip_id(frame.cell, canonical=True)))


# ------------------------------------------------------------------------- taken and heard


def test_taken_and_heard_are_apart() -> None:
    """Relays that took the call are counted by name; only the listener's echo is HEARD, and once."""
    world = World(1)
    victim, call_gossip = world.victim, gossip_id(world.call.cell, canonical=True)
    joined(victim, "relay")
    joined(victim, "listener")
    world.victim.give(VictimCalls(world.call))
    assert victim.machine.listener == "listener"
    assert all(p.avoid == ("listener",) for _, p in victim.published)
    assert victim.machine.view.phase is CasePhase.QUEUED
    victim.give(Sent(call_gossip, ("relay",)))
    victim.give(Sent(call_gossip, ("relay",)))
    assert [n.relays for n in victim.told if isinstance(n, CallTaken)] == [1]
    assert victim.machine.view.phase is CasePhase.SENT
    victim.give(Echoed(call_gossip, "relay"))
    assert not victim.machine.view.heard, "a relay could lie by sending it back"
    victim.give(Echoed(call_gossip, "listener"))
    victim.give(Echoed(call_gossip, "listener"))
    assert len([n for n in victim.told if isinstance(n, CallReturned)]) == 1
    assert victim.machine.view.phase is CasePhase.HEARD


def test_a_message_of_another_is_hearing_too() -> None:
    """With one relay and no listener, a CLAIM proves that the call is in the mesh."""
    world = World(2)
    joined(world.victim, "relay")
    world.begin()
    assert world.victim.machine.listener is None
    assert not world.victim.machine.view.listener
    world.claim(0)
    world.run(10)
    assert world.victim.machine.view.heard


def test_a_listener_was_never_told() -> None:
    """Whoever was sent anything of the case listens no more; a newcomer does, and the case is repeated past it."""
    world = World(3)
    victim = world.victim
    joined(victim, "a")
    world.begin()
    victim.give(Sent(gossip_id(world.call.cell, canonical=True), ("a",)))
    joined(victim, "b")
    assert victim.machine.listener == "b"
    victim.give(PeerLeft("b"))
    assert victim.machine.listener is None
    joined(victim, "c")
    joined(victim, "d")
    assert victim.machine.listener == "c"
    assert victim.published[-1][1].avoid == ("c",)
    victim.give(Sent(gossip_id(world.call.cell, canonical=True), ("c",)))
    assert victim.machine.listener == "d"


def test_a_new_listener_is_kept_from_old_letters() -> None:
    """When another peer listens, every cell that the router may still announce is published anew, past that peer."""
    world = World(25)
    joined(world.victim, "relay")
    met(world)
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT))
    cells = {p.frame.id for _, p in world.victim.published}
    before = len(world.victim.published)
    joined(world.victim, "listener")
    again = [p for _, p in world.victim.published[before:]]
    assert {p.frame.id for p in again} == cells
    assert all(p.avoid == ("listener",) for p in again)


def test_the_call_is_repeated_to_each_relay_in_the_same_cell() -> None:
    """Each relay that joins is given the same cell again, also after a crash; so is what was said since."""
    world = met(World(4))
    world.victim.start()
    joined(world.victim, "late")
    sent = [p.frame for _, p in world.victim.published]
    assert sent.count(world.call) == 3, "made, resumed, joined"
    assert len({f.id for f in sent if isinstance(f.message, Attest)}) == 1


def test_the_transition_table_is_closed() -> None:
    """Every phase has its row, and nothing leaves CLOSED."""
    assert set(TRANSITIONS) == set(CasePhase)
    assert TRANSITIONS[CasePhase.CLOSED] == ()


# ------------------------------------------------------------------------- contact


def test_attest_gathers() -> None:
    """Twenty claims within half a second are attested by two messages, of sixteen and four."""
    world = met(World(5, responders=20))
    attests = published(world.victim, Attest)
    assert sum(len(a.responders) for a in attests) == 20
    assert max(len(a.responders) for a in attests) <= r.ATTESTED_MAX
    assert len(attests) <= 6
    assert len({a.sequence for a in attests}) == len(attests)
    assert all(h.attested for h in world.victim.machine.view.helpers)


def test_an_enclosed_claim_counts() -> None:
    """A victim that missed the CLAIM learns it from the letter, attests, and never publishes it."""
    world = World(6)
    world.begin()
    claim = world.claim(0)
    world.victim.cells[claim.id] = claim  # the mesh's copy never reaches the machine
    world.run(30)
    (helper,) = world.victim.machine.view.helpers
    assert helper.claimed
    assert helper.attested
    assert helper.manner is r.Manner.PERSON
    assert published(world.victim, Claim) == []


def test_attests_slow_down() -> None:
    """Whoever claims under ever new keys cannot make the victim attest more often than readers take."""
    command, now, sent = Command(SigningKey(bytes(32)), bytes(32)), 0.0, []
    while now < 4 * r.CALL_EPOCH_S:
        now += command.attest_after_s(now)
        command.attested(now)
        sent.append(now)
    for start in sent:
        within = [at for at in sent if start <= at < start + r.CALL_EPOCH_S]
        assert len(within) <= r.VICTIM_MESSAGES_PER_EPOCH
    assert sent[0] == 0.5


def test_no_attest_without_a_letter() -> None:
    """The control of the tests above: a CLAIM alone is no contact."""
    world = World(7)
    world.begin()
    claim = Claim(world.call.id, R0, 0, NOTHING, (), 0, 0, NOTHING, r.Manner.PERSON)
    admit(world.victim, seal(claim, NETWORK, key(100)))
    world.run(30)
    assert published(world.victim, Attest) == []
    assert [h.claimed for h in world.victim.machine.view.helpers] == [True]


def forged(world: World, *, signer: int = 100, writer: int | None = None, **changes: Any) -> list[Frame]:
    """The LETTERs of a first letter: signed outside by `signer`, inside by `writer`."""
    outside = key(signer)
    binding = Binding(NETWORK, changes.get("call", world.call.id), outside.public, 1)
    inside = key(writer) if writer is not None else outside
    exchange, ephemeral = ExchangeKey(b"\x31" * 32), ExchangeKey(b"\x32" * 32)
    sealed = seal_first(
        Content(1, 0, LetterKind.INTRODUCTION, "trust me", changes.get("enclosure", b"")),
        evolve(binding, signer=inside.public),
        victim_exchange=ExchangeKey(world.secrets.exchange_seed).public,
        exchange=exchange, signing=inside, ephemeral=ephemeral,
    )  # fmt: skip
    assert isinstance(sealed, bytes)
    to = evolve(binding, call=world.call.id)
    return [seal(part, NETWORK, outside) for part in messages_of(sealed, to)]


@pytest.mark.parametrize(
    ("changes", "believed"),
    [({}, True), ({"writer": 101}, False), ({"call": b"\x07" * 32}, False)],
    ids=["a true letter (control)", "signed inside by another", "sealed for another call"],
)
def test_forged_first_letters(changes: dict[str, Any], believed: bool) -> None:
    """A first letter whose signature, call or signer is not its own is counted with its reason and not believed."""
    world = World(8)
    world.begin()
    for frame in forged(world, **changes):
        admit(world.victim, frame)
    assert bool(world.victim.machine.view.letters) is believed
    assert bool(world.victim.machine._office.refusals) is not believed


def test_an_enclosed_claim_of_another_is_not_believed() -> None:
    """A responder cannot bring another's CLAIM, nor one whose signature is wrong."""
    world = World(9)
    world.begin()
    claim = Claim(world.call.id, R1, 0, NOTHING, (), 0, 0, NOTHING, r.Manner.PERSON)
    true = seal(claim, NETWORK, key(101)).cell.rstrip(b"\x00")
    spoiled = seal(evolve(claim, signer=R0), NETWORK, key(100)).cell.rstrip(b"\x00")[:-2] + b"\x01\x02"
    for number, enclosure in enumerate([true, spoiled, b"junk", b"\x00" * 3000]):
        for frame in forged(world, signer=100 if number < 2 else 102 + number, enclosure=enclosure):
            admit(world.victim, frame)
    assert not any(h.claimed for h in world.victim.machine.view.helpers)


def test_another_exchange_key_of_the_same_responder_is_refused() -> None:
    """Whoever has R's signing key alone cannot take over R's conversation."""
    world = met(World(10))
    before = world.victim.machine.view.letters
    for frame in forged(world):
        admit(world.victim, frame)
    assert world.victim.machine.view.letters == before
    assert world.victim.machine._office.refusals


# ------------------------------------------------------------------------- decisions


def test_only_the_accepted_read_the_details() -> None:
    """The one that was accepted reads the situation; the others read nothing, and the victim's side says why."""
    world = met(World(11, responders=2))
    victim = world.victim.machine
    assert "accept" in victim.refusal(VictimWrites(R0, "hello"))
    assert "nobody" in victim.refusal(VictimWrites(None, "hello"))
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT, "come"))
    world.victim.give(VictimWrites(None, "the room is 4"))
    world.run(world.now + 60)
    first, second = (party.machine.letters(world.call.id) for party in world.responders)
    assert [x.text for x in first if x.direction == "in"] == [f"come\n\n{SITUATION}", "the room is 4"]
    assert [x for x in second if x.direction == "in"] == []
    assert "already" in victim.refusal(VictimDecides(R0, LetterKind.ACCEPT))
    assert "not written" in victim.refusal(VictimDecides(key(9).public, LetterKind.ACCEPT))


def test_one_limit_for_all_that_people_seal() -> None:
    """A letter may be as long as a situation may, on both sides; and the longest situation leaves room for a word."""
    world = met(World(14))
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT))
    helper, fits, long = world.responders[0].machine, "x" * TEXT_BYTES_MAX, "x" * (TEXT_BYTES_MAX + 1)
    for machine, letter in (
        (world.victim.machine, partial(VictimWrites, R0)),
        (helper, partial(OperatorWrites, world.call.id)),
    ):
        assert machine.refusal(letter(fits)) is None
        assert machine.refusal(letter(long)) == text_fault(long) is not None
    assert letter_fault(accept_text("You first, please.", fits)) is None


def test_letters_of_the_unaccepted_are_readable() -> None:
    """A helper that was not accepted may write; the victim reads it, and it is acknowledged."""
    world = met(World(12))
    world.responders[0].give(OperatorWrites(world.call.id, "shall we?"))
    world.run(world.now + 120)
    assert [x.text for x in world.victim.machine.view.letters if x.kind is LetterKind.TEXT] == ["shall we?"]
    assert all(x.delivered for x in world.responders[0].machine.letters(world.call.id))


def test_a_refusal_takes_back_what_was_not_delivered() -> None:
    """Details that a refused helper has not received yet never leave; the numbers stay whole."""
    world = met(World(13))
    world.loss = 1.0
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT))
    world.victim.give(VictimDecides(R0, LetterKind.REFUSE, "sorry"))
    world.loss = 0.0
    world.run(world.now + HOUR_S)
    read = [x for x in world.responders[0].machine.letters(world.call.id) if x.direction == "in"]
    assert [(x.kind, x.text) for x in read] == [(LetterKind.REFUSE, "sorry")]
    assert [h.decision for h in world.victim.machine.view.helpers] == ["refused"]
    assert world.responders[0].machine._office.conversations(world.call.id)[0].contiguous == 2


# ------------------------------------------------------------------------- coming back


def test_a_case_file_holds_what_it_was_given() -> None:
    """The first rows of a case give the secrets back; junk gives none."""
    world = World(20)
    assert secrets_of(case_rows(world.secrets)) == world.secrets
    assert secrets_of(()) is None
    assert secrets_of(((b"secrets", b"\xc1"),)) is None
    assert closed_case(case_rows(world.secrets)) is None


def test_a_case_comes_back_whole() -> None:
    """A process that starts from the rows shows the same case as the one before it."""
    world = met(World(21, responders=3))
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT))
    world.victim.give(VictimDecides(R1, LetterKind.REFUSE))
    world.victim.give(VictimUpdates({"severity": r.Severity.EMERGENCY}))
    world.run(world.now + 60)
    before = world.victim.machine.view
    world.victim.start()
    after = world.victim.machine.view
    assert after == before
    sequences = [m.sequence for m in published(world.victim, Attest) + published(world.victim, Update)]
    world.victim.give(VictimRequisitions(R0, ()))
    assert published(world.victim, Requisition)[0].sequence > max(sequences)


def test_nothing_before_the_call() -> None:
    """Without a call every order is refused, and nothing is kept or said."""
    world = World(22)
    assert "No call" in world.victim.machine.refusal(VictimCancels())
    world.victim.give(VictimCancels())
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT))
    assert world.victim.published == []
    assert world.victim.machine.view is None
    world.begin()
    assert "already" in world.victim.machine.refusal(VictimCalls(world.call))


def test_all_that_is_sent_avoids_the_listener() -> None:
    """Whatever the case publishes, letters included, is kept from the listener."""
    world = World(23)
    joined(world.victim, "relay")
    joined(world.victim, "listener")
    met(world)
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT))
    world.run(world.now + 60)
    kinds = {type(p.frame.message) for _, p in world.victim.published}
    assert {Attest, Letter} <= kinds
    assert all(isinstance(p, Publish) and p.avoid == ("listener",) for _, p in world.victim.published)


def test_bounded_correspondents(monkeypatch: pytest.MonkeyPatch) -> None:
    """When all places are taken, rank decides, whoever came first, and the accepted stay."""
    monkeypatch.setattr("p2p_sos.core.letters.post_office.CORRESPONDENTS_MAX", 4)
    seated = []
    for order in (range(10), range(9, -1, -1)):
        world = World(24, responders=0)
        world.begin()
        for number in order:
            for frame in forged(world, signer=100 + number):
                admit(world.victim, frame)
        assert isinstance(world.victim.machine, Case)
        office = world.victim.machine._office
        seated.append(sorted(c.correspondent for c in office.conversations(world.call.id)))
    assert seated[0] == seated[1]
    assert len(seated[0]) == 4
