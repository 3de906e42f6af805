"""The few questions that a bare `sos call` asks a person under stress, each with an answer for the Enter key.

Comes in: what is typed. Goes out: a `Wish`. Never asks who the attacker is. Send first, refine later.
"""

import shutil

import click

from p2p_sos.cli.screen import Screen, readable
from p2p_sos.cli.wish import Wish
from p2p_sos.cli.words import read_word, wrong_word

NATURES = "ransomware, ddos, break-in, leak, wiper, malware, phishing, outage"
SEVERITIES = "emergency, severe, high, medium, low"
NEEDS = "expertise, investigate, filter-upstream, backup, patch, ..."


def ask_wish(screen: Screen, start: Wish) -> Wish:
    """Ask, in this order: what happens, how bad, what help, what in confidence, how to be reached."""
    screen.line("Five short questions; the Enter key takes what stands in brackets.")
    screen.line(("Send first: everything can be made more exact later.", "dim"))
    screen.line("")
    nature = _word("What is happening?", NATURES, "Nature", start.nature, shown="not known yet")
    severity = _word("How bad is it?", SEVERITIES, "Severity", start.severity)
    needs = _words("What help do you need?", NEEDS, "Need", start.needs)
    screen.line("")
    screen.line(("The next two answers are sealed: only helpers that you accept read them.", "dim"))
    details = start.details or _text("What should they know?", "nothing yet")
    contact = start.contact or _text("How can they reach you?", "through this program only")
    return start._replace(nature=nature, severity=severity, needs=needs, details=details, contact=contact)


def ask_relays(screen: Screen) -> tuple[str, ...]:
    """Where the call enters, when nothing on this machine knows: whoever runs a relay can tell its address."""
    from p2p_sos.drivers.addresses import parse_bootstrap

    screen.line("")
    screen.line("No relay is known here. Whoever runs one can tell its address (/ip4/.../tcp/.../p2p/...).")
    while True:
        typed = click.prompt("  Addresses [none: the call is kept and waits]", default="", show_default=False)
        found = [parse_bootstrap(word) for word in typed.replace(",", " ").split()]
        wrong = [one for one in found if isinstance(one, str)]
        if not wrong:
            return tuple(dict.fromkeys(map(str, found)))
        say(wrong[0])


def say(sentence: str) -> None:
    """A sentence between questions, wrapped at words."""
    width = shutil.get_terminal_size().columns - 1
    click.echo(click.wrap_text(sentence, width, initial_indent="  ", subsequent_indent="  "))


def _text(question: str, otherwise: str) -> str:
    said: str = click.prompt(f"{question} [{otherwise}]", default="", show_default=False)
    return readable(said.strip())


def _word(question: str, examples: str, vocabulary: str, default: str, *, shown: str = "") -> str:
    click.echo(f"{question} ({examples})")
    while True:
        typed: str = click.prompt(f"  [{shown or default}]", default="", show_default=False)
        if not typed.strip():
            return default
        found = read_word(vocabulary, typed)
        if found is not None:
            return found
        say(wrong_word(vocabulary, typed.strip()))


def _words(question: str, examples: str, vocabulary: str, default: tuple[str, ...]) -> tuple[str, ...]:
    click.echo(f"{question} ({examples})")
    while True:
        typed: str = click.prompt(f"  [{', '.join(default)}]", default="", show_default=False)
        asked = [word.strip() for word in typed.split(",") if word.strip()]
        if not asked:
            return default
        found = {word: read_word(vocabulary, word) for word in asked}
        wrong = [word for word, meant in found.items() if meant is None]
        if not wrong:
            return tuple(dict.fromkeys(meant for meant in found.values() if meant is not None))
        say(wrong_word(vocabulary, wrong[0]))
