"""Whole nodes and whole cases of a test: started, joined, asked, stopped."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from p2p_sos.drivers.api.client import ApiRefused
from p2p_sos.drivers.case_service import CallPlan, CaseService, NewCase, create_case, serve_case
from p2p_sos.drivers.casefile import CaseFile
from p2p_sos.drivers.home import Home
from p2p_sos.drivers.service import NodeService, serve_node
from p2p_sos.drivers.settings import DutySettings, Introduction, Listen, LogSettings, NodeSettings, Settings
from p2p_sos.wire.registry import Manner, Need

PATIENCE_S = 60.0
LOOPBACK = Listen("/ip4/127.0.0.1/tcp/0")
RELAY = Settings(node=NodeSettings(listen=(LOOPBACK,)), log=LogSettings(file="node.log"))
DUTY = evolve(
    RELAY,
    duty=DutySettings(
        skills=(Need.INVESTIGATE,),
        manner=Manner.AUTOMATIC,
        introduction=Introduction("We are the river team."),
    ),
)
ASKED = evolve(RELAY, duty=evolve(DUTY.duty, manner=Manner.PERSON))
PLAN = CallPlan(needs=1 << Need.INVESTIGATE, situation="They took the pumping station.")


@asynccontextmanager
async def node(root: Path, settings: Settings, *others: NodeService) -> AsyncIterator[NodeService]:
    """A running node that joins the others; stopped, its claims kept, at the end."""
    known = [address for other in others for address in other.addresses]
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            serve = partial(serve_node, Home(root), settings, bootstrap_extra=known)
            service: NodeService = await nursery.start(serve)
            await service.until(lambda one: len(one.peers) >= len(others))
            yield service
            service.stop()


@asynccontextmanager
async def case(new: NewCase, relays: list[str], *, opened: bool = False) -> AsyncIterator[CaseService]:
    """The case served; stopped at the end."""
    file = CaseFile.open(new.home.file_path, "secret") if opened else new.file
    async with trio.open_nursery() as nursery:
        service: CaseService = await nursery.start(partial(serve_case, new.home, file, relays))
        yield service
        service.stop()


async def make(root: Path, relays: list[str], plan: CallPlan = PLAN) -> NewCase:
    return await create_case(Home(root), plan, passphrase="secret", recovery_code=False, bootstrap=relays)


async def ask(work: Callable[..., Any], *given: Any) -> Any:
    return await trio.to_thread.run_sync(work, *given)


async def refused(work: Callable[..., Any], *given: Any) -> ApiRefused:
    with pytest.raises(ApiRefused) as caught:
        await ask(work, *given)
    return caught.value
