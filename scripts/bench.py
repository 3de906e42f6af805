"""Measures what a message costs: `python3 scripts/bench.py gossip --nodes 20 --messages 200 --json`.

Comes in: the size of the work, and whom to compare with. Goes out: five numbers each, one JSON object with
`--json`. Each contestant does the same work: the same graph, messages of 2,048 bytes from the nodes in turn, all
nodes of a contestant in one process, and only the time after set-up counts.
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

import setup

INTERVAL_S = (
    0.04  # 25 messages a second; py-libp2p falls behind, so its latencies are those of a queue: give it 0.5
)
SEED = 1


def gossip(arguments: argparse.Namespace) -> int:
    """Ours, then those named by `--peers`, one after another."""
    import trio
    from bench_foreign import CONTESTANTS, NotHereError
    from bench_load import load
    from bench_ours import measure

    names = [name for name in arguments.peers.split(",") if name]
    for name in names:
        if name not in CONTESTANTS:
            print(f"{name!r} is none of {', '.join(CONTESTANTS)}", file=sys.stderr)
            return 2
    work = load(arguments.nodes, arguments.messages, arguments.interval, arguments.seed)
    result: dict[str, Any] = {"ours": trio.run(measure, work).told(work), "peers": {}}
    for name in names:
        try:
            result["peers"][name] = trio.run(CONTESTANTS[name], work).told(work)
        except NotHereError as trouble:
            print(f"not run: {name}: {trouble}", file=sys.stderr)
    print(json.dumps(result) if arguments.json else _table(result))
    return 0 if result["ours"]["delivered_share"] == 1.0 else 1


def _table(result: dict[str, Any]) -> str:
    rows = {"ours": result["ours"], **result["peers"]}
    head = ["", *result["ours"]]
    lines = [
        [name, *("-" if value is None else str(value) for value in row.values())]
        for name, row in rows.items()
    ]
    widths = [max(len(line[at]) for line in [head, *lines]) for at in range(len(head))]
    return "\n".join("  ".join(word.rjust(width) for word, width in zip(line, widths, strict=True))
                     for line in [head, *lines])  # fmt: skip


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(required=True, metavar="WHAT")
    one = kinds.add_parser("gossip", help="many nodes in one process, and what a delivery costs them")
    one.add_argument("--nodes", type=int, default=20)
    one.add_argument("--messages", type=int, default=200)
    one.add_argument(
        "--interval", type=float, default=INTERVAL_S, metavar="SECONDS", help="between two messages"
    )
    one.add_argument("--seed", type=int, default=SEED)
    one.add_argument("--peers", default="", metavar="NAMES", help="compare with py-libp2p,js-libp2p")
    one.add_argument("--json", action="store_true", help="one JSON object")
    one.set_defaults(run=gossip)
    arguments = parser.parse_args()
    setup.ready()
    run: Callable[[argparse.Namespace], int] = arguments.run
    return run(arguments)


if __name__ == "__main__":
    sys.exit(main())
