"""A case keeps to its way: nothing but a person's word makes it a weaker one, and its relays keep their parts."""

import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from p2p_sos.core.origin.way import Way
from p2p_sos.drivers.addresses import Address, bootstrap_address
from p2p_sos.drivers.case_service import CaseService, create_case, serve_case
from p2p_sos.drivers.case_way import (
    JOINED_MAX,
    LISTENED_MAX,
    LISTENED_NOTE,
    ROUTE_NOTE,
    Route,
    WayRefused,
    divide,
    joined,
    keep_route,
    mesh_of,
    route_of,
    settle,
)
from p2p_sos.drivers.casefile import CODE_HARDNESS, CaseFile
from p2p_sos.drivers.home import Home
from p2p_sos.drivers.p2p.hidden import HiddenMesh
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.socks import SocksAddress
from p2p_sos.drivers.store import StoreUnusable
from tests.drivers.services import PATIENCE_S, PLAN

SOCKS = SocksAddress("127.0.0.1", 9050)
PEER = "12D3KooWCoTqyyBdth6UYTpf3MXu5TMRNoYGgxP97Z8JYPyUBFtu"
RELAYS = [bootstrap_address(f"/ip4/198.18.{number}.1/tcp/4001/p2p/{PEER}") for number in range(8)]


@pytest.fixture
def file(tmp_path: Path) -> Iterator[CaseFile]:
    made, _ = CaseFile.create(
        tmp_path / "case.db", passphrase="secret", recovery_code=False, hardness=CODE_HARDNESS
    )
    yield made
    made.close()


def test_a_way_is_kept_and_resumed(file: CaseFile) -> None:
    """What is asked for is kept with its proxy; who asks for nothing gets it; the proxy may move, and a stronger way may come."""
    assert route_of(file) == Route(Way.DIRECT, None)  # a file older than ways
    assert settle(file, Way.STEM, None, weaker=False) == Route(Way.STEM, None)
    assert settle(file, Way.PUSH, SOCKS, weaker=False) == Route(Way.PUSH, SOCKS)
    assert settle(file, None, None, weaker=False) == Route(Way.PUSH, SOCKS)
    moved = SocksAddress("127.0.0.1", 9150)
    assert settle(file, None, moved, weaker=False) == Route(Way.PUSH, moved)
    assert route_of(file) == Route(Way.PUSH, moved)


@pytest.mark.parametrize("way", [Way.STEM, Way.DIRECT])
def test_no_weaker_way_in_silence(file: CaseFile, way: Way) -> None:
    """It is refused and nothing is changed, until the person consents."""
    keep_route(file, Route(Way.PUSH, SOCKS))
    with pytest.raises(WayRefused, match="would show more"):
        settle(file, way, None, weaker=False)
    assert route_of(file).way is Way.PUSH
    assert settle(file, way, None, weaker=True).way is way
    assert route_of(file).way is way


def test_a_push_needs_a_proxy_in_digits(file: CaseFile) -> None:
    """Without one, or with one that must be looked up, nothing is kept or served."""
    for socks in (None, ("tor.local", 9050), ("127.0.0.1", 0)):
        with pytest.raises(WayRefused):
            settle(file, Way.PUSH, socks, weaker=False)
    assert route_of(file) == Route(Way.DIRECT, None)


@pytest.mark.parametrize(
    "note", [b"", b"{}", b'{"way": "pigeon", "socks": null}', b'{"way": "push", "socks": "x:1"}']
)
def test_a_way_that_cannot_be_read_is_no_licence(file: CaseFile, note: bytes) -> None:
    """A damaged note stops the case; it never makes it direct."""
    file.write_note(ROUTE_NOTE, note)
    with pytest.raises(StoreUnusable):
        settle(file, None, SOCKS, weaker=True)


def test_the_mesh_is_that_of_the_way(file: CaseFile) -> None:
    """Only the push hides; and whom it listens to is kept."""
    texts = [str(relay) for relay in RELAYS]

    def mesh(route: Route, texts: list[str]) -> Libp2pMesh:
        return mesh_of(route, file, texts, loopback_apart=True)

    assert type(mesh(Route(Way.DIRECT), texts)) is Libp2pMesh
    assert type(mesh(Route(Way.STEM), texts)) is Libp2pMesh
    assert file.note(LISTENED_NOTE) is None
    assert type(mesh(Route(Way.PUSH, SOCKS), texts)) is HiddenMesh
    kept = file.note(LISTENED_NOTE)
    mesh(Route(Way.PUSH, SOCKS), texts)
    assert kept is not None
    assert file.note(LISTENED_NOTE) == kept


def test_relays_are_listened_to_or_pushed_to() -> None:
    """With six or more, never both, and no relay changes its part; with fewer, all do both."""
    source = random.Random(1)
    before: tuple[Address, ...] = ()
    for count in (6, 7, 8, 6):
        listened, pushed = divide(RELAYS[:count], before, source)
        assert (len(listened), len(pushed)) == (LISTENED_MAX, count - LISTENED_MAX)
        assert not set(listened) & set(pushed)
        assert before in ((), listened)
        before = listened
    assert divide(RELAYS[:5], (), source) == (tuple(RELAYS[:5]), tuple(RELAYS[:5]))
    assert divide([], (), source) == ((), ())


def test_in_the_open_a_long_list_is_not_dialled_whole(file: CaseFile) -> None:
    """Each that is dialled sees where the caller stands: all of a short list, so many of a long one, of different networks."""
    source = random.Random(1)
    many = [f"/ip4/198.18.{number}.1/tcp/4001/p2p/{PEER}" for number in range(200)]
    apart = [f"/ip4/{198 + number}.51.100.1/tcp/4001/p2p/{PEER}" for number in range(20)]
    assert joined(many[:JOINED_MAX], source) == tuple(many[:JOINED_MAX])
    drawn = [joined([*many, *apart], source) for _ in range(20)]
    assert {len(set(one)) for one in drawn} == {JOINED_MAX}
    assert len(set(drawn)) > 1
    for one in drawn:
        assert set(one) <= {*many, *apart}
        assert len(set(one) & set(many)) <= 1
    with pytest.raises(ValueError, match="is no address"):
        joined([*many, "nonsense"], source)
    for way in (Way.STEM, Way.DIRECT):
        mesh = mesh_of(Route(way, None), file, many, loopback_apart=False)
        assert isinstance(mesh, Libp2pMesh)
        assert len(mesh._keeper._kept) == JOINED_MAX


@pytest.mark.trio
async def test_a_case_is_served_by_its_way(tmp_path: Path) -> None:
    """The way of the making is that of the serving, though nobody repeats it; another, weaker one is refused before anything runs."""
    make = partial(create_case, Home(tmp_path), PLAN, passphrase="secret", recovery_code=False, bootstrap=[])
    with pytest.raises(WayRefused):
        await make(way=Way.PUSH)
    new = await make(way=Way.PUSH, socks=("127.0.0.1", 1))
    with pytest.raises(WayRefused), trio.fail_after(PATIENCE_S):
        await serve_case(new.home, new.file, [], way=Way.DIRECT)
    file = CaseFile.open(new.home.file_path, "secret")
    async with trio.open_nursery() as nursery:
        served: CaseService = await nursery.start(partial(serve_case, new.home, file, [str(RELAYS[0])]))
        assert isinstance(served.runner._mesh, HiddenMesh)
        served.stop()
