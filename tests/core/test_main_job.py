"""The main job end to end in rough worlds: whatever breaks on the way, it comes to pass once everything is mended."""

from typing import Any

import pytest
from attrs import evolve

from p2p_sos.core.case.case_view import CasePhase
from p2p_sos.core.events import StoreFailed, StoreRecovered, VictimCalls, VictimDecides, VictimWrites
from p2p_sos.core.letters import post_office
from p2p_sos.core.notices import LetterArrived
from p2p_sos.wire.frames import seal
from p2p_sos.wire.hashing import gossip_id
from p2p_sos.wire.messages import Letter
from p2p_sos.wire.registry import CALL_EPOCH_S, LetterKind
from tests.core.job import VICTIM, Job, Terms
from tests.core.rough import RoughWorld
from tests.core.world import START_UNIX_S, responder, stamped_call, victim

CALM = Terms(nodes=3, shape="line", relays=1, loss=0.0, faults=0.0, late=0, rough_s=20.0)
STALLED = Terms(nodes=5, shape="random", relays=2, loss=0.0, faults=0.5, late=0, rough_s=30.0)


@pytest.mark.parametrize("seed", range(20))
def test_the_main_job_comes_to_pass(seed: int) -> None:
    """Heard, claimed, attested, accepted, every letter there once, complied, cleared everywhere; nothing said twice.

    Links flap, lose and are replaced; processes stand still and die around their commits; nodes come late.
    """
    assert Job(seed).play() == []


@pytest.mark.parametrize("seed", range(2))
def test_one_seed_gives_one_trace(seed: int) -> None:
    """A play is a function of its seed."""
    plays = [Job(seed, STALLED), Job(seed, STALLED)]
    assert [job.play() for job in plays] == [[], []]
    assert plays[0].world.digest == plays[1].world.digest


def losing_letters(seed: int, settle_s: float) -> list[str]:
    """A calm play in which every third cell of a letter arrives nowhere."""
    job = Job(seed, CALM, settle_s)
    job.world.letters_lost = 3
    return job.play()


def test_letters_are_repeated_as_fresh_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that relays do not take costs a letter time alone; without repeats (control) letters stay away."""
    assert losing_letters(1, 1500.0) == []
    monkeypatch.setattr(post_office, "REPEAT_FIRST_S", 1e9)
    monkeypatch.setattr(post_office, "REPEAT_LAST_S", 1e9)
    assert losing_letters(1, 300.0) != []


def test_the_play_notices_a_number_that_is_used_twice() -> None:
    """Control: one more letter under a number that was used is found."""
    job = Job(0, CALM)
    assert job.play() == []
    said = job.world.said
    key = victim().call_key
    written = [frame.message for frame in said.values() if frame.message.signer == key.public]
    letter = next(message for message in written if isinstance(message, Letter))
    other = evolve(letter, sealed=bytes(len(letter.sealed)))
    said[b"another"] = seal(other, job.world.profile.network, key)
    assert len(job.world.reused()) == 1


def one_relay() -> RoughWorld:
    """A victim whose only peer is its only helper."""
    world = RoughWorld(3)
    world.add("relay", responder=responder("relay"))
    world.add(VICTIM, victim=victim())
    world.link(VICTIM, "relay")
    world.run(3.0)
    return world


@pytest.mark.parametrize("full_s", [1.0, 20.0, 50.0, 200.0])
def test_a_relay_that_could_not_take_the_call_gets_it_later(full_s: float) -> None:
    """A relay whose disk was full when the CALL came, on a link that stands, takes it soon after there is room."""
    world = one_relay()
    world.tell("relay", StoreFailed("the disk is full"))
    call = world.call(VICTIM)
    world.run(full_s)
    assert call not in world.node("relay").calls
    world.tell("relay", StoreRecovered())
    world.run(20.0 + 2 * full_s)
    case = world.node(VICTIM).case
    assert case is not None
    assert case.phase is CasePhase.HEARD
    assert call in world.node("relay").calls


def names(rpc: Any, cell: bytes) -> bool:
    """Whether a frame carries or announces this cell."""
    announced = [known for _, ids in rpc.ihave for known in ids]
    return cell in announced or cell in [carried.id for carried in rpc.messages]


def test_a_call_that_is_heard_is_not_said_again() -> None:
    """The victim insists while nobody answers, ever more rarely, and no longer once it is heard."""
    world = one_relay()
    world.tell("relay", StoreFailed("the disk is full"))
    frame = stamped_call(victim(), epoch=int(START_UNIX_S + world.now) // CALL_EPOCH_S)
    world.tell(VICTIM, VictimCalls(frame))
    sent = []
    send = world._send

    def watch(name: str, peer: str, rpc: object) -> None:
        sent.append((world.now, name, rpc))
        send(name, peer, rpc)  # type: ignore[arg-type]

    world._send = watch  # type: ignore[method-assign]
    world.run(600.0)
    told = [
        at for at, name, rpc in sent if name == VICTIM and names(rpc, gossip_id(frame.cell, canonical=True))
    ]
    assert 5 <= len(told) <= 40
    assert told[-1] > 200.0
    world.tell("relay", StoreRecovered())
    world.run(600.0)
    assert world.node(VICTIM).case.heard  # type: ignore[union-attr]
    sent.clear()
    world.run(600.0)
    assert [at for at, name, rpc in sent if name == VICTIM and rpc.messages] == []  # type: ignore[attr-defined]


def test_a_helper_that_comes_late_reads_what_it_is_told() -> None:
    """Old letters that a late node catches up on do not use up what it takes of the victim's new ones."""
    world = RoughWorld(1)
    for name in ("node0", "node1"):
        world.add(name, responder=responder(name))
    world.link("node1", "node0")
    world.add(VICTIM, victim=victim())
    world.link(VICTIM, "node0")
    world.run(3.0)
    world.call(VICTIM)
    world.run(10.0)
    early, late = (responder(name).key.public for name in ("node1", "late"))
    world.tell(VICTIM, VictimDecides(early, LetterKind.ACCEPT))
    for number in range(26):
        world.tell(VICTIM, VictimWrites(early, f"v{number}"))
        world.run(42.0)
    world.add("late", responder=responder("late"))
    world.link("late", "node0")
    world.run(20.0)
    world.tell(VICTIM, VictimDecides(late, LetterKind.ACCEPT))
    world.run(20.0)
    assert [letter.kind for letter in world["late"].told(LetterArrived)] == [LetterKind.ACCEPT]
