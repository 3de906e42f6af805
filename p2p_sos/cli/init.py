"""`sos init`: a home with keys and settings, from flags or from a few questions.

Comes in: what this node's people can do. Goes out: a directory of mode 0700 with a commented settings file and keys.
Overwrites nothing.
"""

import sys
from typing import Any

import click

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.questions import say
from p2p_sos.cli.screen import Screen, readable, short
from p2p_sos.cli.words import Cell, Language, Relay, Word, read_word, wrong_word


@click.command(cls=Order)
@click.option(
    "--skill", "skills", type=Word("Need"), multiple=True, help="What you can do for a victim; repeatable."
)
@click.option("--relay-only", is_flag=True, help="Relay calls, answer none; do not ask.")
@click.option(
    "--sector", "sectors", type=Word("Sector"), multiple=True, help="Where you know your way; repeatable."
)
@click.option("--language", "languages", type=Language(), multiple=True, help="What you speak; repeatable.")
@click.option("--cell", type=Cell(), help="Roughly where you are: an H3 index of resolution 2 at most.")
@click.option("--from-severity", type=Word("Severity"), help="The least severity that concerns you. [high]")
@click.option("--automatic", is_flag=True, help="Claim calls by itself; else you are asked about each.")
@click.option("--exercises", is_flag=True, help="Answer exercises and tests too.")
@click.option("--introduction", metavar="TEXT", help="The first, sealed letter to a victim: who you are.")
@click.option(
    "--listen", multiple=True, metavar="ADDRESS", help="Where to listen, such as /ip4/0.0.0.0/tcp/4767."
)
@click.option("--bootstrap", type=Relay(), multiple=True, help="A node to join through; repeatable.")
@click.option("--profile", metavar="NAME", help="The network. [laboratory]")
@pass_session
def init(session: Session, **flags: Any) -> None:
    """Prepare this machine: keys and settings. Run bare in a terminal, it asks two questions."""
    from p2p_sos.cli.homes import home_of
    from p2p_sos.drivers.home import Exists, HomeError
    from p2p_sos.drivers.settings import SettingsWrong
    from p2p_sos.drivers.settings_text import write_default
    from p2p_sos.drivers.store import StoreError, StoreUnusable

    screen, home = session.screen, home_of(session)
    if home.is_made():
        raise Stop(
            f"{home.root} is prepared already and nothing was changed: edit {home.settings_path}, or choose another --home.",
            exits.EXISTS,
        )
    if flags["skills"] and flags["relay_only"]:
        raise Stop("--relay-only and --skill contradict each other; give one of them.", exits.USAGE)
    bare = not any(value for value in flags.values())
    if bare and screen.terminal and sys.stdin.isatty():
        _ask(screen, flags)
    try:
        home.create()
        write_default(home.settings_path, _values(flags))
        responder = _make_keys(home, answers=bool(flags["skills"]))
    except Exists as exists:
        raise Stop(str(exists), exits.EXISTS) from exists
    except HomeError as wrong:
        raise Stop(str(wrong), exits.EXISTS, "home") from wrong
    except SettingsWrong as wrong:
        raise Stop("; ".join(str(fault) for fault in wrong.faults) + ".", exits.SETTINGS) from wrong
    except (StoreError, StoreUnusable) as wrong:
        raise Stop(str(wrong), exits.DISK) from wrong
    screen.object(
        {
            "home": str(home.root),
            "settings": str(home.settings_path),
            "skills": list(flags["skills"]),
            "responder": responder,
        }
    )
    screen.line("Prepared ", (str(home.root), "bold"), ": keys, and settings to read and change.")
    screen.rows([("settings", str(home.settings_path)), *_duty_rows(flags, responder)], indent="  ")
    screen.next(f"{session.named('up')} starts the node")


def _values(flags: dict[str, Any]) -> dict[str, Any]:
    from p2p_sos.drivers.cells import show_cell

    values: dict[str, Any] = {
        "node.listen": list(flags["listen"]),
        "node.bootstrap": list(flags["bootstrap"]),
        "node.profile": flags["profile"],
        "duty.skills": list(flags["skills"]),
        "duty.sectors": list(flags["sectors"]),
        "duty.languages": list(flags["languages"]),
        "duty.cell": show_cell(flags["cell"]) if flags["cell"] else None,
        "duty.from_severity": flags["from_severity"],
        "duty.manner": "automatic" if flags["automatic"] else None,
        "duty.exercises": True if flags["exercises"] else None,
        "duty.introduction": readable(flags["introduction"] or ""),
    }
    return {key: value for key, value in values.items() if value not in (None, [], "")}


def _make_keys(home: Any, *, answers: bool) -> str:
    """The host's key, and the responder's when the node answers calls: its public part as hex."""
    from p2p_sos.drivers.home import Lock
    from p2p_sos.drivers.identity import host_seed, responder_seed
    from p2p_sos.drivers.store import NodeStore
    from p2p_sos.wire.keys import SigningKey

    host_seed(home)
    if not answers:
        return ""
    with Lock(home.lock_path, f"The home {home.root}"):
        store = NodeStore(home.store_path)
        try:
            seed = responder_seed(home, store, click.echo)
        finally:
            store.close()
    return SigningKey(seed).public.hex()


def _duty_rows(flags: dict[str, Any], responder: str) -> list[tuple[str, str]]:
    if not flags["skills"]:
        return [("duty", "relays only: name skills in the settings, and the node answers calls")]
    how = "claims by itself" if flags["automatic"] else "asks you about each call"
    return [("duty", f"{', '.join(flags['skills'])}; {how}"), ("known as", short(responder))]


def _ask(screen: Screen, flags: dict[str, Any]) -> None:
    screen.line("Two questions; the Enter key skips one. Everything can be changed in the settings later.")
    click.echo("What can you do for a victim? (expertise, investigate, filter-upstream, restore-data, ...)")
    while True:
        typed: str = click.prompt("  [relay only]", default="", show_default=False)
        words = [word.strip() for word in typed.split(",") if word.strip()]
        found = [(word, read_word("Need", word)) for word in words]
        wrong = [word for word, meant in found if meant is None]
        if not wrong:
            flags["skills"] = tuple(meant for _, meant in found if meant)
            break
        say(wrong_word("Need", wrong[0]))
    if flags["skills"]:
        said: str = click.prompt(
            "Who are you, and how can a victim call you back? (sealed) [nothing]",
            default="",
            show_default=False,
        )
        flags["introduction"] = said.strip() or None
