"""The simulator's scenarios on real nodes: libp2p over loopback, one process, the weather laid between them.

Comes in: a scenario and how often. Goes out: the same measures as `scripts/simulate.py`, as lines or as one object
(`--json`), and exit code 1 when one run misses a limit. Durations are those of real clocks, so a machine that is busy with
other things shows in them. Sets itself up first.
"""

import argparse
import json
import math
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import command
import setup

if TYPE_CHECKING:
    from posts import Post, Posts

K = 5  # of class S1
NODES_MIN = 2
FIRST_CLAIM_S, LEAD_S, CLAIMS_MAX = 2.0, 3.0, 2 * K
REPLACED_S = 20.0
HEALED_S = 15.0
SIDE_LED_S = 15 + 1 + 0.5 + 2 * 2  # LEASE + HOLD + delay + (b + 1)W, b = 1 among a dozen nodes
PATIENCE_S = 60.0
PARTITION_S = 60.0
WATCH_EVERY_S = 0.05
QUIET_S = 2.0  # after a lead is there, before it is killed: it reported, and members renewed

Json = dict[str, Any]
Measures = dict[str, float | None]


# ------------------------------------------------------------------------- scenarios


async def called(net: "Posts", among: "Sequence[Post]", told: Measures) -> "tuple[Post, bytes, float]":
    """A victim calls; return it, the call, and when."""
    from posts import made_call

    victim = await net.caller(list(among))
    assert victim.victim is not None
    call = made_call(victim.victim)
    begun = now()
    await victim.call(call)
    if await net.until(lambda: bool(victim.about(call.id).claims), PATIENCE_S):
        told["first_claim_s"] = min(victim.about(call.id).claims.values()) - begun
    return victim, call.id, begun


async def led(net: "Posts", posts: "Sequence[Post]", call: bytes, not_by: bytes = b"") -> float | None:
    """When all of these follow one lead that is among them, and not that one; None if they never do."""
    keys = [post.key for post in posts]

    def agree() -> bool:
        leads = {post.about(call).lead for post in posts}
        return len(leads) == 1 and (lead := leads.pop()) in keys and lead != not_by

    return now() if await net.until(agree, PATIENCE_S) else None


async def baseline(net: "Posts", told: Measures) -> None:
    """One S1 call, no fault."""
    victim, call, begun = await called(net, net.posts, told)
    at = await led(net, net.posts, call)
    told["lead_s"] = None if at is None else at - begun
    await pause(QUIET_S + 2.0)  # a second band would open in this time if the first did not fill the places
    await over(net, victim, call, told)


async def dead_lead(net: "Posts", told: Measures) -> None:
    """The lead is killed; the others find another one. It comes back for the next run."""
    victim, call, begun = await called(net, net.posts, told)
    at = await led(net, net.posts, call)
    told["lead_s"] = None if at is None else at - begun
    await pause(QUIET_S)
    lead = next((post for post in net.posts if post.key == net.posts[0].about(call).lead), None)
    if at is None or lead is None:
        await over(net, victim, call, told)
        return
    killed_at = now()
    await lead.die()
    alive = [post for post in net.posts if post is not lead]
    again = await led(net, alive, call, not_by=lead.key)
    told["recovery_s"] = None if again is None else again - killed_at
    await over(net, victim, call, told, dead=lead)
    await net.revive(lead)


async def partition(net: "Posts", told: Measures) -> None:
    """The network falls in two in the middle of the claims, for a minute; then it heals."""
    ours, theirs = halves(net)
    victim, call, begun = await called(net, ours, told)
    await net.until(lambda: all(post.about(call).heard_at is not None for post in net.posts), PATIENCE_S)
    net.weather.split({post.mesh.peer_id: 1 for post in theirs})
    cut_at = now()
    sides = [await led(net, side, call) for side in (ours, theirs)]
    told["sides_led_s"] = None if None in sides else max(at - cut_at for at in sides if at is not None)
    await pause(max(0.0, PARTITION_S - (now() - cut_at)))
    net.weather.heal()
    healed_at = now()
    one = await led(net, net.posts, call)
    told["recovery_s"] = None if one is None else one - healed_at
    told["lead_s"] = None if sides[0] is None else sides[0] - begun
    await over(net, victim, call, told)


def halves(net: "Posts") -> "tuple[list[Post], list[Post]]":
    """Two halves, drawn so that each hangs together by links of its own: who is cut off from all leads nobody."""
    order = list(net.posts)
    while True:
        net.draws.shuffle(order)
        sides = order[: len(order) // 2], order[len(order) // 2 :]
        if all(hangs_together(side) for side in sides):
            return sides


def hangs_together(side: "Sequence[Post]") -> bool:
    """Whether everybody is reached from the first by links among these alone."""
    reached = [side[0]]
    for post in reached:
        linked = [other for other in side if other in post.dials or post in other.dials]
        reached += [other for other in linked if other not in reached]
    return len(reached) == len(side)


async def over(net: "Posts", victim: "Post", call: bytes, told: Measures, dead: "Post | None" = None) -> None:
    """Note the claims, then let the victim close its call, and wait until everybody knows."""
    told["claims"] = float(sum(post.about(call).own_claims for post in net.posts))
    told["helpers"] = float(len(victim.node.calls[call].view.helpers))
    told["refused"] = float(sum(post.about(call).refused for post in net.posts))
    await victim.clear()
    closed = [post for post in net.posts if post is not dead]
    await net.until(lambda: all(post.about(call).closed for post in closed), PATIENCE_S)
    await victim.die()


SCENARIOS: Mapping[str, tuple[Callable[["Posts", Measures], Awaitable[None]], Mapping[str, float]]] = {
    "baseline": (baseline, {"first_claim_s": FIRST_CLAIM_S, "lead_s": LEAD_S, "claims": CLAIMS_MAX}),
    "dead-lead": (dead_lead, {"first_claim_s": FIRST_CLAIM_S, "lead_s": LEAD_S, "recovery_s": REPLACED_S}),
    "partition": (partition, {"sides_led_s": SIDE_LED_S, "recovery_s": HEALED_S}),
}


def now() -> float:
    """The clock that the nodes see."""
    import trio

    return trio.current_time()


async def pause(seconds: float) -> None:
    """Let time pass."""
    import trio

    await trio.sleep(seconds)


# ------------------------------------------------------------------------- runs


def missed(told: Measures, limits: Mapping[str, float]) -> list[str]:
    """Which limits a run misses; what never happened misses its limit."""
    wrong = []
    for name, limit in limits.items():
        value = told.get(name)
        if value is None:
            wrong.append(f"{name}: it never happened")
        elif value > limit:
            wrong.append(f"{name}: {value:.2f}, at most {limit:g}")
    return wrong


async def play(
    scenario: str, nodes: int, runs: int, draws: random.Random, asked: argparse.Namespace
) -> list[Json]:
    """All runs on one network of nodes; what each measured."""
    import trio
    from posts import Posts
    from shaping import Quality, Weather

    act, limits = SCENARIOS[scenario]
    low_s, high_s = asked.latency_ms
    weather = Weather(Quality(low_s, high_s, asked.loss), draws)
    done: list[Json] = []
    with tempfile.TemporaryDirectory(prefix="sos-realnet-") as folder:
        async with trio.open_nursery() as nursery:
            net = Posts(weather, draws, nursery, Path(folder))
            await net.start(nodes)
            for number in range(runs):
                told: Measures = {}
                await watched_act(act, net, told)
                faults = sum(post.runner.faults for post in net.posts)
                wrong = missed(told, limits) + ([f"{faults} events failed in a node"] if faults else [])
                done.append({"run": number, **told, "violations": wrong})
                show_run(done[-1])
            nursery.cancel_scope.cancel()
    return done


async def watched_act(
    act: Callable[["Posts", Measures], Awaitable[None]], net: "Posts", told: Measures
) -> None:
    """One run, and beside it how late this process woke up at worst: what a busy machine adds to every figure."""
    import trio

    late_s = 0.0

    async def watch() -> None:
        nonlocal late_s
        while True:
            due = trio.current_time() + WATCH_EVERY_S
            await trio.sleep_until(due)
            late_s = max(late_s, trio.current_time() - due)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        await act(net, told)
        nursery.cancel_scope.cancel()
    told["late_s"] = late_s


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that this share of all does not exceed; None of none."""
    ordered = sorted(values)
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 3) if ordered else None


def report(scenario: str, nodes: int, done: Sequence[Json], wall_s: float) -> Json:
    """The figures of all runs."""

    def of(name: str) -> list[float]:
        return [run[name] for run in done if run.get(name) is not None]

    return {
        "scenario": scenario,
        "nodes": nodes,
        "runs": len(done),
        "violations": sum(len(run["violations"]) for run in done),
        "failing_runs": [run["run"] for run in done if run["violations"]],
        "first_claim_p50_s": percentile(of("first_claim_s"), 0.5),
        "first_claim_p99_s": percentile(of("first_claim_s"), 0.99),
        "lead_p50_s": percentile(of("lead_s"), 0.5),
        "lead_p99_s": percentile(of("lead_s"), 0.99),
        "claims_p50": percentile(of("claims"), 0.5),
        "claims_p99": percentile(of("claims"), 0.99),
        "helpers_p50": percentile(of("helpers"), 0.5),
        "sides_led_p99_s": percentile(of("sides_led_s"), 0.99),
        "recovery_p50_s": percentile(of("recovery_s"), 0.5),
        "recovery_p99_s": percentile(of("recovery_s"), 0.99),
        "late_p50_s": percentile(of("late_s"), 0.5),
        "late_max_s": percentile(of("late_s"), 1.0),
        "wall_s": round(wall_s, 1),
        "cpu_s": round(sum(os.times()[:2]), 1),
    }


def show_run(run: Json) -> None:
    """One run, on standard error: a campaign takes minutes."""
    figures = "  ".join(f"{name} {value:.2f}" for name, value in run.items() if isinstance(value, float))
    wrong = "; ".join(run["violations"])
    print(
        f"run {run['run']:>3}  {figures}" + (f"  MISSED: {wrong}" if wrong else ""),
        file=sys.stderr,
        flush=True,
    )


def latencies_s(text: str) -> tuple[float, float]:
    """The two ends of LOW:HIGH milliseconds, in seconds."""
    low, _, high = text.partition(":")
    try:
        found = float(low) / 1000, float(high) / 1000
    except ValueError:
        found = math.nan, math.nan
    if not 0.0 <= found[0] <= found[1] < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text} is no span of milliseconds; write LOW:HIGH, for example 10:180"
        )
    return found


def share(text: str) -> float:
    """A part of all: 0 or more, and less than 1."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0.0 <= found < 1.0:
        raise argparse.ArgumentTypeError(f"{text} is no share; write 0 or more, less than 1, for example 0.1")
    return found


def parse(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = command.Parser(description="Run the simulator's scenarios on real nodes.")
    parser.add_argument("--scenario", choices=tuple(SCENARIOS), required=True)
    parser.add_argument("--nodes", type=command.count, default=12)
    parser.add_argument("--runs", type=command.count, default=20)
    parser.add_argument(
        "--seed",
        type=command.seed,
        default=1,
        help="draws links, latencies and sides; real time draws the rest",
    )
    parser.add_argument(
        "--latency-ms", type=latencies_s, default="10:180", metavar="LOW:HIGH",
        help="one way, drawn for each link",
    )  # fmt: skip
    parser.add_argument("--loss", type=share, default=0.0, help="share of the frames that are lost")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args(words)
    if asked.nodes < NODES_MIN:
        parser.error(f"--nodes {asked.nodes} has no second node; write --nodes {NODES_MIN} or more")
    return asked


def main(words: Sequence[str] | None = None) -> int:
    """Run what was asked for; 1 if anything is wrong."""
    asked = parse(words)
    setup.ready()
    import trio

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # on that way out, too, the folder is put away
    begun = time.monotonic()
    draws = random.Random(asked.seed)
    done = trio.run(play, asked.scenario, asked.nodes, asked.runs, draws, asked)
    told = report(asked.scenario, asked.nodes, done, time.monotonic() - begun)
    if asked.json:
        print(json.dumps(told))
    else:
        for name, value in told.items():
            print(f"{name:20} {value}")
    return 1 if told["violations"] else 0


if __name__ == "__main__":
    command.end(main)
