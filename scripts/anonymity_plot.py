"""Draws recall against the share of spies, for every way to call and for the bound that no routing can pass.

Comes in: a plan, a file. Goes out: the file, and the points that it shows. Loads matplotlib (`pip install p2p-sos[plot]`)
and nothing else does.
"""

import json
from pathlib import Path
from typing import Any

import command
from attrs import evolve

from p2p_sos.sim.origin import figures
from p2p_sos.sim.origin.runs import Plan

SHARES = (0.05, 0.1, 0.2, 0.3, 0.4)
LINES = {
    "gossip": ("plain gossip", "#b2182b", "o"),
    "diffusion": ("diffusion", "#ef8a62", "s"),
    "careless": ("careless stem", "#7f7f7f", "^"),
    "stem": ("our stem", "#2166ac", "D"),
}


def points(plan: Plan) -> dict[str, list[dict[str, Any]]]:
    """For each way and share, recall with its interval."""
    return {
        way: [
            {"spies": share} | figures.recall(moved.run(moved.setting())).told()
            for share in SHARES
            for moved in (evolve(plan, way=way, share=share),)
        ]
        for way in LINES
    }


def plot(plan: Plan, file: Path, *, as_json: bool) -> int:
    """Measure and draw."""
    if not file.resolve().parent.is_dir():
        return command.refuse(f"{file.parent} is no folder; name a file in one that is there.")
    try:
        import matplotlib as mpl
    except ImportError:
        return command.refuse("matplotlib is not here; install it with: pip install 'p2p-sos[plot]'")
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "p2p-sos"  # one seed, one file
    found = points(plan)
    draw(found, plan, file)
    if as_json:
        print(json.dumps(found))
    else:
        for way, line in found.items():
            for point in line:
                print(
                    f"{way:12} {point['spies']:.2f}  {point['value']:.3f}  {point['low']} to {point['high']}"
                )
    return 0


def draw(found: dict[str, list[dict[str, Any]]], plan: Plan, file: Path) -> None:
    """The picture."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.0, 4.6))
    for way, line in found.items():
        words, colour, marker = LINES[way]
        values = [point["value"] for point in line]
        low = [point["value"] - (point["low"] or point["value"]) for point in line]
        high = [(point["high"] or point["value"]) - point["value"] for point in line]
        axes.errorbar(
            SHARES, values, yerr=[low, high], label=words, color=colour, marker=marker, markersize=5, capsize=3,
            linewidth=1.5,
        )  # fmt: skip
    axes.plot(
        (0.0, max(SHARES)), (0.0, max(SHARES)), "k--", linewidth=1.0, label="lower bound of any routing"
    )
    axes.set_xlabel("share of nodes that spy, p")
    axes.set_ylabel("callers named rightly (recall)")
    axes.set_title(
        f"First-spy estimator, {plan.nodes} nodes, {plan.graphs} graphs with {plan.callers} callers each",
        fontsize=10,
    )
    axes.set_xlim(0.0, max(SHARES) + 0.02)
    axes.set_ylim(0.0, 1.0)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", fontsize=9)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None} if file.suffix == ".svg" else None)
    pyplot.close(figure)
