"""The people of a node, over its real API: paged, asked, leading, standing down."""

import json
import os
from pathlib import Path

import pytest
from attrs import evolve

from p2p_sos.core.calls.account import report_of
from p2p_sos.core.node import Node
from p2p_sos.drivers.api.client import LocalApi
from p2p_sos.drivers.settings import Hook
from p2p_sos.wire.registry import SitrepStatus, Status
from tests.drivers.services import ASKED, DUTY, PLAN, RELAY, ask, case, make, node, refused


@pytest.mark.trio
async def test_the_person_on_duty_is_paged_for_a_call_and_not_for_an_exercise(tmp_path: Path) -> None:
    """The operator's program gets the call and its deadline; an exercise is asked about, and wakes nobody."""
    pipe, program = tmp_path / "pipe", tmp_path / "page"
    os.mkfifo(pipe)
    program.write_text(f"#!/bin/sh\ncat > '{pipe}'\n")
    program.chmod(0o700)
    duty = evolve(ASKED.duty, hook=Hook((str(program),)), exercises=True, answer_within_s=77.0)
    async with node(tmp_path / "a", RELAY) as a, node(tmp_path / "b", evolve(ASKED, duty=duty), a) as b:
        for status in (Status.EXERCISE, Status.ACTUAL):
            new = await make(tmp_path / "v", list(a.addresses), evolve(PLAN, status=status))
            async with case(new, list(a.addresses)):
                await b.until(lambda one, call=new.call: getattr(one.calls.get(call), "mine", "") == "asked")
        told = json.loads(await ask(pipe.read_text))  # what came first: the pipe has one reader
        assert (told["id"], told["status"], told["deadline_s"]) == (new.call.hex(), "actual", 77.0)
        paging = (await ask(LocalApi(b.home.socket_path).get, "/status"))["paging"]
        assert paging["hook"] == [str(program)]
        assert paging["paged"] + paging["running"] == 1


@pytest.mark.trio
async def test_the_lead_reports_and_a_helper_stands_down(tmp_path: Path) -> None:
    """Who claims alone soon leads; what its person reports stands in its call and in the victim's case; then it stands down."""
    async with node(tmp_path / "a", RELAY) as a, node(tmp_path / "b", DUTY, a) as b:
        new = await make(tmp_path / "v", list(a.addresses))
        api, path, own = (
            LocalApi(b.home.socket_path),
            f"/calls/{new.call.hex()[:8]}",
            bytes.fromhex(b.responder),
        )
        async with case(new, list(a.addresses)) as served:
            victim = LocalApi(new.home.socket_path)
            await b.until(lambda one: new.call in one.calls and one.calls[new.call].view.lead == own)
            assert (await refused(api.post, f"{path}/sitrep", {})).code == "no-status"
            assert (await refused(api.post, f"{path}/sitrep", {"status": "done"})).code == "unknown-word"
            await ask(api.post, f"{path}/sitrep", {"status": "attack-stopped", "phase": "alerfa"})
            await served._watched.until(lambda one: told_by(one, new.call) is SitrepStatus.ATTACK_STOPPED)
            seen = (await ask(victim.get, "/case"))["standing"]
            assert (seen["lead"], seen["under"]) == (b.responder, "roster")
            assert (seen["sitrep"]["status"], seen["sitrep"]["phase"]) == ("attack-stopped", "alerfa")
            assert (await ask(api.get, path))["leading"]
            after = await ask(api.post, f"{path}/stand-down")
            assert (after["mine"], after["standing"]["claims"]) == ("released", [])
            assert (await refused(api.post, f"{path}/stand-down")).code == "refused"
            assert (await refused(api.post, f"{path}/sitrep", {"status": "mitigating"})).code == "refused"


def told_by(one: Node, call: bytes) -> SitrepStatus | None:
    """What the lead of a call reported, as this node has it."""
    report = report_of(one.archive, call) if call in one.calls else None
    return None if report is None else report.status
