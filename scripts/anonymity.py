"""Measures whether spies in the mesh find out who called: the machines of production in a simulated world.

Comes in: the way to call, nodes, the share that spies, how many random graphs (`--trials`) and how many callers in each. Goes
out: figures, as lines or as one object (`--json`), each with the figure of plain gossip in the same run, without which it
would show nothing; with `--apart` what is reported beside them; with `--plot FILE` a plot of recall against the share of
spies. The exit code is 1 if a figure is missed, and then standard error says which; it is 2 for words that make no sense.
`--traffic` captures the connections of victims and nodes of production on loopback instead, and says whether a classifier
tells them apart; with `--captures FILE` runs add up, and one that was broken off goes on. docs/anonymity.md says what the
figures mean. Sets itself up first.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import command
import setup

if TYPE_CHECKING:
    from p2p_sos.sim.origin.runs import Plan

NODES, TRIALS, CALLERS = 200, 60, 20
NODES_MIN = 20
ROUNDS, AT_ONCE, ROUNDS_MIN = 480, 8, 60


def spies(text: str) -> float:
    """The share of nodes that spy: more than 0, less than 1."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0.0 < share < 1.0:
        raise argparse.ArgumentTypeError(
            f"{text} is no share of spies; write for example 0.1, one node in ten"
        )
    return share


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command.Parser(description="Measure whether spies find out who called.")
    parser.add_argument("--way", default="stem", metavar="WAY", help="how callers call; stem unless named")
    parser.add_argument("--nodes", type=command.count, default=NODES)
    parser.add_argument("--spies", type=spies, default=0.1, metavar="SHARE", help="of the nodes")
    parser.add_argument("--trials", type=command.count, default=TRIALS, help="random graphs")
    parser.add_argument(
        "--callers", type=command.count, default=CALLERS, help="in each graph, one after the other"
    )
    parser.add_argument("--seed", type=command.seed, default=0, help="of the first graph")
    parser.add_argument("--jobs", type=command.count, default=1, help="processes")
    parser.add_argument(
        "--apart", action="store_true", help="measure what is reported beside the figures, too"
    )
    parser.add_argument(
        "--plot", type=Path, metavar="FILE", help="plot recall against the share of spies, for every way"
    )
    parser.add_argument(
        "--traffic", action="store_true", help="capture connections of victims and nodes on loopback instead"
    )
    parser.add_argument(
        "--rounds", type=command.count, default=ROUNDS, help="of --traffic; each takes half a minute"
    )
    parser.add_argument(
        "--at-once", type=command.count, default=AT_ONCE, help="rounds of --traffic at the same time"
    )
    parser.add_argument(
        "--captures",
        type=Path,
        metavar="FILE",
        help="keep the rounds of --traffic in FILE; judge all it holds",
    )
    parser.add_argument("--judge", action="store_true", help="capture nothing, judge what --captures holds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(words)


def tell(told: dict[str, Any], *, as_json: bool) -> None:
    """The object, or a line for each figure."""
    if as_json:
        print(json.dumps(told))
        return
    for name, value in told.items():
        print(f"{name:26} {value}")


def figures(asked: argparse.Namespace, plan: "Plan") -> int:
    """Measure, tell, and say what is missed."""
    from p2p_sos.sim.origin import runs

    told, missed = runs.measure(plan)
    if asked.apart:
        told["apart"], more = runs.apart(plan)
        missed += more
    return say(told, missed, as_json=asked.json)


def say(told: dict[str, Any], missed: Sequence[str], *, as_json: bool) -> int:
    """The figures, and which are missed; the exit code."""
    tell(told, as_json=as_json)
    for sentence in missed:
        print(f"anonymity: a figure is missed: {sentence}", file=sys.stderr)
    return 1 if missed else 0


def captured(asked: argparse.Namespace) -> int:
    """Capture, and judge all rounds of the book."""
    if asked.judge and (asked.captures is None or not asked.captures.exists()):
        return command.refuse(
            "--judge needs captures that were kept; write --captures and the name of their file."
        )
    if asked.rounds < ROUNDS_MIN:
        return command.refuse(f"{asked.rounds} rounds teach nothing; write --rounds {ROUNDS_MIN} or more.")
    from anonymity_captures import BadBook, Book
    from anonymity_traffic import DESIGN, traffic

    try:
        book = Book.opened(DESIGN, asked.captures)
    except BadBook as error:
        return command.refuse(str(error))
    rounds = 0 if asked.judge else asked.rounds
    return say(*traffic(book, rounds, asked.at_once, asked.seed), as_json=asked.json)


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if a figure is missed."""
    asked = parse(words)
    setup.ready()

    if asked.traffic:
        return captured(asked)

    from p2p_sos.sim.origin.runs import Plan
    from p2p_sos.sim.origin.trial import WAYS

    if asked.way not in WAYS:
        return command.refuse(
            f"{asked.way} is no way that the simulator knows; name one of {', '.join(WAYS)}."
        )
    if asked.nodes < NODES_MIN:
        return command.refuse(
            f"In a mesh of {asked.nodes} nobody can hide; write --nodes {NODES_MIN} or more."
        )
    plan = Plan(asked.way, asked.nodes, asked.spies, asked.trials, asked.callers, asked.seed, asked.jobs)
    if asked.plot is None:
        return figures(asked, plan)

    from anonymity_plot import plot

    return plot(plan, asked.plot, as_json=asked.json)


if __name__ == "__main__":
    command.end(main)
