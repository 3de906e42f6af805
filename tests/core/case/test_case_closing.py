"""The end of a case: what still goes out, which keys go, and what a crash in the middle leaves."""

from typing import Any

import pytest

from p2p_sos.core.case.case import CasePhase, closed_case, secrets_of
from p2p_sos.core.events import (
    OperatorWrites,
    VictimCancels,
    VictimClears,
    VictimDecides,
    VictimWrites,
)
from p2p_sos.core.tables import Table
from p2p_sos.wire.registry import LetterKind
from tests.core.correspondents import World, joined, key, met

R0 = key(100).public
HOUR_S = 3600.0


@pytest.mark.parametrize(("order", "how"), [(VictimCancels(), "cancelled"), (VictimClears(), "cleared")])
def test_closing_destroys_the_keys(order: Any, how: str) -> None:
    """After the linger no row holds a key, nothing opens, nothing is sent; what was said stays with the victim alone."""
    world = met(World(16))
    world.victim.give(VictimDecides(R0, LetterKind.ACCEPT))
    world.victim.give(VictimWrites(R0, "under way"))
    world.victim.give(order)
    world.run(world.now + 30)
    assert [x.text for x in world.responders[0].machine.letters(world.call.id)][-1]
    world.run(world.now + 60)
    victim, helper = world.victim, world.responders[0]
    assert (victim.machine.view.phase, victim.machine.view.closed_how) == (CasePhase.CLOSED, how)
    assert victim.machine.view.keys_gone
    assert secrets_of(tuple(victim.rows[Table.CASE].items())) is None
    secrets = [world.secrets.call_key.seed, world.secrets.exchange_seed]
    for party in (victim, helper):
        rows = [value for table in party.rows.values() for value in table.values()]
        assert not any(secret in value for secret in secrets for value in rows)
    assert helper.rows[Table.SESSION] == {}
    assert helper.rows[Table.COUNTER] == {}
    assert any(x.text == "under way" for x in helper.machine.letters(world.call.id)), "until the process ends"
    assert victim.rows[Table.SESSION]
    assert "closed" in victim.machine.refusal(VictimWrites(R0, "more"))
    assert "over" in helper.machine.refusal(OperatorWrites(world.call.id, "more"))
    cells = len(victim.letter_cells()) + len(helper.letter_cells())
    world.run(world.now + HOUR_S)
    assert len(victim.letter_cells()) + len(helper.letter_cells()) == cells
    view = closed_case(tuple(victim.rows[Table.CASE].items()))
    assert view is not None
    assert (view.call, view.closed_how, view.keys_gone) == (world.call.id, how, True)


def test_the_closing_message_reaches_late_relays() -> None:
    """Every relay that joins after the closing hears of it, even when the keys are gone."""
    world = met(World(17))
    world.victim.give(VictimCancels())
    world.run(world.now + 200)
    before = len(world.victim.published)
    joined(world.victim, "late")
    again = [type(p.frame.message).__name__ for _, p in world.victim.published[before:]]
    assert "Call" in again
    assert "Cancel" in again


@pytest.mark.parametrize("crash_after", [0, 1, 2, 3])
def test_a_crash_while_closing(crash_after: int) -> None:
    """Wherever the crash falls, the case is either open or closed with its message out, and the keys go in time."""
    world = met(World(18))
    world.victim.give(VictimCancels(), crash_after)
    said = [p for _, p in world.victim.published if type(p.frame.message).__name__ == "Cancel"]
    closed = world.victim.machine.view.phase is CasePhase.CLOSED
    assert bool(said) is closed
    world.run(world.now + 90)
    assert world.victim.machine.view.keys_gone is closed


def test_a_responder_that_was_down_forgets_at_its_start() -> None:
    """A process that slept through the linger destroys the keys when it starts, and does not begin anew."""
    world = met(World(19))
    world.victim.give(VictimClears())
    world.run(world.now + 5)
    party = world.responders[0]
    party.run += 1  # its timers die with it
    world.run(world.now + HOUR_S)
    party.start()
    world.run(world.now + 1)
    assert party.rows[Table.SESSION] == {}
    party.start()
    world.run(world.now + 100)
    assert party.rows[Table.SESSION] == {}, "the old CLAIM in the store begins no new conversation"
