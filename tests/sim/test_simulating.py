"""docs/simulating.md: what it shows runs, and what it names is there."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

from attrs import evolve

from p2p_sos.sim.run import run_seed, run_world, world_of
from p2p_sos.sim.world import World

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "simulating.md").read_text(encoding="utf-8")


def example(folder: Path) -> ModuleType:
    """The program of the page, as a module."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    file = folder / "mine.py"
    file.write_text(program, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("mine", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_runs_and_keeps_every_promise(tmp_path: Path) -> None:
    """Its three liars claim, its lead dies, and nobody honest follows a liar."""
    mine = example(tmp_path).mine
    outcome = run_seed(mine, 1, 12)
    assert outcome.violations == ()
    assert outcome.measures["first_claim_s"] < mine.limits.first_claim_p99_s


def test_the_checker_of_the_example_can_fail(tmp_path: Path) -> None:
    """Control: where all but the victim's relays count as liars, somebody honest follows one."""
    module = example(tmp_path)
    world = world_of(module.mine, 1, 12)
    facts = run_world(module.mine, world)
    liars = (*facts.liars, *facts.honest[1:])
    accused = evolve(facts, liars=liars, honest=facts.honest[:1])
    assert module.no_liar_leads(world.trace, accused) != ()


def test_every_verb_of_the_page_is_one() -> None:
    """Each fault that it names is a method of the world."""
    told = PAGE.partition("where the verb is a method of")[2].partition("Names that begin")[0]
    verbs = re.findall(r"`([a-z_]+)`", told)
    assert len(verbs) > 10
    assert [verb for verb in verbs if not callable(getattr(World, verb, None))] == []
