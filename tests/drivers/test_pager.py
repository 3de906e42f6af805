"""The page: the operator's program gets the call and nothing else, is bounded in every way, and never stops the node."""

import json
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from p2p_sos.drivers.pager import Page, Pager, PagerLimits, hook_fault, page_told, surroundings

CALL = {"id": "1f2e3d4c" + "00" * 28, "short": "1f2e3d4c", "severity": "severe", "needs": ["expertise"]}
LIMITS = PagerLimits()


class Heard(logging.Handler):
    """What the pager wrote to the log, as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._send, self.lines = trio.open_memory_channel[logging.LogRecord](1000)

    def emit(self, record: logging.LogRecord) -> None:
        self._send.send_nowait(record)

    async def next(self) -> tuple[str, str]:
        """The next record: its level and its sentence."""
        with trio.fail_after(20):
            record = await self.lines.receive()
        return record.levelname, record.getMessage()


@asynccontextmanager
async def paging(hook: tuple[str, ...], folder: Path, limits: PagerLimits = LIMITS) -> AsyncIterator[Any]:
    pager, heard = Pager(hook, folder, limits), Heard()
    logger = logging.getLogger("p2p_sos.drivers.pager")
    logger.addHandler(heard)
    logger.setLevel(logging.INFO)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pager.run)
            yield pager, heard
            nursery.cancel_scope.cancel()
    finally:
        logger.removeHandler(heard)
        logger.setLevel(logging.NOTSET)


def program(folder: Path, body: str) -> tuple[str, ...]:
    """A program of the operator's, in Python."""
    path = folder / "page"
    path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{body}\n")
    path.chmod(0o700)
    return (str(path),)


async def all_end(listed: str) -> None:
    """Return once none of these processes runs any more."""
    with trio.fail_after(20):
        for pid in listed.split():
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(int(pid))
                await trio.lowlevel.wait_readable(descriptor)  # readable: it ended
                os.close(descriptor)


def page(told: dict[str, Any] | None = None, *, wanted: bool = True) -> Page:
    return Page(told or page_told(CALL, 300.0, 1_000_000.0), lambda: wanted)


@pytest.mark.trio
async def test_the_program_gets_the_call_and_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call as one JSON object with its deadline; a clean environment; its own process group; no open file of ours."""
    monkeypatch.setenv("SOS_PASSPHRASE", "never to be seen")
    ours = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(ours, True)
    hook = program(
        tmp_path,
        "told = json.load(sys.stdin)\n"
        "own = {'told': told, 'words': sys.argv[1:], 'env': dict(os.environ), 'group': os.getpgrp() == os.getpid(),\n"
        "       'files': sorted(int(f) for f in os.listdir('/proc/self/fd')), 'at': os.getcwd()}\n"
        "open('got.json', 'w').write(json.dumps(own))",
    )
    async with paging((*hook, "a b; rm -rf $HOME", "*"), tmp_path) as (pager, heard):
        pager.page(page())
        assert (await heard.next())[1] == "the person on duty was paged"
    os.close(ours)
    got = json.loads((tmp_path / "got.json").read_text())
    assert got["told"]["id"] == CALL["id"]
    assert got["told"]["deadline_unix_s"] == 1_000_300
    assert got["told"]["answers"]["claim"] == "sos claim 1f2e3d4c"
    assert got["words"] == ["a b; rm -rf $HOME", "*"]  # no shell read them
    assert got["env"]["SOS_HOME"] == got["at"] == str(tmp_path)
    assert "SOS_PASSPHRASE" not in got["env"]
    assert got["group"]
    assert got["files"][:3] == [0, 1, 2]
    assert ours not in got["files"]
    assert len(got["files"]) == 4  # the fourth lists the folder itself
    assert pager.view() == {
        "hook": [*hook, "a b; rm -rf $HOME", "*"], "paged": 1, "failed": 0, "running": 0, "waiting": 0, "fault": "",
    }  # fmt: skip


@pytest.mark.trio
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("sys.exit('no modem')", "ended with exit code 1: no modem"),
        ("sys.stdin.close(); os.kill(os.getpid(), 9)", "was ended by signal 9"),
        ("print('x' * 10**6); sys.exit(3)", "ended with exit code 3: " + "x" * LIMITS.output_bytes + "."),
        (r"print('\x1b[31mred'); sys.exit(1)", "ended with exit code 1: [31mred"),
    ],
)
async def test_a_failing_program_is_one_clear_sentence(tmp_path: Path, body: str, why: str) -> None:
    """How it ended and what it said, bounded and harmless; said once, shown until paging works again."""
    hook = program(tmp_path, body)
    async with paging(hook, tmp_path) as (pager, heard):
        pager.page(page())
        level, sentence = await heard.next()
        assert level == "WARNING"
        assert why in sentence
        assert sentence == pager.fault
        pager.page(page())
        program(tmp_path, "")
        pager.page(page())
        said = [await heard.next() for _ in range(2)]
        assert said[-1] == ("INFO", "the person on duty was paged")
        assert pager.fault == ""


@pytest.mark.trio
async def test_a_missing_program_is_told_at_the_start(tmp_path: Path) -> None:
    """Before the first call comes: that is the time to set it right."""
    async with paging((str(tmp_path / "nothing"),), tmp_path) as (pager, heard):
        assert "No such file" in (await heard.next())[1]
        pager.page(page())
        assert "No such file" in pager.fault
    (tmp_path / "flat").write_text("")
    assert hook_fault([str(tmp_path / "flat")]) == f"{tmp_path / 'flat'} is not executable (chmod +x)"
    assert hook_fault([str(tmp_path)]) == f"{tmp_path} is no file"
    assert hook_fault([]) is None


@pytest.mark.trio
@pytest.mark.parametrize("stubborn", [True, False])
async def test_a_program_that_hangs_is_ended_with_all_it_started(tmp_path: Path, stubborn: bool) -> None:
    """After its time its whole group goes, a child that ignores SIGTERM included."""
    hook = program(
        tmp_path,
        f"import signal, subprocess\nstubborn = {stubborn}\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN) if stubborn else None\n"
        "child = subprocess.Popen(['/bin/sh', '-c', 'trap \"\" TERM; while :; do sleep 1; done'])\n"
        "open('pids', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "time.sleep(600)",
    )
    async with paging(hook, tmp_path, evolve(LIMITS, time_s=2.0, grace_s=0.2)) as (pager, heard):
        pager.page(page())
        assert "was ended after 2 s" in (await heard.next())[1]
        await all_end((tmp_path / "pids").read_text())


@pytest.mark.trio
async def test_what_it_leaves_in_the_background_does_not_hold_the_page(tmp_path: Path) -> None:
    """A child that keeps the pipe open is not waited for: the program itself ended, and well."""
    hook = program(tmp_path, "import subprocess\nsubprocess.Popen(['/bin/sleep', '30'])\nprint('sent')")
    async with paging(hook, tmp_path, evolve(LIMITS, grace_s=0.1)) as (pager, heard):
        pager.page(page())
        assert (await heard.next())[1] == "the person on duty was paged"
        assert pager.view()["running"] == 0


@pytest.mark.trio
async def test_pages_are_bounded_and_the_overdue_ones_are_left_out(tmp_path: Path) -> None:
    """So many at once, so many waiting; a call that was answered meanwhile pages nobody."""
    hook = program(tmp_path, "open(f'ran-{os.getpid()}', 'w').close()")
    async with paging(hook, tmp_path, evolve(LIMITS, at_once=1, waiting_max=3)) as (pager, heard):
        for number in range(5):
            pager.page(page(wanted=number != 1))
        assert "3 pages wait already" in (await heard.next())[1]
        said = [await heard.next() for _ in range(3)]
        assert [sentence for _, sentence in said].count("the person on duty was paged") == 2
        assert pager.view()["waiting"] == 0
    assert len(sorted(name for name in os.listdir(tmp_path) if name.startswith("ran-"))) == 2


@pytest.mark.trio
async def test_without_a_hook_nobody_is_paged(tmp_path: Path) -> None:
    """And nothing waits."""
    async with paging((), tmp_path) as (pager, _):
        pager.page(page())
        assert pager.view()["waiting"] == 0


def test_the_environment_is_made_not_inherited(tmp_path: Path) -> None:
    """Names that are not on the list stay here; PATH is ours, since a service has none."""
    given = {"HOME": "/h", "PATH": "/evil", "LD_PRELOAD": "x", "SOS_PASSPHRASE": "y", "SOS_HOME": "/other"}
    made = surroundings(given, tmp_path)
    assert made["HOME"] == "/h"
    assert made["SOS_HOME"] == str(tmp_path)
    assert "/evil" not in made["PATH"]
    assert made["PATH"].startswith(str(Path(sys.executable).parent))  # `sos` is found inside
    assert {"LD_PRELOAD", "SOS_PASSPHRASE"}.isdisjoint(made)
