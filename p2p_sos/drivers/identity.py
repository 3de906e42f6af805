"""Who a node is: the seeds of its host and of its responder, read or made.

In comes a home with its store. Out go seeds, and remarks for people. Decides when a responder's key may be used no more:
a key whose log of signed messages is lost would contradict itself, and be convicted of it.
"""

import secrets
from collections.abc import Callable

from p2p_sos.drivers.home import Home, set_aside
from p2p_sos.drivers.keyfile import SEED_BYTES, peek_key, read_key, write_key
from p2p_sos.drivers.store import NodeStore
from p2p_sos.wire.keys import SigningKey

HOST, RESPONDER = "host", "responder"
SIGNING = "signing"
UNUSED = ("exchange",)  # of an earlier version: each call has an exchange key of its own
NOTE = "responder"  # the store's note: whose log it holds


def host_seed(home: Home) -> bytes:
    """The seed of the libp2p host; made at the first start. Raises `KeyFileError`."""
    seeds = read_key(home.host_key_path, HOST, (SIGNING,))
    if seeds is None:
        seeds = {SIGNING: secrets.token_bytes(SEED_BYTES)}
        write_key(home.host_key_path, HOST, seeds)
    return seeds[SIGNING]


def host_public(home: Home) -> bytes | None:
    """The host's public key, if there is a key that can be read. Makes and changes nothing."""
    seeds = peek_key(home.host_key_path, HOST, (SIGNING,))
    return None if seeds is None else SigningKey(seeds[SIGNING]).public


def responder_seed(home: Home, store: NodeStore, remark: Callable[[str], None]) -> bytes:
    """The responder's seed, bound to the store that holds its log. Raises `KeyFileError`, `StoreError`, `OSError`."""
    path = home.responder_key_path
    seeds, noted = read_key(path, RESPONDER, (SIGNING,), UNUSED), store.note(NOTE)
    if seeds is not None and noted == SigningKey(seeds[SIGNING]).public:
        return seeds[SIGNING]
    if seeds is not None:
        aside = set_aside(path, "retired")
        remark(
            f"The store does not hold the log of the responder key {path}: the key was set aside as {aside.name} "
            "and a new one made, since two logs under one key would count as lying."
        )
    seed = secrets.token_bytes(SEED_BYTES)
    write_key(path, RESPONDER, {SIGNING: seed})
    store.write_note(NOTE, SigningKey(seed).public)
    return seed
