"""What an address of a relay is, and what is wrong with a text that is none.

In comes what a person wrote: a flag, a line of the settings. Out goes an `Address`, or one sentence that names
the fault. Nothing is resolved or dialled here, and libp2p is not loaded.
"""

import random
import re
from collections.abc import Sequence
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address

from attrs import frozen

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_IDENTITY_ED25519 = bytes.fromhex("002408011220")  # identity multihash of an Ed25519 public key's protobuf
_SHA256 = bytes.fromhex("1220")
_EXAMPLE = "/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW..."
_HOSTS = ("ip4", "ip6", "dns", "dns4", "dns6")
_NAMES_OF_HERE = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@frozen
class Address:
    """Where a peer listens (TCP), and who it must prove to be."""

    family: str  # one of ip4, ip6, dns, dns4, dns6
    host: str
    port: int
    peer: str  # base58

    @property
    def dialled(self) -> str:
        """The part that is dialled, without the peer."""
        return f"/{self.family}/{self.host}/tcp/{self.port}"

    def __str__(self) -> str:
        return f"{self.dialled}/p2p/{self.peer}"


def parse_bootstrap(text: str) -> Address | str:
    """Read a full address such as `/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...`; else say what is wrong with it."""
    shown = text.strip()
    if not shown.startswith("/"):
        return f"{shown!r} is no address: write it as {_EXAMPLE}."
    parts = shown.strip("/").split("/")
    family = parts[0]
    if family not in _HOSTS:
        return f"{shown!r} begins with /{family}: an address begins with one of {', '.join('/' + h for h in _HOSTS)}."
    wrong = _wrong_host(shown, family, parts[1] if len(parts) > 1 else "")
    if wrong is not None:
        return wrong
    if len(parts) < 4 or parts[2] != "tcp":
        return f"{shown!r} names no TCP port: after the host comes /tcp/PORT."
    port = _port(parts[3])
    if port is None:
        return f"{shown!r} has the port {parts[3]!r}: a port is a number from 1 to 65535."
    if len(parts) < 6 or parts[4] not in {"p2p", "ipfs"}:
        return f"{shown!r} lacks /p2p/ and the relay's peer id at its end: without it nobody could tell the relay from an impostor."
    if len(parts) > 6:
        return f"{shown!r} goes on after the peer id with /{parts[6]}: relayed addresses are not understood."
    if not _is_peer_id(parts[5]):
        return f"{shown!r} ends in {parts[5]!r}, which is no peer id: it should look like 12D3KooW and 44 more letters and digits."
    return Address(family, parts[1], port, parts[5])


def bootstrap_address(text: str) -> Address:
    """The same. Raises ValueError with the sentence."""
    parsed = parse_bootstrap(text)
    if isinstance(parsed, str):
        raise ValueError(parsed)
    return parsed


def parse_listen(text: str) -> str | None:
    """None if `text` is an address to listen on (`/ip4/0.0.0.0/tcp/4001`, port 0 picks one); else what is wrong."""
    parts = text.strip().strip("/").split("/")
    if len(parts) != 4 or parts[0] not in {"ip4", "ip6"} or parts[2] != "tcp":
        return f"{text!r} is no address to listen on: write it as /ip4/0.0.0.0/tcp/4001 or /ip6/::/tcp/4001."
    wrong = _wrong_host(text, parts[0], parts[1])
    if wrong is not None:
        return wrong
    if parts[3] != "0" and _port(parts[3]) is None:
        return f"{text!r} has the port {parts[3]!r}: a port is a number from 0 to 65535."
    return None


def network_of(host: str) -> str:
    """The group of addresses that probably has one owner: a /16 of IPv4, a /32 of IPv6; a name is itself."""
    try:
        return ".".join(str(IPv4Address(host)).split(".")[:2])
    except AddressValueError:
        pass
    try:
        return IPv6Address(host).exploded[:9]
    except AddressValueError:
        return host


def network_of_peer(host: str, peer: str, *, loopback_apart: bool) -> str:
    """The network of a peer at an address; in a laboratory all stand on one machine, and each is a network of its own there."""
    if loopback_apart and _is_loopback(host):
        return f"loopback {peer}"
    return network_of(host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(host: str) -> bool:
    """Whether a host means this machine or a network of one's own; what a name stands for is not looked up."""
    try:
        address = ip_address(host)
    except ValueError:
        name = host.lower().rstrip(".")
        *_, last = name.split(".")
        # 127.1 and 0x7f000001 are addresses to the resolver, and names to nobody.
        return "." not in name or name.endswith(_NAMES_OF_HERE) or _NUMBER.fullmatch(last) is not None
    return not address.is_global or address.is_multicast


def peer_id_of(public: bytes) -> str:
    """The peer id, in base58, of an Ed25519 public key (32 bytes)."""
    raw = _IDENTITY_ED25519 + public
    number, letters = int.from_bytes(raw, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        letters = _BASE58[digit] + letters
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + letters


def draw(addresses: Sequence[Address], count: int, source: random.Random) -> tuple[Address, ...]:
    """That many relays, drawn: first the networks, then one relay of each, and a second of one when every one gave a relay."""
    # "Of several networks each is as likely, however many peers it holds." (11-origin §4)
    networks: dict[str, list[Address]] = {}
    for address in addresses:
        networks.setdefault(network_of(address.host), []).append(address)
    drawn = list(networks.values())
    source.shuffle(drawn)
    for one in drawn:
        source.shuffle(one)
    turns = max(map(len, drawn), default=0)
    return tuple(one[turn] for turn in range(turns) for one in drawn if turn < len(one))[:count]


def _wrong_host(shown: str, family: str, host: str) -> str | None:
    if not host:
        return f"{shown!r} names no host: after /{family} comes the address or name."
    try:
        if family == "ip4":
            IPv4Address(host)
        elif family == "ip6":
            IPv6Address(host)
    except AddressValueError:
        return f"{shown!r} has {host!r} where an IPv{family[-1]} address belongs."
    return None


def _port(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 5):
        return None
    port = int(text)
    return port if 1 <= port <= 65535 else None


def _is_peer_id(text: str) -> bool:
    if not 40 <= len(text) <= 60 or any(letter not in _BASE58 for letter in text):
        return False
    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    ones = len(text) - len(text.lstrip("1"))
    raw = bytes(ones) + number.to_bytes((number.bit_length() + 7) // 8, "big")
    if raw.startswith(_IDENTITY_ED25519):
        return len(raw) == len(_IDENTITY_ED25519) + 32
    return raw.startswith(_SHA256) and len(raw) == len(_SHA256) + 32
