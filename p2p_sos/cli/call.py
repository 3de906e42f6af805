"""`sos call`: a call for help, from the first question to the background process that carries it.

Comes in: flags, or answers in a terminal. Goes out: a case on disk, a process that serves it, and its timeline. Shows
what will be public and what sealed before anything is sent; sends nothing without a yes.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from p2p_sos.cli import exits
from p2p_sos.cli.consent import ask_consent
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.follow import PATIENCE_OPTION, UNTIL, patience_of
from p2p_sos.cli.grammar import Order, Session, pass_session
from p2p_sos.cli.offline import OFFLINE, OUT_OPTION
from p2p_sos.cli.reach import about
from p2p_sos.cli.screen import Screen, readable, standard_input
from p2p_sos.cli.way import (
    HIDES,
    SHARED,
    SOCKS,
    VIA_OPTION,
    Chosen,
    by_hand,
    choose,
    no_socks,
    not_silently,
    strongest,
)
from p2p_sos.cli.wish import Wish
from p2p_sos.cli.words import Cell, Language, Relay, Word

if TYPE_CHECKING:
    from p2p_sos.cli.keeping import Kept

NO_EMERGENCY_SERVICE = (
    "This replaces no emergency service: where life, limb or the law is concerned, call those first."
)


@click.command(cls=Order)
@click.option(
    "--need",
    "needs",
    type=Word("Need"),
    multiple=True,
    help="What would help; repeat it for several. [expertise]",
)
@click.option(
    "--nature",
    type=Word("Nature"),
    help="What happens; everyday words work: ransomware, ddos. [undetermined]",
)
@click.option(
    "--severity", type=Word("Severity"), help="emergency, severe, high, medium, low, baseline. [high]"
)
@click.option(
    "--urgency", type=Word("Urgency"), help="immediate, expected, future, past, unknown. [immediate]"
)
@click.option(
    "--certainty", type=Word("Certainty"), help="observed, likely, possible, unlikely, unknown. [observed]"
)
@click.option("--status", type=Word("Status"), help="actual, exercise, system, test. [actual]")
@click.option("--exercise", is_flag=True, help="A drill: the same as --status exercise.")
@click.option("--sector", type=Word("Sector"), help="Your sector (NIS2), such as health. [other]")
@click.option(
    "--language",
    "languages",
    type=Language(),
    multiple=True,
    help="One you speak, as two letters; repeatable.",
)
@click.option(
    "--cell", type=Cell(), help="Roughly where you are: an H3 index of resolution 2 at most. [undisclosed]"
)
@click.option(
    "--details",
    metavar="TEXT",
    help="What helpers should know: sealed. - reads standard input, @FILE a file.",
)
@click.option("--contact", metavar="TEXT", help="How helpers can reach you: sealed.")
@VIA_OPTION
@click.option("--bootstrap", type=Relay(), multiple=True, help="A relay to enter through; repeatable.")
@click.option("--profile", metavar="NAME", help="The network. [the home's, else laboratory]")
@click.option(
    "--recovery-code", is_flag=True, help="Show a recovery code for the case file besides the passphrase."
)
@click.option(
    "--offline",
    is_flag=True,
    help="Send nothing: write the call as a file and a QR code for others to bring in.",
)
@OUT_OPTION
@click.option("--yes", is_flag=True, help="Send without asking.")
@click.option("--foreground", is_flag=True, help="Serve the case in this process; it ends with the terminal.")
@click.option(
    "--until", type=click.Choice(UNTIL), default="closed", help="Watch no longer than until this happened."
)
@PATIENCE_OPTION
@pass_session
def call(session: Session, **flags: Any) -> None:
    """Call for help. Run bare in a terminal, it asks its few questions.

    Only words of fixed lists become public; what you write under --details and --contact is sealed, and opened by
    nobody but helpers that you accept. SOS_PASSPHRASE gives the passphrase of the case file; without one a recovery
    code is shown.
    """
    from p2p_sos.cli.relays import beyond_here, kept_apart, of_the_node, profile_of

    screen, offline = session.screen, bool(flags["offline"])
    out = _out(flags)
    profile = profile_of(session, flags["profile"])
    apart = tuple(dict.fromkeys(flags["bootstrap"])) or kept_apart(session)
    relays, named = apart or of_the_node(session), bool(apart)
    chosen = _way(screen, flags, relays, profile)
    wish, asked = _wish(screen, flags)
    _check_length(wish)
    if asked and not relays and not offline:
        from p2p_sos.cli.questions import ask_relays

        relays, named = ask_relays(screen), True
        chosen = _way(screen, flags, relays, profile)
    exposure = _by_hand(chosen) if offline else chosen.hides
    lent = not named and chosen.via == SOCKS and not chosen.later
    if lent:
        relays = beyond_here(session, relays)
    _preview(screen, wish, relays, exposure, offline=offline)
    if lent and relays:
        screen.line((SHARED, "yellow"))
    chosen = _consent(screen, flags, chosen, offline=offline)
    kept = _keep(
        session,
        wish,
        relays,
        profile,
        flags,
        chosen=chosen,
        exposure=exposure,
        ask_secret=asked or screen.terminal,
    )
    if out is not None:
        from p2p_sos.cli.offline import hand_out

        hand_out(session, kept.directory, kept.secret, out, tuple(relays))
        return
    _send(session, kept, relays, profile, flags, chosen=chosen)


def _way(screen: Screen, flags: dict[str, Any], relays: Sequence[str], profile: str) -> Chosen:
    """By which way it goes. `Stop` 77 when that would show more than was asked for and nobody is there to accept it."""
    if flags["offline"]:
        return by_hand(flags["via"])
    if not relays and flags["via"] is None:
        return strongest()
    chosen = choose(flags["via"], relays, profile)
    # "Without asking" is no consent to show more.
    if not chosen.consented and (flags["yes"] or not (screen.terminal and sys.stdin.isatty())):
        raise not_silently(chosen)
    return chosen


def _by_hand(chosen: Chosen) -> str:
    """Who sees what of a call by hand, and by which way its case goes on if one was named that hides less."""
    if chosen.via == SOCKS:
        return OFFLINE
    return f"{OFFLINE} When you go on with the case, it goes by the way that you named. {HIDES[chosen.via]}"


def _consent(screen: Screen, flags: dict[str, Any], chosen: Chosen, *, offline: bool) -> Chosen:
    """The yes of a person. Where a way that hides less was not accepted, the call may be kept for a better one."""
    if not chosen.consented:
        screen.line((no_socks(), "yellow"), " Start Tor, and no relay sees your address.")
        if click.confirm("Send it that way all the same?", default=False):
            return chosen
        ask_consent(
            screen, "Keep it, encrypted, until you start Tor?", yes=False, otherwise="Nothing was sent"
        )
        return strongest()
    question, otherwise = (
        ("Write it?", "Nothing was written") if offline else ("Send it?", "Nothing was sent")
    )
    ask_consent(screen, question, yes=flags["yes"], otherwise=otherwise)
    return chosen


def _out(flags: dict[str, Any]) -> Path | None:
    """Where the files of a call by hand go; None for a call that is sent."""
    if not flags["offline"]:
        if flags["out"] is not None:
            raise Stop("--out says where the files of --offline go; give both, or neither.", exits.USAGE)
        return None
    if flags["foreground"]:
        raise Stop(
            "--offline starts no process, so --foreground makes no sense with it; give one of them.",
            exits.USAGE,
        )
    from p2p_sos.cli.offline import out_directory

    return out_directory(flags["out"])


def _wish(screen: Screen, flags: dict[str, Any]) -> tuple[Wish, bool]:
    """The wish of the flags; asked for in a terminal when no flag says anything of it."""
    if flags["exercise"]:
        if flags["status"] not in (None, "exercise"):
            raise Stop("--exercise and --status contradict each other; give one of them.", exits.USAGE)
        flags["status"] = "exercise"
    given: dict[str, Any] = {name: flags[name] for name in Wish._fields if flags[name] not in (None, ())}
    for name in ("details", "contact"):
        if name in given:
            given[name] = _read_text(str(given[name]))
    wish = Wish(**given)
    told = {"needs", "nature", "severity", "details", "contact"} & given.keys()
    ask = not told and not flags["yes"] and screen.terminal and sys.stdin.isatty()
    if ask:
        from p2p_sos.cli.questions import ask_wish

        return ask_wish(screen, wish), True
    return wish, False


def _check_length(wish: Wish) -> None:
    if not wish.situation():
        return
    from p2p_sos.core.letters.length import text_fault

    if (fault := text_fault(wish.situation())) is not None:
        raise Stop(fault, exits.USAGE, "too-long")


def _read_text(given: str) -> str:
    if given == "-":
        return standard_input()
    if given.startswith("@"):
        try:
            with open(given[1:], encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError as error:
            raise Stop(
                f"{given[1:]} cannot be read: {error.strerror}. Name a text file after the @, or write the text itself.",
                exits.NO_SUCH,
            ) from error
    return readable(given)


def _preview(screen: Screen, wish: Wish, relays: Sequence[str], exposure: str, *, offline: bool) -> None:
    """Show what everyone will read, what only accepted helpers will, and who sees the address."""
    from p2p_sos.cli.describe import listed

    screen.line("")
    screen.line(("PUBLIC", "bold red"), "   everyone on the network will read this:")
    public = wish.public()
    screen.rows([(k, listed(v) if isinstance(v, list) else str(v)) for k, v in public.items()], indent="  ")
    screen.line(("SEALED", "bold green"), "   only helpers that you accept will read this:")
    sealed = wish.sealed()
    screen.rows(
        list(sealed.items()) or [("", "nothing yet; sos case letter can tell more later")], indent="  "
    )
    screen.line("")
    if wish.status != "actual":
        screen.line(
            (f"This is a call of status {wish.status}: nobody who takes only real calls is woken.", "yellow")
        )
    if not relays and not offline:
        screen.line(
            ("No relay is known yet: the call will wait until you name one with --bootstrap.", "yellow")
        )
    screen.line(exposure)
    screen.line(NO_EMERGENCY_SERVICE)


def _keep(
    session: Session,
    wish: Wish,
    relays: Sequence[str],
    profile: str,
    flags: dict[str, Any],
    *,
    chosen: Chosen,
    exposure: str,
    ask_secret: bool,
) -> "Kept":
    """Keep the case on disk, and say where and what opens it."""
    from p2p_sos.cli.keeping import keep_case
    from p2p_sos.cli.secret import new_passphrase

    passphrase = new_passphrase(ask=ask_secret and sys.stdin.isatty())
    kept = keep_case(
        session,
        wish,
        passphrase=passphrase,
        recovery_code=flags["recovery_code"] or passphrase is None,
        relays=relays,
        profile=profile,
        chosen=chosen,
    )
    via = None if chosen.later else chosen.via
    _tell_kept(session, wish, kept, relays, via=via, exposure=exposure)
    return kept


def _send(
    session: Session,
    kept: "Kept",
    relays: Sequence[str],
    profile: str,
    flags: dict[str, Any],
    *,
    chosen: Chosen,
) -> None:
    """Have the case served, and follow it."""
    from p2p_sos.cli.keeping import serve_here, serve_in_background

    name, resume = kept.directory.name, about(session, kept.directory, "case resume")
    if not relays:
        raise Stop(
            f"No relay is known, so nobody has your call yet: it is kept as case {name}; send it with: {resume} --bootstrap ADDRESS, "
            f"or hand it to somebody with a network: {about(session, kept.directory, 'case offline')}",
            exits.QUEUED,
        )
    if chosen.later:
        raise Stop(
            f"Nobody has your call yet: it is kept as case {name}; start Tor, then: {resume}", exits.QUEUED
        )
    how = {"until": flags["until"], "patience_s": patience_of(flags["patience"], chosen.via)}
    if flags["foreground"]:
        serve_here(session, kept.directory, kept.secret, relays, profile, **how)
        return
    from p2p_sos.cli.follow import follow, ways_back

    try:
        serve_in_background(session, kept.directory, kept.secret, relays, profile)
    except KeyboardInterrupt:
        session.screen.line("")
        session.screen.line(f"You stopped watching; case {name} is kept, and its process may be starting.")
        ways_back(session, kept.directory)
        return
    follow(session, kept.directory, **how)


def _tell_kept(
    session: Session, wish: Wish, kept: "Kept", relays: Sequence[str], *, via: str | None, exposure: str
) -> None:
    screen = session.screen
    screen.object(
        {
            "notice": "case-kept",
            "case": kept.directory.name,
            "call": kept.call.hex(),
            "recovery_code": kept.recovery_code,
            "public": wish.public(),
            "sealed": sorted(wish.sealed()),
            "relays": list(relays),
            "via": via,
            "exposure": exposure,
        }
    )
    screen.line("")
    screen.line("Your case is ", (kept.directory.name, "bold"), f", encrypted in {kept.directory}.")
    if kept.recovery_code is not None:
        screen.line(("Recovery code: ", "bold"), (kept.recovery_code, "bold yellow"))
        screen.line("Write it down: it is shown only now, and after a reboot the case opens with it alone.")
    screen.line("")
