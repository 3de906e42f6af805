"""Who lets its own messages out: what a caller showed the mesh before the mesh showed it to the caller."""

from p2p_sos.sim.origin.watch import Own

CELL = b"\x01" * 2048
FRAME = b"head" + CELL + b"tail"


def test_what_came_back_may_be_shown():
    """By gossip or by sync; then it is anybody's."""
    by_gossip, by_sync = Own(), Own()
    for own in (by_gossip, by_sync):
        own.says(b"id", CELL, hidden=True)
    by_gossip.came(b"id", hidden=False)
    by_sync.synced(FRAME)
    for own in (by_gossip, by_sync):
        own.says(b"id", CELL, hidden=False)
        own.gives(FRAME)
        assert own.let_out == {}


def test_what_did_not_come_back_may_not():
    """Control: sent, announced or given by sync, each is seen."""
    for shows in (
        lambda own: own.says(b"id", CELL, hidden=False),
        lambda own: own.says(b"id", None, hidden=False),
        lambda own: own.gives(FRAME),
    ):
        own = Own()
        own.says(b"id", CELL, hidden=True)
        assert own.let_out == {}
        shows(own)
        assert list(own.let_out) == [b"id"]


def test_a_cell_that_came_back_by_stem_is_still_hidden():
    """A relay of the stem can send it back; the mesh has not seen it."""
    own = Own()
    own.says(b"id", CELL, hidden=True)
    own.came(b"id", hidden=True)
    own.says(b"id", CELL, hidden=False)
    assert list(own.let_out) == [b"id"]


def test_a_later_message_counts_as_the_call_does():
    """Every message of the case, whoever let it out first."""
    own = Own()
    own.says(b"call", CELL, hidden=True)
    own.came(b"call", hidden=False)
    own.says(b"update", None, hidden=False)
    assert list(own.let_out) == [b"update"]


def test_what_others_said_is_nobodys_secret_here():
    """Relayed by stem or by gossip: a relay lets out cells of others."""
    own = Own()
    own.came(b"theirs", hidden=True)
    own.says(b"theirs", CELL, hidden=False)
    assert (own.said, own.let_out) == ({}, {})
