"""Calls by the stem and through a SOCKS port, from the command to a claim, over real nodes; and on when the proxy is gone."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from tests.cli.processes import ANYWHERE, PASSPHRASE, Node, relays_of, running, sos, streaming
from tests.drivers.p2p.proxy import Proxy


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Node]]:
    """Three nodes that claim by themselves, each joined to those before it."""
    inits = [("--skill", "expertise", "--automatic")] * 3
    with running(tmp_path_factory.mktemp("nodes"), *inits) as started:
        yield started


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Path]:
    """The home of a victim; whatever carries its case in the end is stopped."""
    home = tmp_path / "victim"
    yield home
    sos(home, "case", "stop")


@contextmanager
def proxy() -> Iterator[Proxy]:
    """A SOCKS5 proxy of the test's own, in a thread, as long as the context lasts."""
    served, ready, ends = Proxy(), threading.Event(), list[trio.lowlevel.TrioToken]()
    scope = trio.CancelScope()

    async def serve() -> None:
        ends.append(trio.lowlevel.current_trio_token())
        with scope:
            async with trio.open_nursery() as nursery:
                await nursery.start(served.serve)
                ready.set()
                await trio.sleep_forever()

    thread = threading.Thread(target=trio.run, args=(serve,))
    thread.start()
    ready.wait()
    try:
        yield served
    finally:
        ends[0].run_sync_soon(scope.cancel)
        thread.join()


def calling(nodes: list[Node], *how: str) -> list[str]:
    return ["call", "--yes", *how, "--until", "claimed", "--json", *relays_of(nodes)]


def way(home: Path) -> str:
    shown: str = sos(home, "case", "status", "--json").objects[0]["way"]
    return shown


def test_a_call_by_the_stem_is_claimed(nodes: list[Node], victim: Path) -> None:
    """One relay takes it, the mesh brings it back, and the case goes on by the stem when it is resumed."""
    said = sos(victim, *calling(nodes, "--via", "stem"), SOS_PASSPHRASE=PASSPHRASE)
    assert said.exit == 0, said
    assert said.objects[0]["via"] == "stem"
    told = [one["notice"] for one in said.objects]
    assert told.index("call-returned") <= told.index("claim-seen")
    assert way(victim) == "stem"
    assert sos(victim, "case", "stop").exit == 0
    again = sos(victim, "case", "resume", "--until", "claimed", SOS_PASSPHRASE=PASSPHRASE)
    assert again.exit == 0, again
    assert "relays for nobody" in again.out
    assert way(victim) == "stem"


def test_a_call_through_a_socks_port_is_claimed_and_never_weakened(nodes: list[Node], victim: Path) -> None:
    """Nobody named a way: the port that answers is used. Without it the case does not go on until a person names less."""
    with proxy() as served:
        port = f"127.0.0.1:{served.port}"
        said = sos(victim, *calling(nodes), SOS_PASSPHRASE=PASSPHRASE, SOS_SOCKS=port)
        assert said.exit == 0, said
        assert said.objects[0]["via"] == "socks"
        assert port in said.objects[0]["exposure"]
        assert way(victim) == "push"
        users = [asked.user for asked in served.asked]
        assert len(users) >= 3
        assert len(set(users)) == len(users)  # a circuit of its own for each connection
        assert sos(victim, "case", "stop").exit == 0
    words = ("case", "resume", "--until", "claimed", "--json")
    gone = sos(victim, *words, SOS_PASSPHRASE=PASSPHRASE, SOS_SOCKS=port)
    assert (gone.exit, gone.objects[-1]["code"]) == (77, "no-socks")
    assert "--via stem" in gone.objects[-1]["error"]
    assert sos(victim, "case", "status").exit == 69
    openly = sos(victim, *words, "--via", "direct", SOS_PASSPHRASE=PASSPHRASE, SOS_SOCKS=port)
    assert openly.exit == 0, openly
    assert way(victim) == "direct"


def test_a_lone_relay_that_was_pushed_to_makes_nothing_heard(victim: Path, tmp_path: Path) -> None:
    """It has the call and no peer, and its own word is not believed: HEARD comes when somebody answers, and not before."""
    with proxy() as served, running(tmp_path / "relay", ("--relay-only",)) as lone:
        port = f"127.0.0.1:{served.port}"
        words = ("call", "--yes", "--until", "claimed", *relays_of(lone))
        with streaming(victim, *words, SOS_PASSPHRASE=PASSPHRASE, SOS_SOCKS=port) as told:
            call = told.until(lambda one: one.get("notice") == "case-kept")["call"]
            told.notice("call-taken")
            while call not in [one["id"] for one in sos(lone[0].home, "calls", "--json").objects[0]["calls"]]:
                pass
            helper = tmp_path / "helper"
            assert sos(helper, "init", "--listen", ANYWHERE, "--skill", "expertise", "--automatic").exit == 0
            assert not sos(victim, "case", "status", "--json").objects[0]["heard"]
            began = time.time()
            try:
                assert sos(helper, "up", "--detach", *relays_of(lone)).exit == 0
                told.notice("claim-seen")
            finally:
                sos(helper, "down")
        returned = [one["at_unix_s"] for one in told.seen if one.get("notice") == "call-returned"]
        assert all(at >= began for at in returned)
        assert sos(victim, "case", "stop").exit == 0


def test_a_call_goes_through_a_fetched_list(nodes: list[Node], victim: Path, tmp_path: Path) -> None:
    """Nothing is named and no node runs here: the relays of a list that was taken in before carry the call, through the port."""
    published = tmp_path / "relays.txt"
    published.write_text("# relays of the laboratory\n" + "".join(f"{node.address}\n" for node in nodes))
    assert sos(victim, "relays", "fetch", str(published)).exit == 0
    with proxy() as served:
        port = f"127.0.0.1:{served.port}"
        words = ("call", "--yes", "--until", "claimed", "--json")
        said = sos(victim, *words, SOS_PASSPHRASE=PASSPHRASE, SOS_SOCKS=port)
        assert said.exit == 0, said
        assert said.objects[0]["via"] == "socks"
        assert said.objects[0]["relays"] == [node.address for node in nodes]
        assert {asked.port for asked in served.asked} <= {int(node.address.split("/")[4]) for node in nodes}
        assert sos(victim, "case", "stop").exit == 0
