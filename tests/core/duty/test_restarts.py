"""What a node still counts after a restart, and what it need not keep for one."""

from random import Random

import pytest

from p2p_sos.core.board.judge import Judge
from p2p_sos.core.calls.calls import Calls
from p2p_sos.core.calls.cards import Cards
from p2p_sos.core.duty.author import REGISTER_PREFIXES, Author
from p2p_sos.core.duty.bands import Bands
from p2p_sos.core.events import VictimCancels
from p2p_sos.core.tables import Table
from p2p_sos.wire.messages import CallId, Claim, Renew
from p2p_sos.wire.registry import S1, Manner, Severity
from tests.core import mail
from tests.core.world import World, city

ME = mail.key("me")
FITTER = [mail.key(f"fitter {index}") for index in range(5 * S1.k)]
HEARD_AT, AGAIN_AT = 100.0, 100.0 + 8 * S1.progress_silent_s
SAID = (b"log:", *REGISTER_PREFIXES.values())


@pytest.mark.parametrize(("earlier", "wanted"), [(HEARD_AT, True), (None, False)])
def test_bands_count_from_the_hearing(earlier: float | None, wanted: bool) -> None:
    """A node far behind others that is back minutes later answers W after its start; counted from the start it waits on."""
    call, cards = mail.the_call(severity=Severity.SEVERE), Cards()
    calls = Calls(8)
    bands = Bands(ME.public, calls, cards, Judge(), Random(1))
    cards.offer(mail.card(ME), 0.0)
    for who in FITTER:
        cards.offer(mail.card(who, duty_hours=2**24 - 1), 0.0)
    calls.open(call, 0.0, AGAIN_AT)
    bands.watch(call.id, AGAIN_AT, earlier)
    assert not bands.look(call.id, AGAIN_AT).wanted
    assert not bands.look(call.id, AGAIN_AT + S1.band_wait_s - 0.1).wanted
    assert bands.look(call.id, AGAIN_AT + S1.band_wait_s).wanted is wanted


def rows_of(world: World, name: str, call: CallId) -> list[bytes]:
    """The rows of what a node said in a call."""
    return [row for row in world[name].store.rows[Table.COUNTER] if row in [tag + call for tag in SAID]]


def test_the_rows_of_a_closed_call_go() -> None:
    """Who claimed keeps how far it counted while the call is open (control), and nothing of it once the call is closed."""
    world = city(3)
    call = world.call("victim")
    world.run(10.0)
    names = ["node0", "node1", "node2"]
    assert all(len(rows_of(world, name, call)) >= 2 for name in names)
    world.tell("victim", VictimCancels())
    world.run(10.0)
    assert [rows_of(world, name, call) for name in names] == [[], [], []]


def test_what_was_forgotten_names_its_rows() -> None:
    """All rows that were written for a call, once; of another call none."""
    author, one, other = Author(ME, mail.NETWORK), mail.the_call(), mail.the_call(severity=Severity.LOW)
    kept = []
    for call in (one, other):
        row, claim = author.sign(
            Claim, call.id, (), slot=0, slot_epoch=0, card=bytes(32), manner=Manner.AUTOMATIC
        )
        rows, _ = author.sign_register(Renew, call.id, claim=claim.id)
        kept.append([row.key, *(row.key for row in rows)])
    assert author.calls() == (one.id, other.id)
    assert [gone.key for gone in author.forget(one.id)] == kept[0]
    assert author.forget(one.id) == ()
    assert author.calls() == (other.id,)
