"""`settings.toml` written for the first time, and edited with its comments kept.

In come values. Out goes text, or a file changed in whole. What may stand in the file is `settings_file`'s to judge.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomlkit
from attrs import fields
from tomlkit.exceptions import TOMLKitError

from p2p_sos.core.gossip.settings import GossipSettings
from p2p_sos.drivers.home import Exists, write_private
from p2p_sos.drivers.settings import Fault, SettingsWrong
from p2p_sos.drivers.settings_file import parse
from p2p_sos.wire.registry import Need, Sector, Severity
from p2p_sos.wire.vocabulary import words

_HEAD = """\
# Settings of one p2p-sos node. Every line may stay as it is.
# After a change: `sos down`, then `sos up`. Mistakes are all listed at once, with the nearest right word.

[node]
# Where this node listens. 0.0.0.0 is every IPv4 interface; port 0 picks a free one.
listen = ["/ip4/0.0.0.0/tcp/4767"]
# Full addresses of nodes to join through; `sos status` prints a node's own.
bootstrap = []
# The network. "public" is refused until admission is built.
profile = "laboratory"

[duty]
# What you can do for a victim. Empty: the node relays calls and answers none. Words:
{needs}
skills = []
# Where you know your way. Words:
{sectors}
sectors = []
# What you speak: two letters each, at most four, such as ["en", "de"].
languages = []
# Roughly where you are: an H3 cell of resolution 2 at most (about 87,000 km2), or "undisclosed". It is public.
cell = "undisclosed"
# The hours (UTC) in which somebody is on duty: "0-24", "8-18", "22-6".
duty_hours = "0-24"
# How many calls you can serve at once.
slots = 3
# The least severity that concerns you: {severities}.
from_severity = "high"
# "person": you are asked about each call (`sos watch`, `sos claim`); "automatic": the node claims by itself.
manner = "person"
# How long the node waits for your answer before it declines for you, in seconds.
answer_within_s = 300
# A program of yours that pages you: its full path and its arguments, such as ["/usr/local/bin/page", "duty"]. It gets
# the call as one JSON object on standard input; you answer with `sos claim` or `sos decline`. Empty: nobody is paged.
hook = []
# Whether you want to hear of exercises and tests.
exercises = false
# The first, sealed letter to a victim whose call you claim: who you are, how to call you back.
introduction = ""

[call]
# Relays for a call of your own, as full addresses: ask for six or more before the day on which you need them, and name none
# of node.bootstrap. Whoever knows through whom this node joins could else guess where a call comes from. `sos relays fetch`
# adds to these what a federation or a CERT publishes; `sos relays` shows them all.
relays = []

[store]
# How large node.db may grow before the node stops accepting, in MiB.
size_max_mib = 1024

[log]
# A file, or "" for standard error. JSON, one object a line.
file = ""
# debug, info, warning or error. Only debug says which peer sent what: leave it off on duty.
level = "info"

[gossip]
# Parameters of the router, with their defaults; take the # away to change one. Their origins stand in
# p2p_sos/core/gossip/settings.py.
"""


def default_text(values: Mapping[str, Any] | None = None) -> str:
    """The commented file that `sos init` writes; `values` are keys such as `duty.skills` with plain TOML values."""
    text = _HEAD.format(
        needs=_comment(words(Need)), sectors=_comment(words(Sector)), severities=", ".join(words(Severity))
    )
    for attribute in fields(GossipSettings):
        if attribute.name != "topic":
            text += f"# {attribute.name} = {_shown(attribute.default)}\n"
    if not values:
        return text
    document = tomlkit.parse(text)
    for key, value in values.items():
        _set(document, key, value)
    return tomlkit.dumps(document)


def write_default(path: Path, values: Mapping[str, Any] | None = None) -> None:
    """Write a new settings file. Raises `Exists`, `SettingsWrong` when the values are wrong, and `OSError`."""
    if path.exists():
        raise Exists(f"{path} exists already: edit it, it is never overwritten.")
    content = default_text(values).encode()
    parse(content, path)
    write_private(path, content)


def change_file(path: Path, values: Mapping[str, Any]) -> None:
    """Set some keys (`node.bootstrap`), comments and order kept. Raises `SettingsWrong`, the file unchanged."""
    try:
        document = tomlkit.parse(path.read_text())
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise SettingsWrong(path, (Fault("", f"it cannot be edited: {error}"),)) from error
    for key, value in values.items():
        _set(document, key, value)
    content = tomlkit.dumps(document).encode()
    parse(content, path)
    write_private(path, content)


def _set(document: tomlkit.TOMLDocument, key: str, value: Any) -> None:
    section, _, name = key.partition(".")
    if section not in document:
        document[section] = tomlkit.table()
    table: Any = document[section]
    table[name] = value


def _comment(vocabulary: tuple[str, ...]) -> str:
    """The words as comment lines of about 100 letters."""
    lines, line = [], "#  "
    for index, word in enumerate(vocabulary):
        piece = f" {word}" + ("," if index < len(vocabulary) - 1 else "")
        if len(line) + len(piece) > 100:
            lines.append(line)
            line = "#  "
        line += piece
    return "\n".join([*lines, line])


def _shown(value: Any) -> str:
    if value is None:
        return '"never"'
    return str(list(value)) if isinstance(value, tuple) else str(value)
