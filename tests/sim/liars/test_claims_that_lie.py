"""Black holes, equivocators and slot hoarders do what they are there to do, and what stops them."""

from p2p_sos.sim.liars.black_hole import black_hole
from p2p_sos.sim.liars.equivocator import equivocator
from p2p_sos.sim.liars.slot_hoarder import slot_hoarder
from tests.sim.liars.stage import lie


def test_a_black_hole_claims_renews_and_never_writes() -> None:
    """Its claim is seen and lives; the victim never reads a word of it, and attests it never."""
    lied = lie(black_hole())
    assert [claim.signer for claim in lied.signed("CLAIM")] == [lied.liar]
    assert len(lied.signed("RENEW")) >= 2
    assert lied.liar not in [r[5] for r in lied.of("signed") if r[3] == "LETTER"]
    assert lied.liar not in [r[4] for r in lied.of("attested")]
    assert lied.liar in [r[4] for r in lied.of("claim-at-victim")]


def test_a_black_hole_that_leads_writes_a_roster_and_reports() -> None:
    """It is as quick as the quickest."""
    lied = lie(black_hole(leads=True))
    assert len(lied.signed("ROSTER")) == 1
    assert len(lied.signed("SITREP")) >= 3


def test_an_equivocator_is_convicted_everywhere() -> None:
    """Half of its neighbours heard of a claim and half of a refusal, under one sequence."""
    lied = lie(equivocator())
    words = [*lied.signed("CLAIM"), *lied.signed("DECLINE")]
    assert {(word.call, word.sequence) for word in words} == {(words[0].call, 0)}
    assert len(words) == 2
    convicted = [r for r in lied.of("convicted") if r[3] == lied.liar]
    assert len({r[1] for r in convicted}) >= len(lied.facts.honest)


def test_a_hoarder_promises_one_slot_to_two_calls() -> None:
    """Two signatures over one place of a slot: that convicts."""
    lied = lie(slot_hoarder(), calls=2)
    claims = lied.signed("CLAIM")
    assert len({claim.call for claim in claims}) == 2
    assert len({(claim.slot, claim.slot_epoch) for claim in claims}) == 1
    assert len({r[1] for r in lied.of("convicted")}) >= len(lied.facts.honest)


def test_a_slot_beyond_the_card_counts_nowhere_and_convicts_nobody() -> None:
    """It is no proof of anything: its claim is void."""
    lied = lie(slot_hoarder(beyond=True))
    assert lied.of("convicted") == []
    call = next(iter(lied.facts.calls))
    for node in lied.honest_nodes():
        claim = node.calls[call].view.claim_of(lied.liar)
        assert claim is not None
        assert claim.void


def test_an_honest_city_convicts_nobody() -> None:
    """Control: without liars none of this happens."""
    lied = lie()
    assert lied.of("convicted") == []
    assert lied.signed("CLAIM") == []
