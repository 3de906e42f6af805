"""Addresses of relays: what is one, and what is wrong with what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.drivers.addresses import Address, network_of, parse_bootstrap, parse_listen, peer_id_of
from p2p_sos.wire.keys import SigningKey
from tests.drivers.p2p.nodes import mesh

PEER = "12D3KooWMbbPVGsZYh3ChQjue712NHHGNybRRXwnuSpezYjGbCDS"
OLD_PEER = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"


@pytest.mark.parametrize(
    "text",
    [
        f"/ip4/192.0.2.1/tcp/4001/p2p/{PEER}",
        f"/ip6/2001:db8::1/tcp/65535/p2p/{PEER}",
        f"/dns/relay.example/tcp/1/p2p/{PEER}",
        f"/dns4/relay.example/tcp/4001/p2p/{OLD_PEER}",
    ],
)
def test_a_good_address_is_read_and_written_back(text: str) -> None:
    """An address is read into its parts, and its text is the same again."""
    read = parse_bootstrap(f"  {text}\n")
    assert isinstance(read, Address)
    assert str(read) == text


def test_the_old_name_of_the_peer_part_is_read() -> None:
    """`/ipfs/` is understood and written as `/p2p/`."""
    assert parse_bootstrap(f"/ip4/192.0.2.1/tcp/4001/ipfs/{PEER}") == Address("ip4", "192.0.2.1", 4001, PEER)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no address"),
        ("relay.example:4001", "is no address"),
        ("/unix/tmp/socket", "begins with /unix"),
        ("/ip4", "names no host"),
        (f"/ip4/192.0.2.256/tcp/4001/p2p/{PEER}", "where an IPv4 address belongs"),
        (f"/ip4/relay.example/tcp/4001/p2p/{PEER}", "where an IPv4 address belongs"),
        (f"/ip6/192.0.2.1/tcp/4001/p2p/{PEER}", "where an IPv6 address belongs"),
        (f"/ip4/192.0.2.1/udp/4001/quic-v1/p2p/{PEER}", "names no TCP port"),
        (f"/ip4/192.0.2.1/tcp/p2p/{PEER}", "has the port 'p2p'"),
        (f"/ip4/192.0.2.1/tcp/0/p2p/{PEER}", "a port is a number from 1 to 65535"),
        (f"/ip4/192.0.2.1/tcp/65536/p2p/{PEER}", "a port is a number from 1 to 65535"),
        (f"/ip4/192.0.2.1/tcp/-1/p2p/{PEER}", "a port is a number from 1 to 65535"),
        (f"/ip4/192.0.2.1/tcp/\u0664\u0660\u0660\u0661/p2p/{PEER}", "a port is a number from 1 to 65535"),
        ("/ip4/192.0.2.1/tcp/4001", "lacks /p2p/"),
        ("/ip4/192.0.2.1/tcp/4001/p2p", "lacks /p2p/"),
        ("/ip4/192.0.2.1/tcp/4001/p2p/nobody", "is no peer id"),
        (f"/ip4/192.0.2.1/tcp/4001/p2p/{PEER[:-1]}", "is no peer id"),
        (f"/ip4/192.0.2.1/tcp/4001/p2p/{PEER[:-1]}0", "is no peer id"),
        (f"/ip4/192.0.2.1/tcp/4001/p2p/{PEER}/p2p-circuit/p2p/{PEER}", "goes on after the peer id"),
    ],
)
def test_a_bad_address_is_named_with_its_fault(text: str, why: str) -> None:
    """What is wrong is said in one sentence that holds the address."""
    sentence = parse_bootstrap(text)
    assert isinstance(sentence, str)
    assert why in sentence
    assert repr(text) in sentence
    assert sentence.endswith(".")


@given(st.text(max_size=80) | st.text(alphabet="/ip46dnstc2pQm1.:", max_size=80))
def test_any_text_is_an_address_or_a_sentence(text: str) -> None:
    """The reader is total."""
    assert isinstance(parse_bootstrap(text), Address | str)
    assert isinstance(parse_listen(text), str | None)


@pytest.mark.parametrize("text", ["/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/0", "/ip4/127.0.0.1/tcp/0/"])
def test_a_listening_address_is_accepted(text: str) -> None:
    """Address and port, or port 0, are enough to listen."""
    assert parse_listen(text) is None


@pytest.mark.parametrize(
    "text", ["", "/dns4/me/tcp/1", "/ip4/1.2.3/tcp/1", "/ip4/1.2.3.4/udp/1", "/ip4/1.2.3.4/tcp/x"]
)
def test_what_cannot_be_listened_on_is_said(text: str) -> None:
    """Names, other transports and bad numbers are refused with a sentence."""
    assert (parse_listen(text) or "").endswith(".")


def test_networks_group_neighbours() -> None:
    """Addresses of one /16, or one /32 of IPv6, are one network; others are others; a name is itself."""
    assert network_of("192.0.2.1") == network_of("192.0.200.1") != network_of("192.1.2.1")
    assert network_of("2001:db8::1") == network_of("2001:db8:ffff::2") != network_of("2001:db9::1")
    assert network_of("relay.example") == "relay.example"


@pytest.mark.parametrize("seed", [1, 7, 250])
def test_a_peer_id_is_that_of_the_host(seed: int) -> None:
    """What we make of a public key is what libp2p makes of it, and an address takes it."""
    made = peer_id_of(SigningKey(bytes([seed]) * 32).public)
    assert made == mesh(seed).peer_id
    assert isinstance(parse_bootstrap(f"/ip4/192.0.2.1/tcp/4001/p2p/{made}"), Address)
