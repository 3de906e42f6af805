"""Relays that somebody publishes for calls: the text of a list, and the file in which a home keeps what it took.

In come the bytes of a list, or a home's file. Out go addresses, and what is wrong, line by line. Decides which lines count
and how many, and that a list is kept whole or not at all. Fetches and dials nothing.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from p2p_sos.drivers.addresses import Address, is_private, parse_bootstrap
from p2p_sos.drivers.home import sync_directory, write_private

LIST_BYTES_MAX = 64 * 1024  # guess: 256 addresses and as many comments
ADDRESSES_MAX = 256  # guess: more than a call can use
SOURCES_MAX = 8  # guess
OLD_S = 30 * 86400.0  # guess: by then, relays have gone and come
_LINE_LETTERS_MAX = 512  # the longest name, the longest peer id, and room
_COMMENT = re.compile(r"(^|\s)#.*")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,253}")
_FILE_BYTES_MAX = 2 * SOURCES_MAX * LIST_BYTES_MAX


@frozen
class WrongLine:
    """A line that is no address to be used: its number, from 1, and one sentence."""

    number: int
    sentence: str


@frozen
class Published:
    """What stands in a list: the good addresses, each once, the lines that are none, and how many were one too many."""

    good: tuple[Address, ...]
    wrong: tuple[WrongLine, ...] = ()
    beyond: int = 0


@frozen
class KeptList:
    """What one source gave: a URL, a file's path, or `-`; and when."""

    source: str
    fetched_unix_s: float
    addresses: tuple[Address, ...]

    def is_old(self, unix_s: float) -> bool:
        """Whether it was fetched more than a month ago."""
        return unix_s - self.fetched_unix_s > OLD_S


class ListsDamaged(Exception):
    """The kept file cannot be read; one sentence."""


# ------------------------------------------------------------------------- the text


def read_list(content: bytes, *, private: bool) -> Published:
    """Read a list; `private`: whether it may name this machine and networks of one's own."""
    good: dict[Address, None] = {}
    wrong = []
    beyond = 0
    # "A reader MUST skip a line that it cannot read, and read on." (11-origin §8)
    for number, line in enumerate(_lines(content), start=1):
        if not line:
            continue
        found = _address(line, private=private)
        if isinstance(found, str):
            wrong.append(WrongLine(number, found))
        elif found not in good and len(good) >= ADDRESSES_MAX:
            beyond += 1
        else:
            good[found] = None
    return Published(tuple(good), tuple(wrong), beyond)


def _lines(content: bytes) -> list[str]:
    """Every line without its comment and the blanks around it."""
    text = content.decode("utf-8-sig", "replace")
    return [_COMMENT.sub("", line.rstrip("\r")).strip() for line in text.split("\n")]


def _address(line: str, *, private: bool) -> Address | str:
    if len(line) > _LINE_LETTERS_MAX:
        return f"a line of {len(line)} letters is no address."
    found = parse_bootstrap(line)
    if isinstance(found, str):
        return found
    if found.family.startswith("dns") and not _NAME.fullmatch(found.host):
        return f"{line!r} names the host {found.host!r}: a name has letters, digits, dots and dashes."
    if is_private(found.host) and not private:
        return f"{line!r} means a machine of one's own network, which a list from elsewhere cannot know."
    return found


# ------------------------------------------------------------------------- the file


def load_lists(path: Path) -> tuple[KeptList, ...]:
    """All lists that are kept, in the order in which their sources first gave one. Raises `ListsDamaged`."""
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ListsDamaged(f"{path} cannot be read: {error.strerror}.") from error
    try:
        if len(content) > _FILE_BYTES_MAX:
            raise ValueError("it is too long")
        return tuple(_kept(one) for one in json.loads(content)["lists"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ListsDamaged(f"{path} is damaged ({error}).") from error


def _kept(plain: Any) -> KeptList:
    addresses = [parse_bootstrap(text) for text in map(str, plain["relays"])]
    if wrong := [one for one in addresses if isinstance(one, str)]:
        raise ValueError(wrong[0])
    good = tuple(one for one in addresses if isinstance(one, Address))
    return KeptList(str(plain["source"]), float(plain["fetched_unix_s"]), good)


def with_list(kept: Sequence[KeptList], new: KeptList) -> tuple[KeptList, ...]:
    """The lists with a new one in the place of what the same source gave. The caller sees to `SOURCES_MAX`."""
    if any(one.source == new.source for one in kept):
        return tuple(new if one.source == new.source else one for one in kept)
    return (*kept, new)


def keep_lists(path: Path, lists: Sequence[KeptList]) -> None:
    """Write these and no others, whole or not at all; none: the file goes. Raises `OSError`, the file as it was."""
    assert len(lists) <= SOURCES_MAX
    if not lists:
        path.unlink(missing_ok=True)
        sync_directory(path.parent)
        return
    plain = [
        {
            "source": one.source,
            "fetched_unix_s": one.fetched_unix_s,
            "relays": [str(address) for address in one.addresses],
        }
        for one in lists
    ]
    write_private(path, (json.dumps({"lists": plain}, indent=2) + "\n").encode())
