"""Estimators, shown traces of which the truth is known, and broken ones."""

import pytest

from p2p_sos.sim.origin.estimators import ESTIMATORS, NEW_S, newcomer
from p2p_sos.sim.origin.notebook import EARLIEST_MAX, Notebook, Sighting, Via

CALL, UPDATE = b"call", b"update"


def seen(at, peer, via=Via.GOSSIP, spy="s1", flight_s=0.0):
    """A sighting."""
    return Sighting(at, at - flight_s, spy, peer, via)


def notebook(*sightings, cell=CALL, spies=("s1", "s2"), mute=False):
    """A notebook that holds these."""
    made = Notebook(dict.fromkeys(spies), mute)
    for sighting in sightings:
        made.write(cell, sighting)
    return made


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_who_saw_nothing_names_nobody(name):
    """An empty notebook, and one about another call."""
    assert ESTIMATORS[name](notebook(), [CALL]) is None
    assert ESTIMATORS[name](notebook(seen(1.0, "a")), [UPDATE]) is None


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_by_gossip_the_first_is_named(name):
    """Whoever sent it to a spy before all others, in whatever order the spies wrote it down."""
    assert ESTIMATORS[name](notebook(seen(2.0, "b"), seen(1.0, "a", spy="s2")), [CALL]) == "a"


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_what_came_by_stem_counts_before_gossip(name):
    """After the stem the first in the mesh is a relay: who handed the cell to a spy on the stem is nearer to the caller."""
    book = notebook(seen(1.0, "relay"), seen(2.0, "caller", Via.STEM))
    assert ESTIMATORS[name](book, [CALL]) == "caller"


def test_a_long_link_does_not_hide_who_sent_first():
    """The spy takes the flight off; the estimator that does not is misled."""
    book = notebook(seen(1.0, "relay", flight_s=0.01), seen(1.1, "caller", spy="s2", flight_s=0.18))
    assert ESTIMATORS["earliest_sender"](book, [CALL]) == "caller"
    assert ESTIMATORS["first_spy"](book, [CALL]) == "relay"


def test_one_that_comes_after_many_and_left_before_them_is_kept():
    """The notebook is bounded, and not by the order of arrival alone."""
    early = [seen(1.0 + i / 100, f"n{i}") for i in range(EARLIEST_MAX)]
    book = notebook(*early, seen(1.9, "late"), seen(2.0, "caller", flight_s=1.5))
    assert ESTIMATORS["earliest_sender"](book, [CALL]) == "caller"
    assert "late" not in [sighting.peer for sighting in book.gossip(CALL)]


def test_every_cell_of_the_case_counts():
    """An UPDATE by stem names the caller of a CALL that no spy got by stem."""
    book = notebook(seen(1.0, "relay"))
    book.write(UPDATE, seen(9.0, "caller", Via.STEM))
    assert ESTIMATORS["first_spy"](book, [CALL, UPDATE]) == "caller"
    assert ESTIMATORS["first_spy"](book, [CALL]) == "relay"


def test_who_begins_again_is_named():
    """Where spies drop, a relay hands a cell on once and its caller to another relay again."""
    sightings = [
        seen(1.0, "relay", Via.STEM),
        seen(2.0, "caller", Via.STEM),
        seen(3.0, "caller", Via.STEM, spy="s2"),
    ]
    assert ESTIMATORS["most_often"](notebook(*sightings), [CALL]) == "caller"
    assert ESTIMATORS["last_stem"](notebook(*sightings), [CALL]) == "caller"
    assert ESTIMATORS["first_spy"](notebook(*sightings), [CALL]) == "relay"


def test_mute_spies_name_who_never_shows_them_the_call():
    """Everybody else does, sooner or later; of spies that relay, silence says nothing, since who was told need not tell."""
    book = notebook(seen(1.0, "a"), seen(1.1, "b", spy="s2"), mute=True)
    for link in (("s1", "a"), ("s2", "b"), ("s2", "caller"), ("s1", "s2")):
        book.meet(*link, 0.0)
    assert ESTIMATORS["silence"](book, [CALL]) == "caller"
    book.mute = False
    assert ESTIMATORS["silence"](book, [CALL]) == "a"
    book.mute = True
    book.part("s2", "caller")
    assert ESTIMATORS["silence"](book, [CALL]) == "a"


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_a_spy_is_never_named(name):
    """What spies hand one another says nothing."""
    assert ESTIMATORS[name](notebook(seen(1.0, "s2"), seen(1.0, "s2", Via.STEM)), [CALL]) is None


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_a_broken_trace_misleads(name):
    """Control: where the one sighting that tells was lost, the caller is not named."""
    whole = [seen(1.0, "caller"), seen(1.2, "relay", spy="s2")]
    assert ESTIMATORS[name](notebook(*whole), [CALL]) == "caller"
    assert ESTIMATORS[name](notebook(*whole[1:]), [CALL]) != "caller"


def test_a_newcomer_is_named_unless_it_came_long_before():
    """By when it met its first spy, not by a later link; and what came by stem tells more."""
    book = notebook(seen(100.0, "relay"))
    book.meet("s1", "relay", 1.0)
    book.meet("s1", "caller", 95.0)
    book.meet("s2", "relay", 97.0)
    assert newcomer(book, [CALL]) == "caller"
    book.meet("s2", "later", 101.0)
    assert newcomer(book, [CALL]) == "caller"
    book.write(CALL, seen(99.0, "hop", Via.STEM))
    assert newcomer(book, [CALL]) == "hop"
    old = notebook(seen(100.0, "relay"))
    old.meet("s1", "caller", 99.0 - NEW_S)
    assert newcomer(old, [CALL]) == "relay"
