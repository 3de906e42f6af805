"""P3."""

from attrs import evolve

from p2p_sos.sim.checkers.closing import check
from p2p_sos.wire.messages import NOTHING, AllClear, Attest, StandDown
from tests.sim.checkers.stage import CALL, NAMES, VICTIM_KEY, Stage, claim, key, log, release, update

SPEAKERS = NAMES[:3]  # f + 1 of S1


def _attested(stage: Stage, *names: str, at_s: float = 1.0) -> None:
    keys = tuple(sorted(key(name) for name in names))
    attest = Attest(call=CALL, signer=VICTIM_KEY, sequence=1, previous=NOTHING, heads=(), responders=keys)
    stage.signed(at_s, "victim", attest)


def _stood_down(names: tuple[str, ...] = SPEAKERS, *, attested: tuple[str, ...] = SPEAKERS) -> Stage:
    stage = Stage()
    stage.change(groups={key(n): n.encode() for n in NAMES}, rooted=tuple(key(n) for n in NAMES))
    _attested(stage, *attested)
    for name in names:
        stage.signed(60.0, name, log(StandDown, name, 5))
    stage.add(61.0, "n4", "closed", CALL, "stood-down")
    return stage


def test_the_ways_to_close() -> None:
    """The victim's word; enough attested rooted groups while it was silent; the end of life."""
    stage = Stage()
    stage.signed(1.0, "victim", AllClear(call=CALL, signer=VICTIM_KEY, sequence=1))
    stage.add(1.1, "n0", "closed", CALL, "cleared")
    assert check(stage.trace, stage.facts) == ()
    stage = _stood_down()
    assert check(stage.trace, stage.facts) == ()
    stage = Stage()
    stage.change(calls={CALL: evolve(stage.facts.calls[CALL], ends_s=50.0)})
    stage.add(50.0, "n0", "ended", CALL, "expired")
    assert check(stage.trace, stage.facts) == ()


def test_nothing_else_closes() -> None:
    """No word; too few groups; groups that no root vouches for; one group twice; nobody attested; before the end."""
    stage = Stage()
    stage.add(1.1, "n0", "closed", CALL, "cleared")
    assert len(check(stage.trace, stage.facts)) == 1
    stage = _stood_down(SPEAKERS[:2])
    assert len(check(stage.trace, stage.facts)) == 1
    stage = _stood_down()
    stage.change(rooted=())
    assert len(check(stage.trace, stage.facts)) == 1
    stage = _stood_down()
    stage.change(groups={key(name): b"one" for name in NAMES})
    assert len(check(stage.trace, stage.facts)) == 1
    stage = _stood_down(attested=SPEAKERS[:2])
    assert len(check(stage.trace, stage.facts)) == 1
    stage = Stage()
    stage.change(calls={CALL: evolve(stage.facts.calls[CALL], ends_s=50.0)})
    stage.add(49.0, "n0", "ended", CALL, "expired")
    assert len(check(stage.trace, stage.facts)) == 1


def test_a_victim_that_speaks_is_not_stood_down() -> None:
    """The victim spoke twenty seconds before; from behind a cut that does not count."""
    stage = _stood_down()
    _attested(stage, "n0", "n1", at_s=40.0)
    stage.trace.records.sort(key=lambda record: record[0])
    assert len(check(stage.trace, stage.facts)) == 1
    stage.components((-15.0, (("victim",), NAMES)))
    assert check(stage.trace, stage.facts) == ()


def _spoken_for(spoke_s: float | None = None) -> Stage:
    """The victim named nobody; four helpers attest one another, and three of them stand down."""
    stage = Stage()
    stage.change(groups={key(n): n.encode() for n in NAMES}, rooted=tuple(key(n) for n in NAMES))
    keys = tuple(sorted(key(name) for name in NAMES[:4]))
    for name in NAMES[:4]:
        stage.signed(1.0, name, claim(name))
        others = tuple(one for one in keys if one != key(name))
        stage.signed(30.0, name, log(Attest, name, 1, responders=others))
    if spoke_s is not None:
        stage.signed(spoke_s, "victim", update())
    for name in SPEAKERS:
        stage.signed(60.0, name, log(StandDown, name, 5))
    return stage


def _faults(stage: Stage, at_s: float = 90.0) -> int:
    """How many closings of one node, at the end, are refused."""
    stage.trace.records.sort(key=lambda record: record[0])
    stage.add(at_s, "n4", "closed", CALL, "stood-down")
    return len(check(stage.trace, stage.facts))


def test_others_attest_only_while_the_victim_said_nothing() -> None:
    """Once it did, nobody whom it did not name counts, and dying takes its word back from nobody who had heard it."""
    assert _faults(_spoken_for()) == 0
    assert _faults(_spoken_for(spoke_s=5.0)) == 1
    stage = _spoken_for(spoke_s=5.0)
    stage.components((-15.0, ((*NAMES, "victim"),)), (20.0, (NAMES,)))
    assert _faults(stage) == 1


def test_a_word_of_the_victim_that_may_be_on_its_way_is_held_against_nobody() -> None:
    """It died before anybody need have heard it; or the node lost its disk since, and the victim was gone."""
    stage = _spoken_for(spoke_s=5.0)
    stage.components((-15.0, ((*NAMES, "victim"),)), (5.3, (NAMES,)))
    assert _faults(stage) == 0
    stage = _spoken_for(spoke_s=5.0)
    stage.components((-15.0, ((*NAMES, "victim"),)), (20.0, (NAMES,)))
    stage.change(keys={**stage.facts.keys, "n4": (key("n4"), b"another".ljust(32))})
    stage.add(25.0, "n4", "up", 2)
    assert _faults(stage) == 0


def test_whoever_claims_again_has_not_stood_down() -> None:
    """Their newest word counts, as soon as it must be known; one that is older, or forged, or on its way changes nothing."""
    for claimed_s, sequence, honest, faults in (
        (70.0, 6, True, 1), (89.5, 6, True, 0), (70.0, 4, True, 0), (70.0, 6, False, 0),
    ):  # fmt: skip
        stage = _stood_down()
        stage.trace.records.pop()  # it closes later
        for name in SPEAKERS:
            stage.signed(claimed_s, name, claim(name, sequence, slot_epoch=1), honest=honest)
        assert _faults(stage) == faults
        stage = _stood_down(SPEAKERS, attested=SPEAKERS)
        stage.trace.records.pop()
        stage.signed(claimed_s, "n0", release("n0", sequence), honest=honest)
        assert _faults(stage) == faults


def test_a_liar_that_claims_again_counts_where_that_is_not_held() -> None:
    """It may have told some alone: who holds the new claim may not close, who does not may."""
    for holder, faults in (("n4", 1), ("n3", 0)):
        stage = _stood_down()
        stage.trace.records.pop()
        stage.change(liars=("n0",))
        again = stage.signed(70.0, "n0", claim("n0", 6, slot_epoch=1), honest=False)
        stage.add(70.1, holder, "held", key("n0"), again)
        assert _faults(stage) == faults


def test_whoever_is_convicted_closes_nothing() -> None:
    """Neither its own word counts, nor what it attested; where the proof is not held they do."""
    for holder, faults in (("n4", 1), ("n3", 0)):
        stage = _stood_down()
        stage.trace.records.pop()
        stage.add(50.0, holder, "convicted", key("n0"))
        assert _faults(stage) == faults
        stage = _spoken_for()
        stage.add(50.0, holder, "convicted", key("n3"))  # attests, and does not stand down
        assert _faults(stage) == faults


def test_whoever_released_attests_nobody() -> None:
    """What its writer attested in the victim's place counts no more."""
    stage = _spoken_for()
    stage.signed(65.0, "n3", release("n3", 2))
    assert _faults(stage) == 1


def test_forged_words_close_nothing() -> None:
    """Three STAND_DOWNs under honest keys that do not verify; and such a word of the victim opens nothing."""
    stage = _stood_down(())
    stage.trace.records.pop()
    for name in SPEAKERS:
        stage.signed(60.0, name, log(StandDown, name, 5), honest=False)
    assert _faults(stage) == 1
    stage = _stood_down()
    stage.trace.records.pop()
    stage.signed(85.0, "victim", update(2), honest=False)
    assert _faults(stage) == 0


def test_the_victim_s_own_node_is_closed_by_nobody_else() -> None:
    """Whoever sits there knows better."""
    stage = _stood_down()
    stage.add(61.0, "victim", "closed", CALL, "stood-down")
    assert [v.node for v in check(stage.trace, stage.facts)] == ["victim"]
