"""Whole nodes and whole cases over real loopback connections, real files and real Unix sockets."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from p2p_sos.core.case.case_view import CasePhase
from p2p_sos.core.events import StoreFailed, StoreRecovered
from p2p_sos.drivers.api.client import LocalApi, NotRunning
from p2p_sos.drivers.case_service import CaseEnd, CaseService, serve_case
from p2p_sos.drivers.casefile import CaseFile
from p2p_sos.drivers.home import Held, Home
from p2p_sos.drivers.record import Account, read_record
from p2p_sos.drivers.service import ListenError, serve_node
from p2p_sos.drivers.settings import (
    Listen,
    NodeSettings,
)
from p2p_sos.wire.registry import Kind, Tlp
from tests.drivers.services import (
    ASKED,
    DUTY,
    RELAY,
    ask,
    case,
    make,
    node,
    refused,
)


@pytest.mark.trio
async def test_a_node_starts_answers_and_stops(tmp_path: Path) -> None:
    """A relay without skills shows its status, its metrics and an empty log; then it is gone and leaves no socket."""
    async with node(tmp_path / "a", RELAY) as a, node(tmp_path / "b", RELAY, a) as b:
        api = LocalApi(b.home.socket_path)
        status = await ask(api.get, "/status")
        assert status["pid"] == os.getpid()
        assert (status["peer_id"], status["addresses"]) == (b.peer_id, list(b.addresses))
        assert [peer["peer"] for peer in status["peers"]] == [a.peer_id]
        assert status["peers"][0]["outbound"]
        assert (status["accepting"], status["responder"], status["calls_open"]) == (True, "", 0)
        assert await ask(api.get, "/calls") == {"calls": []}
        assert (await ask(api.get, "/log"))["lines"] == []
        metrics = await ask(api.text, "/metrics")
        assert 'esos_peers{direction="out"} 1.0' in metrics
        assert a.peer_id not in metrics
        assert (await refused(api.get, "/log?after=x")).code == "no-number"
        assert (await refused(api.get, "/calls/abc")).status == 404
    with pytest.raises(NotRunning):
        await ask(api.get, "/status")
    assert not b.home.socket_path.exists()


@pytest.mark.trio
async def test_a_second_node_on_one_home_is_refused(tmp_path: Path) -> None:
    """The second names the process that holds the home."""
    async with node(tmp_path / "a", RELAY) as a:
        with pytest.raises(Held, match=f"process {os.getpid()}"):
            await serve_node(a.home, RELAY)


@pytest.mark.trio
async def test_a_taken_port_is_said(tmp_path: Path) -> None:
    """An address that cannot be listened on is one sentence with the setting's name; the home is free again."""
    async with node(tmp_path / "a", RELAY) as a:
        taken = Listen(a.addresses[0].split("/p2p/")[0])
        settings = evolve(RELAY, node=NodeSettings(listen=(taken,)))
        with pytest.raises(ListenError, match=r"Cannot listen on .*node\.listen"):
            await serve_node(Home(tmp_path / "b"), settings)
    async with node(tmp_path / "b", RELAY):
        pass


@pytest.mark.trio
async def test_a_restart_is_the_same_node(tmp_path: Path) -> None:
    """Peer id and responder stay over a restart; so does the lock's freedom."""
    async with node(tmp_path / "a", DUTY) as first:
        pass
    async with node(tmp_path / "a", DUTY) as second:
        assert (second.peer_id, second.responder) == (first.peer_id, first.responder)
        assert second.remarks == ()


@pytest.mark.trio
async def test_a_lost_store_means_a_new_responder(tmp_path: Path) -> None:
    """Without its log a responder's key is retired, and the people are told."""
    async with node(tmp_path / "a", DUTY) as first:
        pass
    (tmp_path / "a" / "node.db").unlink()
    async with node(tmp_path / "a", DUTY) as second:
        assert second.peer_id == first.peer_id
        assert second.responder != first.responder
        assert "retired" in second.remarks[0]


def check_record(made: bytes, helper: bytes) -> None:
    """What the responder exported after the all clear holds, and tells it all but the letters."""
    account = read_record(made)
    assert isinstance(account, Account), account
    assert (account.closed, account.record.tlp, account.record.signer) == ("cleared", Tlp.GREEN, helper)
    kinds = [frame.message.KIND for frame in account.frames]
    assert {Kind.CALL, Kind.CARD, Kind.CLAIM, Kind.ATTEST, Kind.COMPLY, Kind.ALL_CLEAR} <= set(kinds)
    assert Kind.LETTER not in kinds
    assert all(entry.arrived_unix_s for entry in account.record.entries)
    assert account.lines[0]["decision"] == "claim"


@pytest.mark.trio
async def test_a_session_from_call_to_all_clear(tmp_path: Path) -> None:
    """A call crosses the mesh, is claimed, accepted and answered under seal, survives a restart, and is cleared."""
    async with node(tmp_path / "a", RELAY) as a, node(tmp_path / "b", DUTY, a) as b:
        relays = [*a.addresses, *b.addresses]
        new = await make(tmp_path / "v", relays)
        helper = bytes.fromhex(b.responder)
        responder = LocalApi(b.home.socket_path)
        async with case(new, relays) as served:
            victim = LocalApi(new.home.socket_path)
            await served.until(lambda view: bool(view.helpers) and view.helpers[0].attested)
            told = await ask(victim.get, "/case")
            assert told["id"] == new.call.hex()
            assert (told["phase"], told["heard"], told["relays"] >= 1) == ("heard", True, True)
            claim = told["claims"][0]
            assert claim["responder"] == b.responder
            assert (claim["manner"], claim["introduction"]) == ("automatic", "We are the river team.")
            await ask(victim.post, "/case/accept", {"responder": b.responder, "text": "Please come."})
            await b.until(lambda one: any(letter.direction == "in" for letter in one.letters(new.call)))
        seen = await ask(responder.get, f"/calls/{new.call.hex()[:6]}")
        assert (seen["mine"], seen["attested"]) == ("claimed", 1)
        texts = [letter["text"] for letter in seen["standing"]["letters"] if letter["direction"] == "in"]
        assert texts == ["Please come.\n\nThey took the pumping station."]
        async with case(new, relays, opened=True) as served:
            assert served.view().helpers[0].decision == "accepted"
            await ask(responder.post, f"/calls/{new.call.hex()[:6]}/letter", {"text": "On our way."})
            await served.until(lambda view: any(one.text == "On our way." for one in view.letters))
            unknown = {"responder": "ab" * 32, "text": "?"}
            assert (await refused(victim.post, "/case/accept", unknown)).status == 409
            assert (await refused(victim.post, "/case/update", {"severity": "hgh"})).code == "unknown-word"
            await ask(victim.post, "/case/update", {"severity": "emergency"})
            await b.until(lambda one: one.calls[new.call].view.description.severity == 5)
            await ask(victim.post, "/case/requisition", {"lead": b.responder})
            await served.until(lambda view: view.helpers[0].complied)
            assert (await refused(responder.get, f"/calls/{new.call.hex()[:6]}/record")).code == "open"
            assert (await ask(victim.post, "/case/clear"))["closed"] == "cleared"
            await b.until(lambda one: one.calls[new.call].state.value == "cleared")
        made = await ask(responder.get, f"/calls/{new.call.hex()[:6]}/record?tlp=green")
        check_record(base64.b64decode(made["record"]), helper)
        relays_only = await refused(LocalApi(a.home.socket_path).get, f"/calls/{new.call.hex()}/record")
        assert relays_only.code == "relay-only"
        log = [json.loads(line) for line in (await ask(responder.get, "/log"))["lines"]]
        assert [line["decision"] for line in log][:1] == ["claim"]
        assert helper in served.node.cards or served.view().phase is CasePhase.CLOSED
    said = (tmp_path / "b" / "node.log").read_text()
    assert '"event": "letter-arrived"' in said
    assert "pumping station" not in said


@pytest.mark.trio
async def test_the_person_on_duty_decides(tmp_path: Path) -> None:
    """Asked, a person claims over the API, and `down` gives the claim back before the node stops."""
    async with node(tmp_path / "a", RELAY) as a, node(tmp_path / "b", ASKED, a) as b:
        new = await make(tmp_path / "v", list(a.addresses))
        api, short = LocalApi(b.home.socket_path), new.call.hex()[:8]
        async with case(new, list(a.addresses)) as served:
            await b.until(lambda one: new.call in one.calls and one.calls[new.call].mine == "asked")
            assert (await refused(api.post, f"/calls/{short}/release")).status == 409
            assert (await refused(api.post, f"/calls/{short}/decline", {"reason": "lazy"})).status == 400
            assert (await ask(api.post, f"/calls/{short}/claim"))["mine"] == "claimed"
            assert (await refused(api.post, f"/calls/{short}/claim")).code == "refused"
            await served.until(lambda view: bool(view.helpers) and view.helpers[0].claimed)
            assert (
                await refused(LocalApi(a.home.socket_path).post, f"/calls/{short}/claim")
            ).code == "relay-only"
            assert await ask(api.post, "/down") == {"released": [new.call.hex()]}
            await served.until(lambda view: view.helpers[0].released)


@pytest.mark.trio
async def test_a_node_that_keeps_nothing_promises_nothing(tmp_path: Path) -> None:
    """While the store fails, a decision is refused with the store's own sentence; afterwards it is taken."""
    async with node(tmp_path / "a", RELAY) as a, node(tmp_path / "b", ASKED, a) as b:
        new = await make(tmp_path / "v", list(a.addresses))
        api, short = LocalApi(b.home.socket_path), new.call.hex()[:8]
        async with case(new, list(a.addresses)):
            await b.until(lambda one: new.call in one.calls)
            await b.runner.ask(StoreFailed("the disk is full: make room."))
            status = await ask(api.get, "/status")
            assert (status["accepting"], status["why"]) == (False, "the disk is full: make room.")
            fault = await refused(api.post, f"/calls/{short}/claim")
            assert (fault.status, fault.code) == (507, "disk")
            assert "esos_accepting 0.0" in await ask(api.text, "/metrics")
            await b.runner.ask(StoreRecovered())
            assert (await ask(api.post, f"/calls/{short}/claim"))["mine"] == "claimed"


@pytest.mark.trio
async def test_no_relay_leaves_the_call_queued(tmp_path: Path, autojump_clock: trio.abc.Clock) -> None:
    """Without a relay the case ends as NO_RELAY and keeps its call; with one it goes out later, under the same id."""
    nobody = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWCoTqyyBdth6UYTpf3MXu5TMRNoYGgxP97Z8JYPyUBFtu"
    new = await make(tmp_path / "v", [nobody])
    assert await serve_case(new.home, new.file, [nobody], no_relay_after_s=5.0) is CaseEnd.NO_RELAY
    file = CaseFile.open(new.home.file_path, "secret")
    async with trio.open_nursery() as nursery:
        served: CaseService = await nursery.start(partial(serve_case, new.home, file, [nobody]))
        view = served.view()
        served.stop()
    assert (view.call, view.phase, view.relays_taken) == (new.call, CasePhase.QUEUED, 0)
    assert new.home.bootstrap() == (nobody,)


@pytest.mark.trio
async def test_a_queued_call_can_be_withdrawn(tmp_path: Path) -> None:
    """Before any relay took it, nobody can be told anything, but the call can be cancelled; it is then closed for good."""
    nobody = "/ip4/127.0.0.1/tcp/1/p2p/12D3KooWCoTqyyBdth6UYTpf3MXu5TMRNoYGgxP97Z8JYPyUBFtu"
    new = await make(tmp_path / "v", [nobody])
    async with case(new, [nobody]) as served:
        api = LocalApi(new.home.socket_path)
        assert (await refused(api.post, "/case/letter", {"text": "hello?"})).code == "queued"
        assert (await ask(api.post, "/case/cancel"))["closed"] == "cancelled"
    async with case(new, [nobody], opened=True) as served:
        assert served.view().closed_how == "cancelled"


VICTIM = """
import sys
import trio
from pathlib import Path
from p2p_sos.drivers.case_service import serve_case
from p2p_sos.drivers.casefile import CaseFile
from p2p_sos.drivers.home import CaseHome

async def main():
    case = CaseHome(Path(sys.argv[1]))
    file = CaseFile.open(case.file_path, "secret")
    async with trio.open_nursery() as nursery:
        async def serve(task_status):
            await serve_case(case, file, case.bootstrap(), task_status=task_status)
        served = await nursery.start(serve)
        await served.until(lambda view: view.helpers and view.helpers[0].attested)
        print("attested", flush=True)
        await trio.sleep_forever()

trio.run(main)
"""


def killed_when_attested(command: list[str]) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"attested\n"
        process.send_signal(signal.SIGKILL)


@pytest.mark.trio
async def test_a_killed_victim_resumes(tmp_path: Path) -> None:
    """A victim's process killed by SIGKILL loses nothing: the resumed case knows its helper, and its letters go on."""
    async with node(tmp_path / "a", RELAY) as a, node(tmp_path / "b", DUTY, a) as b:
        relays = [*a.addresses, *b.addresses]
        new = await make(tmp_path / "v", relays)
        new.file.close()
        command = [sys.executable, "-c", VICTIM, str(new.home.root)]
        await ask(killed_when_attested, command)
        await ask(
            LocalApi(b.home.socket_path).post, f"/calls/{new.call.hex()[:8]}/letter", {"text": "Still there?"}
        )
        async with case(new, relays, opened=True) as served:
            assert served.view().heard
            assert served.view().helpers[0].introduction == "We are the river team."
            await served.until(lambda view: any(one.text == "Still there?" for one in view.letters))


@pytest.mark.trio
async def test_one_process_serves_a_case(tmp_path: Path) -> None:
    """A second process on one case is told who serves it."""
    new = await make(tmp_path / "v", [])
    async with case(new, []):
        with pytest.raises(Held, match="is held by process"):
            await serve_case(new.home, CaseFile.open(new.home.file_path, "secret"), [])


@pytest.mark.trio
async def test_a_case_tells_of_its_own_call_alone(tmp_path: Path) -> None:
    """A victim's process hears other calls too; whose helpers come there is not told as news of this case."""
    async with node(tmp_path / "a", DUTY) as helper:
        relays = list(helper.addresses)
        first, second = await make(tmp_path / "v", relays), await make(tmp_path / "w", relays)
        told: list[dict[str, Any]] = []

        def listen(opened: Callable[[], None]) -> None:
            for notice in LocalApi(first.home.socket_path).events(opened=opened):
                told.append(notice)

        async with case(first, relays) as one, trio.open_nursery() as nursery:
            began = trio.Event()
            token = trio.lowlevel.current_trio_token()
            nursery.start_soon(ask, listen, lambda: token.run_sync_soon(began.set))
            await began.wait()
            await one.until(lambda view: bool(view.helpers))
            async with case(second, relays) as other:
                await other.until(lambda view: bool(view.helpers))
                await one.until(lambda _view: other.view().call in one.node.calls)  # the control: it did hear
                await one.until(lambda _view: bool(one.node.calls[other.view().call].view.claims))
            one.stop()
        assert {notice["call"] for notice in told if "call" in notice} == {first.call.hex()}
