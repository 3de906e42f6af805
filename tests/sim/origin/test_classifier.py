"""The classifiers, on captures made by hand: what differs is found, and what does not is not."""

from random import Random

import pytest

from p2p_sos.sim.origin.classifier import LEARNERS, Seen, accuracy, features, tell_apart

LENGTH_S = 10.0


def capture(draws, *, extra=0, padded=True):
    """Forty frames of drawn sizes and times, and one cell; `extra` bytes more at the beginning."""
    frames = [
        Seen(draws.uniform(0.0, LENGTH_S), draws.random() < 0.5, draws.choice((60, 90, 300, 2100)))
        for _ in range(40)
    ]
    cell = Seen(draws.uniform(2.0, 8.0), True, 2090 if padded else 700)
    return [Seen(0.01, True, 120 + extra), *sorted([*frames, cell], key=lambda seen: seen.at_s)]


def pairs(count, **how):
    """Pairs of captures; the first of each is made as `how` says."""
    draws = Random("captures")
    return [
        (features(capture(draws, **how), LENGTH_S), features(capture(draws), LENGTH_S)) for _ in range(count)
    ]


def test_equals_are_not_told_apart():
    """Captures of one kind under two names: chance, within what so many held-out captures allow."""
    assert abs(tell_apart(pairs(120)).accuracy - 0.5) < 0.15


@pytest.mark.parametrize("how", [{"extra": 20}, {"padded": False}])
def test_a_telling_frame_is_found(how):
    """Control: twenty bytes more in one frame, or one cell without its padding."""
    assert tell_apart(pairs(60, **how)).accuracy > 0.8


@pytest.mark.parametrize("name", list(LEARNERS))
def test_each_learner_learns(name):
    """Control: one feature that says it all is enough for every one of them."""
    draws = Random(name)
    vectors = [(draws.gauss(3.0 * (i % 2), 1.0), draws.gauss(0.0, 1.0)) for i in range(80)]
    kinds = [bool(i % 2) for i in range(80)]
    assert accuracy(LEARNERS[name](vectors, kinds), vectors, kinds) > 0.85


def test_what_came_after_the_window_does_not_count():
    """A capture is cut at its length."""
    draws = Random(1)
    whole = capture(draws)
    assert features([*whole, Seen(11.0, True, 5000)], LENGTH_S) == features(whole, LENGTH_S)


def test_every_capture_is_held_out_once():
    """Also where the number of pairs cannot be divided."""
    assert tell_apart(pairs(21)).held_out == 42


def test_one_feature_is_cut_where_most_are_guessed():
    """Against every threshold of every feature tried one by one; some values are the same, as counts of frames are."""
    draws = Random("cuts")
    for _ in range(60):
        vectors = [(draws.choice((0.0, 1.0, 2.0)), draws.random()) for _ in range(draws.randint(1, 25))]
        kinds = [draws.random() < 0.5 for _ in vectors]
        cuts = [vector[place] for place in (0, 1) for vector in vectors]
        tried = [
            accuracy(lambda v, p=place, c=cut, a=above: (v[p] > c) == a, vectors, kinds)
            for place, cut in zip((0,) * len(vectors) + (1,) * len(vectors), cuts, strict=True)
            if any(vector[place] > cut for vector in vectors)
            for above in (True, False)
        ]
        found = accuracy(LEARNERS["one feature"](vectors, kinds), vectors, kinds)
        assert found == max(tried, default=found)
