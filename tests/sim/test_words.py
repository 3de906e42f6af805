"""The other scripts of researchers: words that make no sense are answered with one sentence, and nothing is run."""

import importlib
import sys
from types import ModuleType

import pytest

from tests.house.sources import ROOT


@pytest.fixture
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """One script, as a module that sets nothing up."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    module = importlib.import_module(request.param)
    monkeypatch.setattr(module.setup, "ready", lambda: None)
    monkeypatch.setattr(sys, "argv", [f"{request.param}.py"])
    return module


@pytest.mark.parametrize(
    ("script", "words", "next_step"),
    [
        ("realnet", "--latency-ms abc", "write LOW:HIGH"),
        ("realnet", "--latency-ms 9:3", "write LOW:HIGH"),
        ("realnet", "--latency-ms nan:3", "write LOW:HIGH"),
        ("realnet", "--latency-ms=-4:3", "write LOW:HIGH"),
        ("realnet", "--nodes 0", "write for example 2"),
        ("realnet", "--nodes 1", "write --nodes 2"),
        ("realnet", "--runs 0", "write for example 2"),
        ("realnet", "--seed x", "write a whole number"),
        ("realnet", "--loss 1", "write 0 or more, less than 1"),
        ("realnet", "--loss x", "write 0 or more, less than 1"),
        ("realnet", "--nope", "--help says more"),
        ("model", "--runs /no/such", "name one like"),
        ("model", "--run none", "--list names them all"),
        ("model", "--nope", "--help says more"),
        ("mutants", "--faults /no/such", "name one like"),
        ("mutants", "--only none", "--list names them all"),
        ("mutants", "--nope", "--help says more"),
    ],
    indirect=["script"],
)
def test_words_that_make_no_sense_are_answered_with_one_sentence(
    script: ModuleType, words: str, next_step: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what to write instead; the exit code is 2."""
    asked = ["--scenario", "baseline", *words.split()] if script.__name__ == "realnet" else words.split()
    try:
        code = script.main(asked)
    except SystemExit as left:
        code = left.code
    told = capsys.readouterr()
    assert (code, told.out, len(told.err.splitlines())) == (2, "", 1)
    assert next_step in told.err


@pytest.mark.parametrize("script", ["realnet"], indirect=True)
def test_words_that_make_sense_are_read(script: ModuleType) -> None:
    """Control: the ordinary latencies, and those of no time at all."""
    asked = script.parse(["--scenario", "baseline"])
    assert (asked.nodes, asked.runs, asked.latency_ms) == (12, 20, (0.010, 0.180))
    assert script.parse(["--scenario", "baseline", "--latency-ms", "0:0"]).latency_ms == (0.0, 0.0)
