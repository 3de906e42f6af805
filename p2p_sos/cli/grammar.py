"""How the command line is read: sub-commands loaded late, `--home` and `--json` anywhere, and near misses.

Comes in: words. Goes out: a `Session` that every command gets, or a Click usage error. Must not know what any
command does, and must not import anything heavier than Click.
"""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from p2p_sos.cli.screen import Screen

if TYPE_CHECKING:
    from pathlib import Path  # a tenth of what `sos --help` takes: loaded by those who need a path


class Session:
    """What every command knows: which home, and how to speak."""

    def __init__(self) -> None:
        self.home_given: str | None = None
        self.json = False

    @property
    def home(self) -> "Path":
        """The node's directory: `--home`, else SOS_HOME, else ~/.sos."""
        from pathlib import Path

        named = self.home_given or os.environ.get("SOS_HOME") or "~/.sos"
        return Path(named).expanduser().absolute()

    @property
    def screen(self) -> Screen:
        """Where this command writes."""
        return Screen(as_json=self.json)

    def named(self, command: str) -> str:
        """A command as the user must type it to reach the same home: `sos watch`, or with `--home DIR`."""
        if self.home_given is None:
            return f"sos {command}"
        import shlex

        return f"sos --home {shlex.quote(self.home_given)} {command}"


def _keep_home(context: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Session).home_given = value


def _keep_json(context: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Session).json = True


def _common_options() -> list[click.Option]:
    return [
        click.Option(
            ["--home"],
            metavar="DIR",
            expose_value=False,
            is_eager=True,
            callback=_keep_home,
            help="The node's directory (else SOS_HOME, else ~/.sos).",
        ),
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_keep_json,
            help="Answer with one JSON object, or one a line where it streams.",
        ),
    ]


class Order(click.Command):
    """A sub-command; it takes `--home` and `--json` as every other does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_common_options())

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As Click does; what is wrong names this command, and not `sos`."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as wrong:
            wrong.ctx = wrong.ctx or ctx
            raise


class Place(NamedTuple):
    """Where a sub-command lives (`module:attribute`), its line in the help, and under which heading."""

    name: str
    target: str
    help: str
    heading: str = "Commands"


class LazyGroup(click.Group):
    """A group that imports a sub-command only when it is asked for."""

    def __init__(self, *args: Any, places: Sequence[Place] = (), **kwargs: Any) -> None:
        kwargs.setdefault(
            "context_settings", {"help_option_names": ["-h", "--help"], "max_content_width": 100}
        )
        super().__init__(*args, **kwargs)
        self.params.extend(_common_options())
        self._places = {place.name: place for place in places}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        del ctx
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one sub-command."""
        del ctx
        place = self._places.get(cmd_name)
        if place is None:
            return None
        from importlib import import_module

        module, attribute = place.target.split(":")
        loaded: click.Command = getattr(import_module(module), attribute)
        return loaded

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As Click does, but a wrong name is answered with the nearest right one."""
        name = args[0]
        if name not in self._places and not name.startswith("-"):
            raise click.UsageError(no_such("command", name, list(self._places)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of sub-commands, without loading any."""
        del ctx
        headings = dict.fromkeys(place.heading for place in self._places.values())
        for heading in headings:
            with formatter.section(heading):
                rows = [(p.name, p.help) for p in self._places.values() if p.heading == heading]
                formatter.write_dl(rows)


def no_such(what: str, given: str, known: Sequence[str]) -> str:
    """One sentence for a word that does not exist: with the nearest right one, or all of them."""
    from difflib import get_close_matches

    near = get_close_matches(given, known, n=1, cutoff=0.5)
    if near:
        return f"There is no {what} {given!r}; did you mean {near[0]!r}?"
    return f"There is no {what} {given!r}; there are: {', '.join(known)}."


def usage_sentence(wrong: click.UsageError) -> str:
    """A Click usage error as one sentence that names the next step."""
    path = wrong.ctx.command_path if wrong.ctx else "sos"
    if isinstance(wrong, click.NoSuchOption):
        known = [] if wrong.ctx is None else [o for p in wrong.ctx.command.params for o in p.opts]
        options = [name for name in known if name.startswith("--")]
        return f"{no_such('option', wrong.option_name, [*options, '--help'])} See {path} --help."
    if isinstance(wrong, click.MissingParameter) and wrong.param is not None:
        words = getattr(wrong.param.type, "known", "")  # a short vocabulary is told whole
        return f"{path} needs {_asked_for(wrong.param)}{words}; see {path} --help."
    said = wrong.format_message().strip()
    said = said if said.endswith((".", "?", "!")) else said + "."
    return said if path in said else f"{said} See {path} --help."


def _asked_for(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return (parameter.name or "").upper()
    return f"{max(parameter.opts, key=len)} {parameter.type.name.upper()}"


def asked_for_json(words: Sequence[str]) -> bool:
    """Whether `--json` stands anywhere before `--`: errors of the command line itself obey it too."""
    before = words[: words.index("--")] if "--" in words else words
    return "--json" in before


pass_session: Callable[..., Any] = click.make_pass_decorator(Session, ensure=True)
