"""The command that measures anonymity: what it prints, what it calls missed, and what it exits with."""

import json
from functools import partial

import pytest

from tests.sim.command import run_script

anonymity = partial(run_script, "anonymity.py")
KEYS = [
    "way",
    "spies",
    "recall",
    "precision",
    "control_recall",
    "supernode_recall",
    "delivered_share",
    "p95_delivery_s",
    "source_fluffs",
]


SMALL = ("--nodes", "40", "--trials", "3", "--callers", "4")


def test_it_prints_the_figures_of_the_stem_first_and_no_source_lets_its_call_out():
    """Three small graphs: too few to judge recall by, enough for what must never happen."""
    told = json.loads(anonymity(*SMALL, "--json").stdout)
    assert list(told)[: len(KEYS)] == KEYS
    assert (told["way"], told["source_fluffs"], told["calls"]) == ("stem", 0, 12)
    assert told["control_source_fluffs"] == 12
    assert told["p95_delivery_s"] < 60.0
    assert told["delivered_share"] == 1.0


def test_neither_hash_seed_nor_the_number_of_processes_changes_anything():
    """Two interpreters with other hash seeds, one with two workers, print the same object."""
    words = ("--nodes", "30", "--trials", "2", "--callers", "2", "--json")
    once = anonymity(*words, "--jobs", "1", hash_seed="1")
    assert once.stdout == anonymity(*words, "--jobs", "2", hash_seed="2").stdout
    assert once.stdout != anonymity(*words, "--seed", "5").stdout


@pytest.mark.parametrize("way", ["direct", "careless"])
def test_a_way_that_hides_nothing_misses_the_figures(way):
    """Control: the limits are those of the stem, and whoever calls otherwise does not keep them."""
    told = anonymity(*SMALL, "--way", way)
    assert told.returncode == 1
    assert "callers let their own call out into the mesh" in told.stderr
    assert "recall is" in told.stderr


def test_a_run_whose_control_is_not_caught_says_that_it_has_no_power():
    """In a mesh of seeds in which spies hear no caller of plain gossip first, nothing is shown about the stem either."""
    from p2p_sos.sim.origin.runs import missed

    told = {
        "control_recall": 0.49, "control_source_fluffs": 9, "recall": 0.1, "supernode_recall": 0.1,
        "p95_delivery_s": 3.0, "source_fluffs": 0,
    }  # fmt: skip
    assert missed(0.1, told | {"control_recall": 0.5}) == []
    assert "the test has no power" in missed(0.1, told)[0]
    assert missed(0.1, told | {"control_recall": 0.5, "control_source_fluffs": 0}) != []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"recall": 0.131}, "recall is 0.131"),
        ({"supernode_recall": 0.131}, "supernode_recall is 0.131"),
        ({"p95_delivery_s": 60.1}, "60.1 s"),
        ({"p95_delivery_s": None}, "never"),
        ({"source_fluffs": 1}, "1 callers let"),
    ],
)
def test_each_figure_can_be_missed(changed, words):
    """Control: a hair beyond each limit is said."""
    from p2p_sos.sim.origin.runs import missed

    kept = {
        "control_recall": 0.5, "control_source_fluffs": 9, "recall": 0.13, "supernode_recall": 0.13,
        "p95_delivery_s": 60.0, "source_fluffs": 0,
    }  # fmt: skip
    assert missed(0.1, kept) == []
    assert [words in sentence for sentence in missed(0.1, kept | changed)] == [True]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--spies", "2"), "write for example 0.1"),
        (("--spies", "none"), "write for example 0.1"),
        (("--nodes", "5"), "write --nodes 20 or more"),
        (("--traffic", "--rounds", "5"), "write --rounds 60 or more"),
        (("--traffic", "--judge"), "write --captures and the name of their file"),
        (
            ("--traffic", "--judge", "--captures", "/nowhere/at/all"),
            "write --captures and the name of their file",
        ),
        (("--traffic", "--captures", "README.md"), "remove that line, or name another file"),
        (("--way", "pigeon"), "name one of gossip, diffusion, careless, direct, stem"),
        (("--plot", "/nowhere/at/all.svg"), "name a file in one that is there"),
    ],
)
def test_words_that_make_no_sense_get_one_sentence(words, sentence):
    """Exit code 2, and what to write instead."""
    told = anonymity(*words)
    assert told.returncode == 2
    assert sentence in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
