"""A call through real Tor: admitted, answered, and nowhere does the victim's own process show itself."""

import itertools
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from p2p_sos.drivers.api.client import LocalApi
from p2p_sos.drivers.service import NodeService
from p2p_sos.drivers.socks import SocksAddress, User, open_through, socks_answers
from scripts import debian, tornet
from scripts.tornet import TorNetwork
from tests.cli.fetcher import PROGRAM as FETCHER
from tests.drivers.p2p.calling import Caller, caller
from tests.drivers.p2p.machine import needs
from tests.drivers.p2p.touched import leaks
from tests.drivers.services import DUTY, RELAY, ask, node
from tests.drivers.test_relay_lists import ONE, OTHER
from tests.drivers.web import Web, page, webs

PATIENCE_S = 180.0  # a guard against hanging: circuits take seconds
LOOK_EVERY_S = 0.1


@pytest.fixture(scope="module")
def tor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorNetwork]:
    needs("tor", "tor-gencert")
    network = TorNetwork(tmp_path_factory.mktemp("tor"), owner=os.getpid())
    yield network
    network.stop()


# ------------------------------------------------------------------------- who is connected with whom


def established() -> dict[int, tuple[int, int]]:
    """Local port of each TCP connection over IPv4: the port of its other end, and the number of its socket."""
    found = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, *rest = line.split()
        if state == "01":
            found[int(local.split(":")[1], 16)] = int(remote.split(":")[1], 16), int(rest[5])
    return found


def sockets_of(pid: int) -> list[int]:
    """The numbers of the sockets that a process holds; none once it has ended."""
    numbers = []
    with suppress(FileNotFoundError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                target = str(link.readlink())
                if target.startswith("socket:["):
                    numbers.append(int(target[8:-1]))
    return numbers


def callers_of(service: NodeService, pids: dict[str, list[int]]) -> list[str]:
    """Whose processes hold the other ends of a node's inbound connections, by the names given."""
    mine = int(service.addresses[0].split("/")[4])
    before = established()
    holders = {number: name for name, some in pids.items() for pid in some for number in sockets_of(pid)}
    after = established()  # what was there before and after was held by somebody in between
    return [
        holders.get(number, "somebody")
        for port, (remote, number) in before.items()
        if remote == mine and after.get(port) == (remote, number)
    ]


class Watch:
    """What was seen while a case was served: who was connected with the nodes, and which circuits there were."""

    def __init__(self, tor: TorNetwork, pid: int, *services: NodeService) -> None:
        self.callers: set[str] = set()
        self.circuits: dict[str, set[str]] = {}
        self._tor, self._services = tor, services
        self._pids = {"tor": [relay.pid for relay in tor.relays], "tor client": [tor.client.pid],
                      "nodes": [os.getpid()], "victim": [pid]}  # fmt: skip

    async def run(self) -> None:
        """Look again and again."""
        while True:
            await ask(self.look)
            await ask(self.look_at_circuits)
            await trio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Once, at who is connected."""
        for service in self._services:
            self.callers.update(callers_of(service, self._pids))

    def look_at_circuits(self) -> None:
        """Once, at whose circuits there are."""
        for user, circuits in self._tor.circuits().items():
            self.circuits.setdefault(user, set()).update(circuits)


@asynccontextmanager
async def watching(watch: Watch) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.run)
        yield
        nursery.cancel_scope.cancel()


# ------------------------------------------------------------------------- the tests


async def until(look: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    """What another process tells, once this is true of it."""
    while not holds(told := await ask(look)):  # noqa: ASYNC110 - another process, which tells nobody
        await trio.sleep(LOOK_EVERY_S)
    return told


async def until_case(api: LocalApi, holds: Any) -> Any:
    """The case, once this is true of it."""
    return await until(partial(api.get, "/case"), holds)


async def begin(
    process: Caller, home: Path, port: int, relays: list[str], **more: Any
) -> tuple[str, LocalApi]:
    """A case served through the proxy: its call, and where it can be asked."""
    told = await process.do(what="case", home=str(home), port=port, relays=relays, **more)
    return told["call"], LocalApi(Path(told["socket"]))


@pytest.mark.trio
async def test_a_user_name_is_a_circuit(tor: TorNetwork, tmp_path: Path) -> None:
    """Three user names have three circuits; one name, the control, has one for its three connections."""
    assert socks_answers(tor.socks)
    async with node(tmp_path / "a", RELAY) as a:
        port = int(a.addresses[0].split("/")[4])
        users = [User.fresh() for _ in range(3)]
        streams = []
        for user in [*users, users[0], users[0]]:
            streams.append(await open_through(SocksAddress(*tor.socks), user, "127.0.0.1", port))
        circuits = await ask(tor.circuits)
        for stream in streams:
            await stream.aclose()
    mine = [circuits[user.name] for user in users]
    assert [len(some) for some in mine] == [1, 1, 1]
    assert len({some[0] for some in mine}) == 3


@pytest.mark.trio
async def test_a_list_of_relays_through_tor(tor: TorNetwork, tmp_path: Path) -> None:
    """`sos relays fetch`: it comes whole, by a circuit of its own each time, and the program itself touches the SOCKS port alone."""
    web = Web({"/relays.txt": page(f"{ONE}\n{OTHER}\n".encode())})
    circuits = [await ask(tor.circuits)]
    with trio.fail_after(PATIENCE_S):
        async with webs(web), caller(within_s=PATIENCE_S, program=FETCHER) as process:
            environment = {"SOS_SOCKS": f"127.0.0.1:{tor.socks[1]}", "SOS_HOME": str(tmp_path)}
            for _ in range(2):
                said = await process.do(
                    words=["relays", "fetch", f"http://127.0.0.1:{web.port}/relays.txt"],
                    environment=environment,
                )
                assert (said["exit"], said["said"]["relays"]) == (0, [ONE, OTHER])
                assert said["touched"]
                assert leaks(said["touched"], *tor.socks) == []
                circuits.append(await ask(tor.circuits))
    first, second = (
        [now[user] for user in now.keys() - before.keys()] for before, now in itertools.pairwise(circuits)
    )
    assert [len(first), len(second)] == [1, 1]  # one user name each, never heard before
    assert first != second


@pytest.mark.trio
async def test_a_call_through_tor(tor: TorNetwork, tmp_path: Path) -> None:
    """The call is heard and answered, letters go both ways, nodes are reached from Tor's exits alone, and when Tor dies nothing leaks."""
    with trio.fail_after(PATIENCE_S):
        async with (
            node(tmp_path / "a", RELAY) as a,
            node(tmp_path / "b", DUTY, a) as b,
            node(tmp_path / "c", RELAY, a, b) as c,
            caller(within_s=PATIENCE_S) as process,
        ):
            relays = [address for one in (a, b, c) for address in one.addresses]
            watch = Watch(tor, process.pid, a, b, c)
            async with watching(watch):
                call, api = await begin(process, tmp_path / "v", tor.socks[1], relays)
                told = await until_case(api, lambda case: case["claims"] and case["claims"][0]["attested"])
                assert told["heard"]
                there = LocalApi(b.home.socket_path)
                await ask(there.post, f"/calls/{call[:8]}/letter", {"text": "We are on our way."})
                await until_case(
                    api, lambda case: any(one["text"] == "We are on our way." for one in case["letters"])
                )
                helper = told["claims"][0]["responder"]
                await ask(api.post, "/case/accept", {"responder": helper})
                await ask(api.post, "/case/letter", {"text": "The door is open."})
                at_helper = partial(there.get, f"/calls/{call[:8]}")
                await until(at_helper, lambda told: "The door is open." in str(told))
            assert watch.callers == {"tor", "nodes"}  # not "victim", and not "tor client"
            # One relay is listened to; the call, the attestation and a letter are pushed to both others.
            assert len(watch.circuits) >= 1 + 3 * (len(relays) - 1)
            every = [circuit for circuits in watch.circuits.values() for circuit in circuits]
            assert len(every) == len(set(every))
            tor.client.kill()
            await ask(api.post, "/case/letter", {"text": "Are you there?"})
            await until_case(api, lambda case: len(case["faults"]) == 1)  # of the relay that is listened to
            said = await process.end()
            assert said["touched"]
            assert leaks(said["touched"], *tor.socks) == []


@pytest.mark.trio
async def test_a_victim_that_comes_itself_is_seen(tor: TorNetwork, tmp_path: Path) -> None:
    """Control: a case that goes without its dead proxy is seen to be connected with the node, by the same eyes."""
    with trio.fail_after(PATIENCE_S):
        async with node(tmp_path / "a", RELAY) as a, caller(within_s=PATIENCE_S) as process:
            watch = Watch(tor, process.pid, a)
            await begin(process, tmp_path / "v", 1, list(a.addresses), leaky=True)
            await until(lambda: watch.look() or watch.callers, lambda seen: "victim" in seen)
            assert leaks((await process.end())["touched"], "127.0.0.1", 1)


def test_the_script_touches_only_what_is_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that is there is not taken, one of somebody else's is not removed, and too many exits are refused, in a sentence."""
    mine = tmp_path / "letters"
    mine.mkdir()
    (mine / "dear.txt").write_text("dear")
    assert tornet.main(["up", "--folder", str(mine)]) == 1
    assert "take it down first" in capsys.readouterr().err
    assert tornet.main(["down", "--folder", str(mine)]) == 1
    assert "nothing was removed" in capsys.readouterr().err
    assert (mine / "dear.txt").read_text() == "dear"
    assert tornet.main(["up", "9", "--folder", str(tmp_path / "net")]) == 1
    assert "from 1 to 4" in capsys.readouterr().err
    assert not (tmp_path / "net").exists()


def test_installing_starts_no_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While packages are installed a policy refuses services; afterwards it is gone, or the machine's own is as it was."""
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(debian, "POLICY", policy)
    with debian.no_service():
        assert subprocess.run([policy], check=False).returncode == 101
    assert not policy.exists()
    policy.write_text("the machine's own")
    with debian.no_service():
        pass
    assert policy.read_text() == "the machine's own"
