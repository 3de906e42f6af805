"""A promise that a run broke: which one, when, at which node, and how one sees it.

Decides nothing. Goes out: values that a checker makes and a person reads.
"""

from attrs import frozen


@frozen
class Violation:
    """`property` is the name of the checker's promise (P1, L2, slots ...), `time` the true time in seconds."""

    property: str
    time: float
    node: str
    why: str
