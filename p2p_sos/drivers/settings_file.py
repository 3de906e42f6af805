"""`settings.toml` read.

In comes a TOML file. Out goes a `Settings`, or every fault of the file in one pass, each with its path in the file
and a sentence that names the nearest right word or key. Must not know what a setting does.
"""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import cattrs
from attrs import Attribute, fields
from cattrs.errors import AttributeValidationNote, ForbiddenExtraKeysError, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.drivers.setting_values import (
    called,
    read_cell,
    read_flag,
    read_hook,
    read_hours,
    read_introduction,
    read_language,
    read_level,
    read_listen,
    read_number,
    read_profile,
    read_relay,
    read_text,
    read_whole,
    read_whole_list,
    read_whole_or_never,
    read_word,
)
from p2p_sos.drivers.settings import (
    CallSettings,
    Cell,
    DutySettings,
    Fault,
    Hook,
    Hours,
    Introduction,
    Language,
    Level,
    Listen,
    LogSettings,
    NodeSettings,
    ProfileName,
    Relay,
    Settings,
    SettingsWrong,
    StoreSettings,
)
from p2p_sos.wire.registry import LANGUAGES_MAX, Manner, Need, Sector, Severity
from p2p_sos.wire.vocabulary import suggestion

FILE_BYTES_MAX = 2**20


def load_settings(path: Path) -> Settings:
    """Read a file. Raises `SettingsWrong` with every fault of it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise _wrong(path, "there is no such file: run `sos init` first") from error
    except OSError as error:
        raise _wrong(path, f"it cannot be read: {error.strerror}") from error
    return parse(content, path)


def parse(content: bytes, path: Path) -> Settings:
    """Read the bytes of a file; `path` is for the sentences. Raises `SettingsWrong`."""
    if len(content) > FILE_BYTES_MAX:
        raise _wrong(path, f"it has {len(content)} bytes; settings have at most {FILE_BYTES_MAX}")
    try:
        plain = tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise _wrong(path, "it is not text in UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"it is no TOML: {error}") from error
    try:
        settings: Settings = _CONVERTER.structure(plain, Settings)
    except cattrs.BaseValidationError as error:
        raise SettingsWrong(path, tuple(_faults(error, ""))) from error
    return settings


def _wrong(path: Path, sentence: str) -> SettingsWrong:
    return SettingsWrong(path, (Fault("", sentence),))


# ------------------------------------------------------------------------- faults


def _faults(error: BaseException, path: str) -> Iterator[Fault]:
    """Every leaf of a tree of cattrs' errors, with its path in the file."""
    if isinstance(error, cattrs.BaseValidationError):
        for inner in error.exceptions:
            yield from _faults(inner, path + _step(inner, path))
    elif isinstance(error, ForbiddenExtraKeysError):
        keys = [attribute.name for attribute in fields(error.cl)]
        for extra in sorted(error.extra_fields):
            what = "section" if not path else "key"
            where = f"{path}.{extra}" if path else extra
            yield Fault(where, f"there is no such {what}: {suggestion(extra, keys)}")
    else:
        yield Fault(path, str(error))


def _step(error: BaseException, path: str) -> str:
    for note in getattr(error, "__notes__", ()):
        if isinstance(note, AttributeValidationNote):
            return f".{note.name}" if path else note.name
        if isinstance(note, IterableValidationNote):
            return f"[{note.index}]"
    return ""


# ------------------------------------------------------------------------- sections


def _bounded(attribute: "Attribute[Any]", read: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`read`, and then the bounds that stand in the attribute's metadata."""
    lowest, highest = attribute.metadata.get("lowest"), attribute.metadata.get("highest")

    def hook(value: Any, kind: Any) -> Any:
        found = read(value, kind)
        if not (lowest is None or lowest <= found) or not (highest is None or found <= highest):
            raise ValueError(f"{value!r} is not between {lowest} and {highest}")
        return found

    return hook


def _signed_like_default(
    attribute: "Attribute[Any]", read: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    """`read`, refusing another sign than the default's: a weight that punishes must not reward."""
    default = attribute.default
    negative = isinstance(default, int | float) and default < 0

    def hook(value: Any, kind: Any) -> Any:
        found = read(value, kind)
        for number in found if isinstance(found, tuple) else (found,):
            if number is not None and ((number > 0) if negative else (number < 0)):
                raise ValueError(f"{value!r} has the wrong sign: it is {default!r} by default")
        return found

    return hook


_GOSSIP_READERS: dict[Any, Callable[[Any, Any], Any]] = {
    int: read_whole,
    float: read_number,
    int | None: read_whole_or_never,
    tuple[int, ...]: read_whole_list,
}


def _gossip_overrides() -> dict[str, Any]:
    """Every parameter of the router, by reflection; its topic is the protocol's."""
    hooks = {}
    for attribute in fields(GossipSettings):
        if attribute.type in _GOSSIP_READERS:
            hooks[attribute.name] = override(
                struct_hook=_signed_like_default(attribute, _GOSSIP_READERS[attribute.type])
            )
    return hooks


def _gossip(value: Any, read: Callable[[Any, Any], GossipSettings]) -> GossipSettings:
    if isinstance(value, dict) and "topic" in value:
        raise ValueError("the topic is the protocol's and no setting: take it out")
    gossip = read(value, GossipSettings)
    if not gossip.degree_low <= gossip.degree <= gossip.degree_high:
        raise ValueError(
            f"degree_low {gossip.degree_low}, degree {gossip.degree} and degree_high {gossip.degree_high} are not in order"
        )
    if gossip.announce_delay_min_s > gossip.announce_delay_max_s:
        raise ValueError("announce_delay_min_s is greater than announce_delay_max_s")
    return gossip


def _duty(value: Any, read: Callable[[Any, Any], DutySettings]) -> DutySettings:
    duty = read(value, DutySettings)
    if len(duty.languages) > LANGUAGES_MAX:
        raise ValueError(f"{len(duty.languages)} languages; a card names at most {LANGUAGES_MAX}")
    return duty


def _section(converter: cattrs.Converter, section: type) -> Callable[[Any, Any], Any]:
    overrides: dict[str, Any] = {}
    for attribute in fields(section):
        if attribute.metadata:
            read = read_whole if attribute.type is int else read_number
            overrides[attribute.name] = override(struct_hook=_bounded(attribute, read))
    if section is GossipSettings:
        overrides = _gossip_overrides()
    inner: Any = make_dict_structure_fn(section, converter, _cattrs_forbid_extra_keys=True, **overrides)

    def read_section(value: Any, kind: Any) -> Any:
        if type(value) is not dict:
            raise ValueError(f"{value!r} is {called(value)}; a section such as [node] belongs here")
        return inner(value, kind)

    return read_section


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _read_list(converter: cattrs.Converter) -> Callable[[Any, Any], Any]:
    def read(value: Any, kind: Any) -> Any:
        if type(value) is not list:
            raise ValueError(f"{value!r} is {called(value)}; a list in brackets belongs here")
        item, found, faults = get_args(kind)[0], [], []
        for index, entry in enumerate(value):
            try:
                found.append(converter.structure(entry, item))
            except ValueError as error:
                error.__notes__ = [IterableValidationNote("", index, item)]
                faults.append(error)
        if faults:
            raise cattrs.IterableValidationError("", faults, tuple)
        return tuple(dict.fromkeys(found))

    return read


def _make_converter() -> cattrs.Converter:
    converter = cattrs.Converter(detailed_validation=True)
    converter.register_structure_hook_func(_is_list, _read_list(converter))
    readers: tuple[tuple[Any, Callable[[Any, Any], Any]], ...] = (
        (str, read_text), (int, read_whole), (bool, read_flag), (float, read_number), (Listen, read_listen), (Relay, read_relay),
        (ProfileName, read_profile), (Language, read_language), (Cell, read_cell), (Hours, read_hours), (Level, read_level),
        (Introduction, read_introduction), (Hook, read_hook),
    )  # fmt: skip
    for kind, read in readers:
        converter.register_structure_hook(kind, read)
    for vocabulary in (Need, Sector, Severity, Manner):
        converter.register_structure_hook(vocabulary, read_word)
    for section in (NodeSettings, CallSettings, StoreSettings, LogSettings):
        converter.register_structure_hook(section, _section(converter, section))
    gossip, duty = _section(converter, GossipSettings), _section(converter, DutySettings)
    converter.register_structure_hook(GossipSettings, lambda value, _kind: _gossip(value, gossip))
    converter.register_structure_hook(DutySettings, lambda value, _kind: _duty(value, duty))
    # The whole comes last: it looks up the hooks of its sections now.
    converter.register_structure_hook(Settings, _section(converter, Settings))
    return converter


_CONVERTER = _make_converter()
