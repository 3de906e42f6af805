"""The relays kept for calls: not shared with a node of the same home, told when they lack something, and used by a call."""

import json
from pathlib import Path

import pytest

from p2p_sos.cli.way import SHARED
from p2p_sos.drivers.addresses import peer_id_of
from p2p_sos.drivers.home import Home
from p2p_sos.drivers.identity import host_public
from p2p_sos.drivers.relay_lists import OLD_S
from tests.cli.conftest import Sos
from tests.cli.lists import MANY, settle
from tests.cli.stub import STATUS, Stub
from tests.cli.test_way import socks_port
from tests.drivers.test_relay_lists import KEYS, LOCAL, ONE, OTHER


def used_by_call(sos: Sos, out: Path) -> list[str]:
    """The relays that a call would go through."""
    said = sos("call", "--offline", "--yes", "--json", "--details", "x", "--out", str(out))
    assert said.exit == 0, said
    relays: list[str] = said.objects[0]["relays"]
    return relays


# ------------------------------------------------------------------------- not shared with a node


def test_whom_the_node_uses_is_left_out(sos: Sos, home: Path, published: Path) -> None:
    """Those of `bootstrap`, the node itself, the relays that it keeps, by peer or by place: left out, and told."""
    here = f"/ip4/127.0.0.1/tcp/4767/p2p/{KEYS[0]}"  # the stub's own address
    assert [here] == STATUS["addresses"]
    place = MANY[3].replace(
        MANY[3].rpartition("/")[2], KEYS[1]
    )  # where a kept relay stands, under another key
    published.write_text("\n".join([*MANY[:4], here.replace("127.0.0.1", "198.51.100.7")]))
    settle(home, bootstrap=(MANY[1].replace("relay1", "elsewhere"),))
    with Stub({"GET /status": (200, STATUS | {"relays": [MANY[2], place]})}).at(home / "api.sock"):
        said = sos("relays", "fetch", str(published))
        told = sos("relays", "fetch", str(published), "--json").objects[0]
        assert told["relays"] == [MANY[0]]
        assert len(told["left_out"]) == 4
        assert "4 addresses left out, since this home's node uses them" in said.out
        published.write_text(MANY[2])
        before = (home / "relays.json").read_bytes()
        said = sos("relays", "fetch", str(published))
        assert said.exit == 1
        assert "no relay that this home's node does not use" in said.err
        assert (home / "relays.json").read_bytes() == before


def test_the_node_of_this_home_is_left_out_though_it_does_not_run(sos: Sos, home: Path, published: Path, tmp_path: Path) -> None:  # fmt: skip
    """By its key: a call that came out of a proxy to it would enter the mesh at the caller's own address."""
    sos("relays", "fetch", str(published))
    assert sos("init", "--relay-only").exit == 0
    public = host_public(Home(home))
    assert public is not None
    own = f"/dns4/my-own.example/tcp/4767/p2p/{peer_id_of(public)}"
    published.write_text(f"{ONE}\n{own}\n")
    told = sos("relays", "fetch", str(published), "--json").objects[0]
    assert (told["relays"], told["left_out"]) == ([ONE], [own])
    kept = json.loads((home / "relays.json").read_text())
    kept["lists"][0]["relays"].append(own)  # fetched before the node was made
    (home / "relays.json").write_text(json.dumps(kept))
    assert used_by_call(sos, tmp_path) == [ONE]
    assert "of relays that this home's node uses" in sos("relays").out


def test_what_is_shared_or_lacks_is_told(sos: Sos, home: Path, published: Path) -> None:
    """Fewer than six relays, fewer than three networks, some that the node uses; six in three networks, and silence."""
    settle(home, bootstrap=(MANY[0],), relays=(MANY[0], f"/ip4/198.51.100.1/tcp/1/p2p/{KEYS[0]}"))
    warnings = " ".join(sos("relays", "--json").objects[0]["warnings"])
    for words in (
        "Fewer than six relays",
        "Fewer than three networks",
        "1 address of relays that this home's node uses",
    ):
        assert words in warnings
    assert f"{MANY[0]}  this home's node uses it" in sos("relays").out
    settle(home, relays=tuple(MANY[:3]))
    published.write_text("\n".join(MANY[2:6]))
    sos("relays", "fetch", str(published))
    said = sos("relays")
    assert "6 relays in 6 networks" in said.out
    assert said.out.rstrip().endswith("sos call uses them")
    told = sos("relays", "--json").objects[0]
    assert told["warnings"] == []
    assert [one["from"] for one in told["relays"]][1:4] == [
        ["settings.toml"],
        ["settings.toml", str(published)],
        [str(published)],
    ]


def test_an_old_list_is_told(sos: Sos, home: Path, published: Path) -> None:
    """After a month, and not before; it stays in use."""
    sos("relays", "fetch", str(published))
    kept = json.loads((home / "relays.json").read_text())
    assert "days old" not in sos("relays").out
    kept["lists"][0]["fetched_unix_s"] -= OLD_S + 86400
    (home / "relays.json").write_text(json.dumps(kept))
    assert "gave is 31 days old: fetch it again." in sos("relays").out
    assert sos("relays", "--json").objects[0]["lists"][0]["old"] is True


# ------------------------------------------------------------------------- what a call does with it


def test_a_call_uses_the_settings_and_the_lists(
    sos: Sos, home: Path, published: Path, tmp_path: Path
) -> None:
    """Both, each address once; not whom the node joins through by now; and `--bootstrap` alone where it is given."""
    settle(home, relays=(MANY[0], ONE))
    sos("relays", "fetch", str(published))
    assert used_by_call(sos, tmp_path / "1") == [MANY[0], ONE, OTHER]
    settle(home, relays=(MANY[0],), bootstrap=(OTHER,))
    assert used_by_call(sos, tmp_path / "2") == [MANY[0], ONE]
    sos("relays", "forget")
    assert used_by_call(sos, tmp_path / "3") == [MANY[0]]


def test_a_fetched_list_is_nobody_elses(sos: Sos, home: Path, published: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Through a proxy a call is told when its relays are the node's: with a fetched list they are not. Nothing is fetched."""
    settle(home, bootstrap=(MANY[0],))
    with socks_port() as port:
        monkeypatch.setenv("SOS_SOCKS", port)
        lent = sos("call", "--details", "x")
        assert (lent.exit, SHARED in lent.out) == (77, True)
        published.write_text(LOCAL)
        sos("relays", "fetch", str(published))
        own = sos("call", "--details", "x")
        assert (own.exit, SHARED in own.out) == (77, False)
        assert "No relay is known" not in own.out


def test_a_damaged_list_stops_no_call(sos: Sos, home: Path, published: Path, tmp_path: Path) -> None:
    """`sos relays` names the file (74); a call says so and goes on without; the next fetch sets it aside, unchanged."""
    settle(home, relays=(MANY[0],))
    (home / "relays.json").write_text("{")
    assert sos("relays").exit == 74
    assert sos("relays", "forget", "--all").exit == 74
    assert used_by_call(sos, tmp_path) == [MANY[0]]
    said = sos("call", "--details", "x", "--via", "direct")
    assert said.out.count("fetched for calls are left out") == 1
    assert "relays.json.damaged-1" in sos("relays", "fetch", str(published)).out
    assert (home / "relays.json.damaged-1").read_text() == "{"
    assert used_by_call(sos, tmp_path / "2") == [MANY[0], ONE, OTHER]
