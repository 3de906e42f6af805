"""P3."""

from attrs import evolve

from p2p_sos.sim.checkers.closing import check
from p2p_sos.wire.messages import NOTHING, AllClear, Attest, StandDown
from tests.sim.checkers.stage import CALL, NAMES, VICTIM_KEY, Stage, key, log

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
