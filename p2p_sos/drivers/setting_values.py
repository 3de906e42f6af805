"""One value of `settings.toml` each: what TOML holds, to what it means.

In comes a value as TOML gave it. Out goes the meaning, or a `ValueError` whose text is for the operator and names the
nearest right word. Must not know where in the file the value stood.
"""

import math
from enum import IntEnum
from typing import Any

from p2p_sos.drivers import cells
from p2p_sos.drivers.addresses import parse_bootstrap, parse_listen
from p2p_sos.drivers.settings import (
    EVERY_HOUR,
    Cell,
    Hook,
    Hours,
    Introduction,
    Language,
    Level,
    Listen,
    ProfileName,
    Relay,
)
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.vocabulary import Unknown, language_code, lookup, suggestion

LEVELS = ("debug", "info", "warning", "error")
# The first letter to a victim: it must leave room in a letter of eight parts beside the claim's cell.
INTRODUCTION_BYTES_MAX = 2000  # guess
HOOK_WORDS_MAX, HOOK_BYTES_MAX = 32, 4096  # guess
NEVER = "never"
PUBLIC_REFUSED = "the public profile is refused until admission to the network is built: use 'laboratory'"


def called(value: Any) -> str:
    """What a TOML value is, in words."""
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), "a date or time")


def expect(kind: type, value: Any) -> Any:
    """The value, if it has exactly that type."""
    if type(value) is not kind:
        example = {str: '"text in quotes"', int: "a whole number", bool: "true or false"}[kind]
        raise ValueError(f"{value!r} is {called(value)}; {example} belongs here")
    return value


def read_text(value: Any, _type: Any = None) -> str:
    """Text."""
    return str(expect(str, value))


def read_whole(value: Any, _type: Any = None) -> int:
    """A whole number; true is none."""
    return int(expect(int, value))


def read_flag(value: Any, _type: Any = None) -> bool:
    """True or false."""
    return bool(expect(bool, value))


def read_number(value: Any, _type: Any = None) -> float:
    """A finite number, whole or not."""
    if type(value) not in {int, float} or not math.isfinite(value):
        raise ValueError(f"{value!r} is {called(value)}; a finite number belongs here")
    return float(value)


def read_whole_or_never(value: Any, _type: Any = None) -> int | None:
    """A whole number, or None for "never"."""
    if value == NEVER:
        return None
    if type(value) is not int:
        raise ValueError(f'{value!r} is {called(value)}; a whole number or "{NEVER}" belongs here')
    return value


def read_word(value: Any, vocabulary: type[IntEnum]) -> IntEnum:
    """A member of a public vocabulary."""
    member = lookup(vocabulary, read_text(value))
    if isinstance(member, Unknown):
        raise ValueError(str(member))
    return member


def read_language(value: Any, _type: Any = None) -> Language:
    """The code of a language of two letters."""
    code = language_code(read_text(value))
    if isinstance(code, Unknown):
        near = "" if code.known else f": did you mean {code.nearest!r}?"
        raise ValueError(f"unknown language {value!r}{near}; languages have two letters (ISO 639-1)")
    return Language(code)


def read_cell(value: Any, _type: Any = None) -> Cell:
    """An H3 cell, 0 for "undisclosed"."""
    cell = cells.read_cell(read_text(value))
    if isinstance(cell, str):
        raise ValueError(cell)
    return Cell(cell)


def read_hours(value: Any, _type: Any = None) -> Hours:
    """Hours of the day as a mask, from "0-24", "8-18" or "22-6"."""
    text = read_text(value)
    first, dash, last = text.strip().partition("-")
    good = dash and first.isdecimal() and last.isdecimal() and int(first) <= 23 and int(last) <= 24
    if not good or int(first) == int(last):
        raise ValueError(f'{text!r} are no hours: write "0-24", "8-18", or "22-6" over midnight (UTC)')
    start, end = int(first), int(last)
    on = range(start, end) if start < end else [*range(start, 24), *range(end)]
    return Hours(sum(1 << hour for hour in on) & EVERY_HOUR)


def read_listen(value: Any, _type: Any = None) -> Listen:
    """An address to listen on."""
    if (wrong := parse_listen(read_text(value))) is not None:
        raise ValueError(wrong)
    return Listen(value)


def read_relay(value: Any, _type: Any = None) -> Relay:
    """The full address of a peer."""
    address = parse_bootstrap(read_text(value))
    if isinstance(address, str):
        raise ValueError(address)
    return Relay(str(address))


def read_profile(value: Any, _type: Any = None) -> ProfileName:
    """The name of a network profile."""
    text = read_text(value)
    if text == "public":
        raise ValueError(PUBLIC_REFUSED)
    if text not in PROFILES:
        advice = suggestion(text, [name for name in PROFILES if name != "public"])
        raise ValueError(f"unknown network profile {text!r}: {advice}")
    return ProfileName(text)


def read_level(value: Any, _type: Any = None) -> Level:
    """How much is logged."""
    text = read_text(value).lower()
    if text not in LEVELS:
        raise ValueError(f"unknown level {text!r}: {suggestion(text, LEVELS)}")
    return Level(text)


def read_introduction(value: Any, _type: Any = None) -> Introduction:
    """The first letter to a victim, which must fit."""
    text = read_text(value)
    if len(text.encode()) > INTRODUCTION_BYTES_MAX:
        raise ValueError(
            f"it has {len(text.encode())} bytes; an introduction has at most {INTRODUCTION_BYTES_MAX}"
        )
    return Introduction(text)


def read_hook(value: Any, _type: Any = None) -> Hook:
    """A program and its arguments, run as they stand: no shell reads them."""
    if type(value) is not list or any(type(word) is not str for word in value):
        raise ValueError(
            f'{value!r} is {called(value)}; write ["/path/program", "argument"], or [] for nobody'
        )
    if not value:
        return Hook(())
    if not value[0].startswith("/"):
        raise ValueError(
            f"{value[0]!r} is no full path: the program comes first, such as /usr/local/bin/page"
        )
    if len(value) > HOOK_WORDS_MAX or sum(len(word.encode()) for word in value) > HOOK_BYTES_MAX:
        raise ValueError(f"it is too long: at most {HOOK_WORDS_MAX} words and {HOOK_BYTES_MAX} bytes")
    if any("\0" in word for word in value):
        raise ValueError("a zero character stands in it, which no program can be given")
    return Hook(tuple(value))


def read_whole_list(value: Any, _type: Any = None) -> tuple[int, ...]:
    """A list of whole numbers."""
    if type(value) is not list or any(type(entry) is not int for entry in value):
        raise ValueError(f"{value!r} is {called(value)}; a list of whole numbers belongs here")
    return tuple(value)
