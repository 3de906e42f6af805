"""A book of captures: what `anonymity.py --traffic` saw in each round, kept in a file so that runs add up.

Comes in: rounds as they end. Goes out: the pairs of all rounds of one kind, and which rounds are there. One line of JSON a round,
with the name of the design it was taken by: captures of two designs are never judged together. Must not know how a capture is
taken, nor what is learnt from it.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from p2p_sos.sim.origin.classifier import Vector


@frozen
class Pair:
    """Of one round: a victim's and a node's capture, of the connection with a stem cell and of the other."""

    stem: tuple[Vector, Vector]
    listening: tuple[Vector, Vector]


@frozen
class Round:
    """One round, by its place in a run. `pair` is None where it counts for nobody."""

    seed: int
    number: int
    bare: bool  # the control: a victim whose cells are not padded
    pair: Pair | None


class BadBook(Exception):
    """The file cannot be added to; the text is one sentence that says what to do."""


@define(eq=False)
class Book:
    """All rounds so far, of one design; kept in `file`, or in memory alone."""

    design: str
    file: Path | None = None
    rounds: list[Round] = field(factory=list)

    @classmethod
    def opened(cls, design: str, file: Path | None) -> "Book":
        """With what the file holds, if there is one; raises BadBook for what is no book of this design."""
        book = cls(design, file)
        if file is None:
            return book
        try:
            text = file.read_text() if file.exists() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise BadBook(f"{file} cannot be read ({error}); name another file.") from error
        for number, line in enumerate(text.splitlines(), 1):
            try:
                kept = json.loads(line)
                taken_by, one = kept["design"], _round(kept)
            except (ValueError, KeyError, TypeError) as error:
                raise BadBook(
                    f"Line {number} of {file} is no round of captures; remove that line, or name another file."
                ) from error
            if taken_by != design:
                raise BadBook(
                    f"{file} holds captures of the design {taken_by}, and these are of {design}; name another file."
                )
            book.rounds.append(one)
        return book

    def holds(self, seed: int, number: int, *, bare: bool) -> bool:
        """Whether that round is there."""
        return any((one.seed, one.number, one.bare) == (seed, number, bare) for one in self.rounds)

    def add(self, rounds: Iterable[Round]) -> None:
        """Some rounds more, in the file at once."""
        fresh = list(rounds)
        if self.file is not None:
            with self.file.open("a") as file:
                file.writelines(json.dumps(_line(self.design, one)) + "\n" for one in fresh)
        self.rounds += fresh

    def pairs(self, *, bare: bool) -> list[Pair]:
        """What can be learnt from."""
        return [one.pair for one in self.rounds if one.bare is bare and one.pair is not None]

    def count(self, *, bare: bool) -> int:
        """All rounds of that kind, those without a pair among them."""
        return sum(one.bare is bare for one in self.rounds)


def _line(design: str, one: Round) -> dict[str, Any]:
    pair = None if one.pair is None else {"stem": one.pair.stem, "listening": one.pair.listening}
    return {"design": design, "seed": one.seed, "number": one.number, "bare": one.bare, "pair": pair}


def _round(kept: dict[str, Any]) -> Round:
    pair = kept["pair"]
    return Round(
        int(kept["seed"]),
        int(kept["number"]),
        bool(kept["bare"]),
        None if pair is None else Pair(_both(pair["stem"]), _both(pair["listening"])),
    )


def _both(vectors: Any) -> tuple[Vector, Vector]:
    victim, node = (tuple(float(number) for number in vector) for vector in vectors)
    if len(victim) != len(node):
        raise ValueError("a victim's capture and a node's have one shape")
    return victim, node
