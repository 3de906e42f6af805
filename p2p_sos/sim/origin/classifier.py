"""Whether two kinds of captured connections can be told apart: features, two simple classifiers, held-out accuracy.

Decides what a capture looks like as numbers, and which classifier is used. Comes in: captures, each a list of frames with their
direction, size and time, and their kinds. Goes out: the share of held-out captures whose kind is guessed. Must not know what
the frames hold, nor which program sent them.

Each capture is held out once. The learner that guesses it, and how strongly that one is bridled, was chosen among the other
captures alone.
"""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from random import Random
from statistics import fmean, pstdev

from attrs import frozen

Vector = tuple[float, ...]
Guess = Callable[[Vector], bool]
_Pair = tuple[Vector, Vector]
Train = Callable[[Sequence[Vector], Sequence[bool]], Guess]

BINS = (
    64,
    128,
    256,
    512,
    1024,
    2048,
    2200,
    4096,
    8192,
)  # sizes of frames; a cell in full lies between 2048 and 2200
FIRST = 12  # frames of each direction whose sizes count one by one
WINDOWS = 7
HELD_OUT, CHOOSING = 4, 3  # parts: each is held out once; and, of what is left, to choose a learner by
STEPS, RATE = 200, 0.3


@frozen
class Seen:
    """One frame on the wire: `up` from who dialled, `at_s` after the connection began."""

    at_s: float
    up: bool
    size_bytes: int


def features(capture: Sequence[Seen], length_s: float) -> Vector:
    """Sizes and counts of each direction: in all, by size, one by one at the beginning, and over windows of time."""
    out: list[float] = []
    for up in (True, False):
        frames = [seen for seen in capture if seen.up is up and seen.at_s <= length_s]
        sizes = [seen.size_bytes for seen in frames]
        out += [len(frames), sum(sizes), max(sizes, default=0), fmean(sizes) if sizes else 0.0]
        edges = (0, *BINS, 1 << 20)
        out += [sum(low <= size < high for size in sizes) for low, high in itertools.pairwise(edges)]
        out += [float(sizes[i]) if i < len(sizes) else 0.0 for i in range(FIRST)]
        for window in range(WINDOWS):
            within = [
                s.size_bytes
                for s in frames
                if window * length_s / WINDOWS <= s.at_s < (window + 1) * length_s / WINDOWS
            ]
            out += [len(within), sum(within)]
        gaps = [later.at_s - earlier.at_s for earlier, later in itertools.pairwise(frames)]
        out += [fmean(gaps) if gaps else 0.0, max(gaps, default=0.0)]
    return tuple(out)


def _scaled(vectors: Sequence[Vector]) -> Callable[[Vector], Vector]:
    """To mean 0 and deviation 1, as the training captures have it; what never varies says nothing."""
    columns = list(zip(*vectors, strict=True))
    means, spreads = [fmean(c) for c in columns], [pstdev(c) for c in columns]

    def scale(vector: Vector) -> Vector:
        return tuple(
            (x - m) / s if s else 0.0 if x == m else 10.0
            for x, m, s in zip(vector, means, spreads, strict=True)
        )

    return scale


def logistic(decay: float) -> Train:
    """Logistic regression by gradient descent; `decay` keeps weights small."""

    def train(vectors: Sequence[Vector], kinds: Sequence[bool]) -> Guess:
        scale = _scaled(vectors)
        rows = [scale(vector) for vector in vectors]
        weights, offset = [0.0] * len(rows[0]), 0.0
        for _ in range(STEPS):
            slopes, tilt = [0.0] * len(weights), 0.0
            for row, kind in zip(rows, kinds, strict=True):
                error = _share(row, weights, offset) - kind
                tilt += error
                slopes = [slope + error * x for slope, x in zip(slopes, row, strict=True)]
            weights = [
                w - RATE * (slope / len(rows) + decay * w) for w, slope in zip(weights, slopes, strict=True)
            ]
            offset -= RATE * tilt / len(rows)
        return lambda vector: _share(scale(vector), weights, offset) > 0.5

    return train


def _share(row: Vector, weights: Sequence[float], offset: float) -> float:
    z = offset + sum(w * x for w, x in zip(weights, row, strict=True))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, z))))


def nearest(count: int) -> Train:
    """The kind of most of the nearest training captures."""

    def train(vectors: Sequence[Vector], kinds: Sequence[bool]) -> Guess:
        scale = _scaled(vectors)
        rows = [(scale(vector), kind) for vector, kind in zip(vectors, kinds, strict=True)]

        def guess(vector: Vector) -> bool:
            here = scale(vector)
            near = sorted((math.dist(here, row), kind) for row, kind in rows)[:count]
            return sum(kind for _, kind in near) * 2 > count

        return guess

    return train


def single() -> Train:
    """One feature and one threshold, the best that the training captures show: what an extra frame would need."""

    def train(vectors: Sequence[Vector], kinds: Sequence[bool]) -> Guess:
        cuts = (cut for place in range(len(vectors[0])) for cut in _cuts(place, vectors, kinds))
        _, place, cut, above = max(cuts, default=(0.0, 0, 0.0, True))
        return lambda vector: (vector[place] > cut) == above

    return train


def _cuts(
    place: int, vectors: Sequence[Vector], kinds: Sequence[bool]
) -> Iterator[tuple[float, int, float, bool]]:
    """Each threshold of one feature: the share guessed rightly, the feature, the threshold, whether kind is what lies above."""
    rows = sorted(zip((vector[place] for vector in vectors), kinds, strict=True))
    right = sum(kinds)  # everybody lies above the first cut
    for (low, kind), (high, _) in itertools.pairwise(rows):
        right += -1 if kind else 1
        if low < high:
            share = right / len(rows)
            yield from ((share, place, (low + high) / 2, True), (1 - share, place, (low + high) / 2, False))


LEARNERS: dict[str, Train] = {
    "logistic 0.01": logistic(0.01),
    "logistic 0.1": logistic(0.1),
    "nearest 5": nearest(5),
    "nearest 15": nearest(15),
    "one feature": single(),
}


def accuracy(guess: Guess, vectors: Sequence[Vector], kinds: Sequence[bool]) -> float:
    """The share of right guesses."""
    return fmean(guess(vector) == kind for vector, kind in zip(vectors, kinds, strict=True))


@frozen
class Verdict:
    """What held-out captures came to, each held out once: the share guessed rightly, and the learners that were chosen."""

    accuracy: float
    held_out: int
    learners: tuple[str, ...]


def tell_apart(pairs: Sequence[tuple[Vector, Vector]], seed: int = 0) -> Verdict:
    """Each pair holds a capture of one kind and one of the other, made at the same time; both are held out together."""
    shuffled = list(pairs)
    Random(seed).shuffle(shuffled)
    assert len(shuffled) >= HELD_OUT * CHOOSING, "too few pairs to learn from"
    right: list[float] = []
    chosen: list[str] = []
    for learning, held_out in _folds(shuffled, HELD_OUT):
        scores = {name: _left_out(train, learning) for name, train in LEARNERS.items()}
        chosen.append(max(scores, key=lambda learner: scores[learner]))
        guess = LEARNERS[chosen[-1]](*_flat(learning))
        right += [float(guess(vector) == kind) for vector, kind in zip(*_flat(held_out), strict=True)]
    return Verdict(fmean(right), len(right), tuple(chosen))


def _folds(pairs: Sequence[_Pair], count: int) -> Iterator[tuple[list[_Pair], list[_Pair]]]:
    for fold in range(count):
        yield [pair for number, pair in enumerate(pairs) if number % count != fold], list(pairs[fold::count])


def _left_out(train: Train, pairs: Sequence[_Pair]) -> float:
    return fmean(accuracy(train(*_flat(rest)), *_flat(left)) for rest, left in _folds(pairs, CHOOSING))


def _flat(pairs: Sequence[_Pair]) -> tuple[list[Vector], list[bool]]:
    vectors = [vector for pair in pairs for vector in pair]
    return vectors, [True, False] * len(pairs)
