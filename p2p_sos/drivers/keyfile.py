"""Secret seeds as small files: written once, mode 0600, with a check that tells damage from a key.

In come seeds. Out come seeds, or one sentence. Knows nothing of what a seed is for. The format is text:

    esos-key 1 responder
    signing <64 hexadecimal digits>
    check <16 hexadecimal digits>

A file of an earlier version may hold a seed more that nobody uses; it is read all the same, and left as it is.
"""

import hashlib
from pathlib import Path

from p2p_sos.drivers.database import StoreUnusable
from p2p_sos.drivers.home import FILE_MODE, Exists, set_aside, write_private

SEED_BYTES = 32
Seeds = dict[str, bytes]


class KeyFileError(StoreUnusable):
    """A key file cannot be used; one sentence that names the next step."""


def write_key(path: Path, kind: str, seeds: Seeds) -> None:
    """Write a new file, durable on return. Raises `Exists`, `KeyFileError`."""
    if path.exists():
        raise Exists(f"{path} exists already: a key is never overwritten.")
    assert all(len(seed) == SEED_BYTES for seed in seeds.values()), "a seed has 32 bytes"
    text = f"esos-key 1 {kind}\n" + "".join(f"{name} {seed.hex()}\n" for name, seed in seeds.items())
    try:
        write_private(path, (text + f"check {_check(text)}\n").encode())
    except OSError as error:
        raise KeyFileError(f"The key {path} cannot be written: {error.strerror}.") from error


def read_key(path: Path, kind: str, names: tuple[str, ...], unused: tuple[str, ...] = ()) -> Seeds | None:
    """The seeds of a file; None when there is none. A damaged file is set aside. Raises `KeyFileError`.

    `unused`: what it may hold besides, and is not given back.
    """
    try:
        mode = path.stat().st_mode & 0o777
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise KeyFileError(f"The key {path} cannot be read: {error.strerror}.") from error
    if mode & 0o077:
        raise KeyFileError(
            f"The key {path} is open to other users (mode {mode:04o}, {FILE_MODE:04o} is right): if nobody read it, "
            f"run `chmod 600 {path}`; if somebody may have, move it away, and a new one is made."
        )
    seeds = _parse(content, kind, names, unused)
    if isinstance(seeds, str):
        raise _put_aside(path, seeds)
    return seeds


def peek_key(path: Path, kind: str, names: tuple[str, ...]) -> Seeds | None:
    """The seeds of a file that is sound; None for any other, which stays where and as it is."""
    try:
        seeds = _parse(path.read_bytes(), kind, names, ())
    except OSError:
        return None
    return None if isinstance(seeds, str) else seeds


def _parse(content: bytes, kind: str, names: tuple[str, ...], unused: tuple[str, ...]) -> Seeds | str:
    """The seeds, or a few words about what is wrong."""
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        return "it is no text"
    body, found, tail = text.rpartition("check ")
    if not found or tail.strip() != _check(body):
        return "its check does not match"
    first, *lines = body.splitlines()
    if first != f"esos-key 1 {kind}":
        return f"it begins with {first!r}, not with 'esos-key 1 {kind}'"
    seeds = {name: bytes.fromhex(seed) for name, _, seed in (line.partition(" ") for line in lines)}
    used = {name: seed for name, seed in seeds.items() if name not in unused}
    good = tuple(used) == names and all(len(seed) == SEED_BYTES for seed in seeds.values())
    return used if good else f"it holds {', '.join(seeds)}, not {', '.join(names)}"


def _check(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8, person=b"esos-key").hexdigest()


def _put_aside(path: Path, what: str) -> KeyFileError:
    try:
        aside = set_aside(path)
    except OSError as error:
        return KeyFileError(
            f"The key {path} is damaged ({what}) and could not be set aside: {error.strerror}."
        )
    return KeyFileError(
        f"The key {path} is damaged ({what}); it was set aside as {aside.name}. Put your backup in its place to stay "
        "who you were, or start again to begin with a new one."
    )
