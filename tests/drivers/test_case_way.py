"""A case keeps to its way: nothing but a person's word makes it a weaker one, and its relays keep their parts."""

import json
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing
from attrs import evolve

from p2p_sos.core.origin.way import Way
from p2p_sos.drivers.addresses import Address, bootstrap_address, peer_id_of
from p2p_sos.drivers.case_service import CaseService, create_case, serve_case
from p2p_sos.drivers.case_way import (
    GIVEN_NOTE,
    JOINED_MAX,
    LISTENED_MAX,
    LISTENED_NOTE,
    ROUTE_NOTE,
    SHOWN_NOTE,
    STEM_DIALS,
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
from p2p_sos.drivers.p2p.guarded import GuardedMesh
from p2p_sos.drivers.p2p.hidden import HiddenMesh
from p2p_sos.drivers.p2p.keeper import Keeper
from p2p_sos.drivers.p2p.mesh import Libp2pMesh
from p2p_sos.drivers.socks import SocksAddress
from p2p_sos.drivers.store import StoreUnusable
from tests.drivers.services import PATIENCE_S, PLAN

SOCKS = SocksAddress("127.0.0.1", 9050)
PEER = peer_id_of(bytes(32))
RELAYS = [
    bootstrap_address(f"/ip4/198.18.{number}.1/tcp/4001/p2p/{peer_id_of(bytes([number]) * 32)}")
    for number in range(8)
]


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
    assert type(mesh(Route(Way.STEM), texts)) is GuardedMesh
    assert file.note(LISTENED_NOTE) is None
    assert type(mesh(Route(Way.PUSH, SOCKS), texts)) is HiddenMesh
    kept = file.note(LISTENED_NOTE)
    mesh(Route(Way.PUSH, SOCKS), texts)
    assert kept is not None
    assert file.note(LISTENED_NOTE) == kept
    given = json.loads(file.note(GIVEN_NOTE) or b"[]")
    assert set(given) == {one.peer for one in RELAYS if str(one) not in json.loads(kept)}


def test_relays_are_listened_to_or_pushed_to() -> None:
    """From two on never both, and one at least is listened to and never pushed to; no relay changes its part."""
    source = random.Random(1)
    before: tuple[Address, ...] = ()
    for count, heard in ((6, 3), (7, 3), (8, 3), (6, 3)):
        listened, pushed = divide(RELAYS[:count], before, (), source)
        assert (len(listened), len(pushed)) == (heard, count - heard)
        assert not set(listened) & set(pushed)
        assert before in ((), listened)
        before = listened
    for count, heard in ((2, 1), (3, 1), (4, 1), (5, 2)):
        listened, pushed = divide(RELAYS[:count], (), (), source)
        assert (len(listened), len(pushed)) == (heard, count - heard)
        assert not set(listened) & set(pushed)
        assert divide(RELAYS[:count], listened, [one.peer for one in pushed], source) == (listened, pushed)
    assert divide(RELAYS[:1], (), (), source) == (tuple(RELAYS[:1]), tuple(RELAYS[:1]))
    assert divide([], (), (), source) == ((), ())


def test_who_was_pushed_to_is_no_witness_later() -> None:
    """More relays are named: the new ones are listened to, never those that were given something; one of nobody else is heard all the same."""
    source = random.Random(1)
    given = [one.peer for one in RELAYS[1:3]]
    for _ in range(20):
        listened, pushed = divide(RELAYS[:7], RELAYS[:1], given, source)
        assert set(listened) >= {RELAYS[0]}
        assert not {one.peer for one in listened} & set(given)
        assert len(listened) == LISTENED_MAX
        assert set(pushed) == set(RELAYS[:7]) - set(listened)
    listened, pushed = divide(RELAYS[1:3], (), given, source)
    assert (len(listened), len(pushed)) == (1, 1)


def test_two_addresses_of_one_relay_have_one_part() -> None:
    """A relay that is known by two addresses is not its own witness."""
    source = random.Random(1)
    twice = [RELAYS[0], evolve(RELAYS[0], port=4002)]
    assert divide(twice, (), (), source) == (tuple(twice), tuple(twice))
    for _ in range(20):
        listened, pushed = divide([*twice, RELAYS[1]], (), (), source)
        assert not {one.peer for one in listened} & {one.peer for one in pushed}
        assert {*listened, *pushed} == {*twice, RELAYS[1]}


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
    mesh = mesh_of(Route(Way.DIRECT, None), file, many, loopback_apart=False)
    assert isinstance(mesh._keeper, Keeper)
    assert len(mesh._keeper._kept) == JOINED_MAX


@pytest.mark.trio
async def test_by_stem_few_see_the_caller_and_they_stay_the_same(file: CaseFile) -> None:
    """Of eight relays three are dialled at once, in three networks where there are such; a case that goes on dials these again."""
    apart = [str(evolve(one, host=f"{190 + n}.51.100.1")) for n, one in enumerate(RELAYS[:2])]
    many = [*(str(one) for one in RELAYS[2:]), *apart]

    async def dialled() -> set[str]:
        mesh, seen = mesh_of(Route(Way.STEM), file, many, loopback_apart=False), dict[str, None]()
        assert isinstance(mesh, GuardedMesh)

        async def hold(address: Address) -> None:
            seen[str(address)] = None
            await trio.sleep_forever()

        mesh._rota._dial = hold
        async with trio.open_nursery() as nursery:
            nursery.start_soon(mesh._rota.run)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        return set(seen)

    first = await dialled()
    assert len(first) == STEM_DIALS
    assert set(apart) < first
    assert set(json.loads(file.note(SHOWN_NOTE) or b"[]")) == first
    for _ in range(5):
        assert await dialled() == first
    others = set[frozenset[str]]()
    for _ in range(20):  # the control: without the note they are drawn anew
        file.write_note(SHOWN_NOTE, b"[]")
        others.add(frozenset(await dialled()))
    assert len(others) > 1


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
