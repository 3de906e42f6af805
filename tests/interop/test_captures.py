"""The book of captures: what is kept, what adds up, and what is never judged together."""

import json
from pathlib import Path

import anonymity_traffic as traffic
import pytest
import trio
from anonymity_captures import BadBook, Book, Pair, Round

VICTIM, NODE = (1.0, 2.5), (3.0, 4.0)
PAIR = Pair((VICTIM, NODE), (NODE, VICTIM))


def rounds(seed: int, numbers: range, *, bare: bool = False) -> list[Round]:
    """Of one run; every third gave no pair."""
    return [Round(seed, number, bare, None if number % 3 == 2 else PAIR) for number in numbers]


def test_runs_add_up_in_the_file(tmp_path: Path) -> None:
    """Two runs and a control, read again: all rounds as they were."""
    file = tmp_path / "captures.jsonl"
    Book.opened("a", file).add(rounds(1, range(4)))
    book = Book.opened("a", file)
    book.add([*rounds(2, range(3)), *rounds(3, range(2), bare=True)])
    again = Book.opened("a", file)
    assert again.rounds == book.rounds
    assert (len(again.pairs(bare=False)), again.count(bare=False)) == (5, 7)
    assert (len(again.pairs(bare=True)), again.count(bare=True)) == (2, 2)
    assert again.holds(2, 2, bare=False)
    assert not again.holds(2, 2, bare=True)
    assert not again.holds(2, 3, bare=False)


def test_without_a_file_nothing_is_kept(tmp_path: Path) -> None:
    """Control: the same rounds, in memory."""
    book = Book.opened("a", None)
    book.add(rounds(1, range(4)))
    assert len(book.pairs(bare=False)) == 3
    assert list(tmp_path.iterdir()) == []


def test_captures_of_another_design_are_refused(tmp_path: Path) -> None:
    """They would be judged together."""
    file = tmp_path / "captures.jsonl"
    Book.opened("a", file).add(rounds(1, range(1)))
    with pytest.raises(BadBook, match="of the design a, and these are of b; name another file"):
        Book.opened("b", file)


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        "[]",
        json.dumps({"design": "a", "seed": 1, "number": 2, "bare": False}),
        json.dumps({"design": "a", "seed": 1, "number": 2, "bare": False, "pair": {"stem": [[1.0], [1.0, 2.0]], "listening": []}}),
    ],
)  # fmt: skip
def test_a_line_that_is_no_round_is_named(tmp_path: Path, line: str) -> None:
    """By its number; nothing is dropped in silence."""
    file = tmp_path / "captures.jsonl"
    Book.opened("a", file).add(rounds(1, range(1)))
    with file.open("a") as more:
        more.write(line + "\n")
    with pytest.raises(BadBook, match=r"^Line 2 of .* remove that line"):
        Book.opened("a", file)


@pytest.mark.trio
async def test_rounds_that_are_there_are_not_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run goes on where it was broken off; the control's rounds are others."""
    played: list[tuple[int, bool]] = []

    class Stub:
        """A mesh that gives no pair."""

        def __init__(self, _folder: Path) -> None: ...

        async def start(self, _nursery: trio.Nursery) -> None:
            """Nothing to start."""

        async def round(self, _draws: object, *, bare: bool) -> None:
            """Noted."""
            played.append((len(played), bare))

    monkeypatch.setattr(traffic, "Rig", Stub)
    book = Book.opened("a", None)
    book.add(rounds(7, range(traffic.LOT + 2)))
    await traffic.capture(book, traffic.LOT + 5, 4, 7, bare=False)
    assert len(played) == 3
    await traffic.capture(book, 2, 4, 7, bare=True)
    assert [bare for _, bare in played] == [False] * 3 + [True] * 2
    assert sorted(one.number for one in book.rounds if one.seed == 7 and not one.bare) == list(
        range(traffic.LOT + 5)
    )


def test_a_book_without_pairs_teaches_nothing() -> None:
    """Control of the verdict: it is told as missed, not as held."""
    told, missed = traffic.traffic(Book.opened("a", None), 0, 1, 0)
    assert told == {"rounds": 0, "pairs": 0, "control_pairs": 0}
    assert len(missed) == 1
