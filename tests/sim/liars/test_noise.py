"""Forgers, replayers, withholders, flooders, perjurers and quitters do what they are there to do, in vain."""

from p2p_sos.core.events import VictimCancels
from p2p_sos.core.tables import Table
from p2p_sos.sim.liars.flooder import Flood, flooder
from p2p_sos.sim.liars.forger import forger
from p2p_sos.sim.liars.perjurer import perjurer
from p2p_sos.sim.liars.quitter import quitter
from p2p_sos.sim.liars.replayer import replayer
from p2p_sos.sim.liars.withholder import withholder
from p2p_sos.sim.world import World
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.registry import Kind
from tests.sim.liars.stage import lie


def test_a_forger_is_believed_by_nobody_and_dropped() -> None:
    """No requisition, no closing, no release but true ones; its neighbours close the link."""
    lied = lie(forger())
    assert [r for r in lied.of("dropped") if r[3] == "n0"]
    assert lied.of("closed") == []
    assert [r for r in lied.of("view") if r[5] or r[8] is not None] == []
    forged = [r for r in lied.of("signed") if r[3] in ("CANCEL", "REQUISITION", "RELEASE")]
    assert forged
    assert not any(r[7] for r in forged)


def test_a_replayer_repeats_and_changes_nothing() -> None:
    """With one, the same is signed by honest nodes as in a world where the place only relays."""
    lied = lie(replayer())
    assert len(lied.world["n0"].sitter.cells) > 5  # type: ignore[union-attr]
    assert [r for r in lied.of("dropped")] == []
    assert lied.of("closed") == []


def test_a_replayed_closing_closes_its_own_call_alone() -> None:
    """One victim cancels; the other call stays open."""

    def cancel(world: World) -> None:
        world.schedule(6.0, lambda: world.operate("victim", VictimCancels()))

    lied = lie(replayer(), calls=2, also=cancel)
    assert {r[3] for r in lied.of("closed")} == {lied.world.call_of("victim")}


def test_a_withholder_passes_nothing_on() -> None:
    """Neither a cell of others nor an announcement leaves it; its own words do."""
    lied = lie(withholder())
    plain = lie()
    place, told = lied.world["n0"], lied.world["n0"].sitter
    assert place.responder is not None
    assert told is not None
    assert told._withheld  # type: ignore[attr-defined]
    assert {r[1] for r in lied.of("heard")} == {r[1] for r in plain.of("heard")} - {"n0"}


def test_a_withholder_of_one_kind_passes_on_the_rest() -> None:
    """Only what it is told to keep is kept back."""
    lied = lie(withholder((Kind.LETTER,)))
    place = lied.world["n0"]
    frames = [lied.world.shared.decode(value[8:]) for value in place.store.rows[Table.CELL].values()]
    letters = [f for f in frames if isinstance(f, Frame) and f.message.KIND is Kind.LETTER]
    others = [lied.world.shared.gossip_id(f.cell) for f in letters if f.message.signer != lied.liar]
    assert others
    assert sorted(place.sitter._withheld) == sorted(others)  # type: ignore[union-attr]


def test_a_flood_of_claims_fills_no_place() -> None:
    """Keys without cards never lead, and honest helpers come all the same."""
    lied = lie(flooder(Flood(claims=150, claims_per_s=100, letters=5, calls=2)))
    assert len([r for r in lied.of("signed") if r[3] == "CLAIM" and not r[7]]) == 150
    call = lied.world.call_of("victim")
    for node in lied.honest_nodes():
        view = node.calls[call].view
        assert view.lead in [lied.facts.keys[name][0] for name in lied.facts.honest]
        honest = [c for c in view.helpers if lied.facts.is_honest(c.responder)]
        assert len(honest) >= 5


def test_a_perjurer_convicts_nobody() -> None:
    """Its proofs are refused, and it is dropped for them."""
    lied = lie(perjurer())
    assert [r for r in lied.of("signed") if r[3] == "PROOF"]
    assert lied.of("convicted") == []
    assert [r for r in lied.of("dropped") if r[3] == "n0"]


def test_a_quitter_stands_down_and_closes_nothing() -> None:
    """One word is not enough anywhere, and here no root vouches for it."""
    lied = lie(quitter(5.0))
    assert [word.signer for word in lied.signed("STAND_DOWN")] == [lied.liar]
    assert lied.of("closed") == []
