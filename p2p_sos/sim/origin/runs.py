"""Many trials, spread over processes, and what is judged of them together.

Decides which trials a measurement needs and which figures it misses. Comes in: the way, nodes, the share of spies, how many
graphs. Goes out: one object, and a sentence for each figure missed. The number of processes changes nothing but the time.
"""

import hashlib
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from attrs import evolve, frozen

from p2p_sos.sim.origin import figures
from p2p_sos.sim.origin.spies import Conduct
from p2p_sos.sim.origin.trial import Setting, Trial, trial

EPOCHS = 5
EPOCH_NODES = 60  # an hour of two hundred nodes takes longer than it teaches
FRESH_CALLERS = 8  # they come one after the other, so that none hides another
BOUND_GRAPHS = 4  # every honest node calls there
POWER_FROM = 0.1  # the share of spies from which on plain gossip must be caught

Job = tuple[Setting, int]


@frozen
class Plan:
    """What is measured, over how many graphs. `callers`: of each graph."""

    way: str
    nodes: int
    share: float
    graphs: int
    callers: int
    seed: int = 0
    processes: int = 1

    def setting(self, **changes: Any) -> Setting:
        """The setting of its trials."""
        return evolve(Setting(self.way, self.nodes, self.share, self.callers), **changes)

    def run(self, setting: Setting, graphs: int | None = None) -> list[Trial]:
        """All trials of one setting, in the order of their seeds."""
        count = self.graphs if graphs is None else min(graphs, self.graphs)
        return work([(setting, self.seed + number) for number in range(count)], self.processes)


def one(job: Job) -> Trial:
    """One trial, so that any process can do it."""
    return trial(*job)


def work(jobs: Sequence[Job], processes: int) -> list[Trial]:
    """What each job came to, in the order of the jobs."""
    if processes <= 1 or len(jobs) <= 1:
        return [one(job) for job in jobs]
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(one, jobs))


def digest_of(trials: Sequence[Trial]) -> str:
    """Everything that happened in all trials, in one word."""
    said = "".join(
        trial.digest + repr([(c.guesses, c.clue, c.hops) for c in trial.calls]) for trial in trials
    )
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def measure(plan: Plan) -> tuple[dict[str, Any], list[str]]:
    """The figures of issue 4, and a sentence for each that is missed."""
    trials = plan.run(plan.setting())
    control = plan.run(plan.setting(way="gossip"))
    listened = plan.run(plan.setting(listener=True))
    recall, plain, heard = figures.recall(trials), figures.recall(control), figures.recall(listened)
    best, strongest = figures.strongest(trials)
    told: dict[str, Any] = {
        "way": plan.way,
        "spies": plan.share,
        "recall": round(recall.value, 4),
        "precision": round(figures.precision(trials), 4),
        "control_recall": round(plain.value, 4),
        "supernode_recall": round(heard.value, 4),
        "delivered_share": round(figures.delivered(trials), 5),
        "p95_delivery_s": _rounded(figures.delivery_p95_s(trials)),
        "source_fluffs": figures.source_fluffs([*trials, *listened]),
        "recall_interval": _interval(recall),
        "control_interval": _interval(plain),
        "supernode_interval": _interval(heard),
        "strongest_estimator": best,
        "strongest_recall": round(strongest.value, 4),
        "supernode_strongest_recall": round(figures.strongest(listened)[1].value, 4),
        "right_of_seen_by_stem": _rounded(figures.certainty(trials)),
        "control_source_fluffs": figures.source_fluffs(control),
        "control_precision": round(figures.precision(control), 4),
        "nodes": plan.nodes,
        "graphs": plan.graphs,
        "calls": sum(len(trial.calls) for trial in trials),
        "digest": digest_of([*trials, *control, *listened]),
    }
    return told, missed(plan.share, told)


def missed(share: float, told: Mapping[str, Any]) -> list[str]:
    """A sentence for each limit of issue 4 that the figures do not keep, with this share of spies."""
    wrong: list[str] = []
    if share >= POWER_FROM and told["control_recall"] < figures.POWER_MIN:
        wrong.append(
            f"plain gossip gives away {told['control_recall']}, less than {figures.POWER_MIN}: the test has no power"
        )
    if told["control_source_fluffs"] == 0:
        wrong.append(
            "no caller of plain gossip let its own call out: the count of source fluffs has no power"
        )
    limit = share + figures.SLACK
    for name in ("recall", "supernode_recall"):
        if told[name] > limit:
            wrong.append(f"{name} is {told[name]} where {limit:.2f} is the most")
    return wrong + _late(told, "") + _let_out(told, "")


def _late(told: Mapping[str, Any], where: str) -> list[str]:
    p95_s = told["p95_delivery_s"]
    if p95_s is not None and p95_s <= figures.DELIVERY_P95_MAX_S:
        return []
    shown = "never" if p95_s is None else f"{p95_s} s"
    return [f"p95 of the delivery is {shown}{where} where {figures.DELIVERY_P95_MAX_S:g} s is the most"]


def _let_out(told: Mapping[str, Any], where: str) -> list[str]:
    count = told["source_fluffs"]
    return [f"{count} callers let their own call out into the mesh{where}"] if count else []


def apart(plan: Plan) -> tuple[dict[str, Any], list[str]]:
    """What issue 4 wants reported apart: fresh callers, five epochs, spies that do not relay, and the bound."""
    told: dict[str, Any] = {}
    wrong: list[str] = []
    fresh = plan.run(plan.setting(fresh=True, callers=min(plan.callers, FRESH_CALLERS)))
    told["fresh"] = figures.recall(fresh).told() | {
        "right_of_seen_by_stem": _rounded(figures.certainty(fresh)),
        "strongest": figures.strongest(fresh)[1].told()["value"],
        "newcomer": figures.share(fresh, lambda call: call.newcomer == call.caller).told(),
    }
    relayed = plan.run(plan.setting(talks=True))
    told["relaying"] = figures.recall(relayed).told()
    for conduct in (Conduct.DROPS, Conduct.MUTE):
        trials = plan.run(plan.setting(conduct=conduct, talks=True))
        rise = figures.more_recall(trials, relayed)
        found, p95_s = figures.recall(trials), figures.delivery_p95_s(trials)
        best, strongest = figures.strongest(trials)
        told[conduct.value] = found.told() | {
            "more_than_relaying": rise.told(),
            "strongest_estimator": best,
            "strongest": round(strongest.value, 4),
            "p95_delivery_s": _rounded(p95_s),
            "delivered_share": round(figures.delivered(trials), 5),
            "source_fluffs": figures.source_fluffs(trials),
        }
        where = f" where spies {conduct.value}"
        if found.low is not None and found.low > plan.share + figures.SLACK:
            wrong.append(f"recall is {found.value:.3f}{where}, the interval too is above the limit")
        if rise.low is not None and rise.low > 0:
            wrong.append(
                f"recall is higher{where} than where they relay, by {rise.value:.3f} in the same graphs"
            )
        wrong += _late(told[conduct.value], where) + _let_out(told[conduct.value], where)
    told["epochs"] = exposure(plan)
    everybody = plan.run(plan.setting(callers=0), BOUND_GRAPHS)
    told["bound"] = {
        "graphs": len(everybody),
        "recall": figures.recall(everybody).told()["value"],
        "precision": round(figures.precision(everybody), 4),
        "omniscient_recall": round(figures.bound(everybody), 4),
    }
    return told, wrong


def exposure(plan: Plan) -> dict[str, Any]:
    """How many callers ever handed a cell of theirs to a spy, in one epoch and in five, in which they speak each time."""
    nodes = min(plan.nodes, EPOCH_NODES)
    trials = plan.run(plan.setting(nodes=nodes, epochs=EPOCHS), max(1, plan.graphs // 4))
    calls = [call for trial in trials for call in trial.calls]
    return {
        "nodes": nodes,
        "calls": len(calls),
        "exposed": figures.share(trials, lambda call: call.exposed).told(),
        "naive": round(1 - (1 - plan.share) ** EPOCHS, 4),
        "relays_mean": round(sum(len(call.first_relays) for call in calls) / len(calls), 3),
        "relays_max": max(len(call.first_relays) for call in calls),
        "recall": figures.recall(trials).told(),
        "source_fluffs": figures.source_fluffs(trials),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _interval(found: figures.Share) -> list[float | None]:
    told = found.told()
    return [told["low"], told["high"]]
