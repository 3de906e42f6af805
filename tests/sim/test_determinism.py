"""One seed gives one trace, whatever the interpreter's hash seed, and however many processes share the work."""

import json
from functools import partial

import pytest

from p2p_sos.sim.run import run_seed
from p2p_sos.sim.scenarios import SCENARIOS
from tests.sim.command import run_script

simulate = partial(run_script, "simulate.py")
VOLATILE = ("wall_s", "events_per_s", "peak_mb")
GOLDEN = "94141dc7893a7f35264bbdaeb6ccd3dc"


@pytest.mark.parametrize("scenario", ["lossy", "gossip-loss"])
def test_neither_hash_seed_nor_the_number_of_processes_changes_anything(scenario):
    """Two interpreters with other hash seeds, one with two workers, print the same object but for its times."""
    words = ("--scenario", scenario, "--nodes", "8", "--seeds", "3:5", "--json")
    told = [
        json.loads(simulate(*words, "--jobs", jobs, hash_seed=hash_seed).stdout)
        for jobs, hash_seed in (("1", "1"), ("2", "2"))
    ]
    one, other = ({name: value for name, value in t.items() if name not in VOLATILE} for t in told)
    assert one == other
    assert one["runs"] == 2


def test_another_seed_gives_another_trace():
    """Control: the digest does depend on what happens."""
    digests = {run_seed(SCENARIOS["baseline"], seed, 5, until_s=5.0).digest for seed in (1, 2)}
    assert len(digests) == 2


def test_every_machine_and_every_python_gives_this_trace():
    """The digest of one small run; whoever changes what nodes do writes the new one here, and nothing else may change it."""
    assert run_seed(SCENARIOS["lossy"], 1, 5, until_s=10.0).digest == GOLDEN


def test_the_same_run_twice_in_one_process_is_the_same():
    """Nothing of one world is left for the next."""
    runs = [run_seed(SCENARIOS["baseline"], 1, 5, until_s=5.0) for _ in range(2)]
    assert runs[0] == runs[1]
