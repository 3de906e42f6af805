"""What is done to a world, as data: so that a run can be repeated without some of it.

Decides nothing. A fault is `(number, at_s, verb, arguments)`; the verb is a method of `World`. Numbers are given in the
order of planning, so that `--without` and the shrinker can name them.
"""

from attrs import frozen


@frozen
class Fault:
    """One thing that is done at one time. Names that begin with `@` are looked up when it happens (`World.who`)."""

    number: int
    at_s: float
    verb: str
    arguments: tuple[object, ...]
    named: tuple[tuple[str, object], ...] = ()

    def __str__(self) -> str:
        named = [f"{name}={value}" for name, value in self.named]
        told = ", ".join([*(str(argument) for argument in self.arguments), *named])
        return f"#{self.number} at {self.at_s:.3f} s: {self.verb}({told})"
