"""How `sos` speaks: plain words, aligned, coloured only in a terminal, one JSON object where that is asked.

Comes in: pieces of text with a style, rows, JSON objects. Goes out: standard output, errors on standard error.
Text of strangers passes `harmless` first: a letter must never steer the terminal that shows it.
"""

import sys
import time
from collections.abc import Sequence
from typing import Any

from p2p_sos.cli.exits import Stop

Piece = str | tuple[str, str]  # text, or text and a rich style

SHORT = 8
JOINERS = "\u200c\u200d"  # many scripts and emoji need them, and no terminal obeys them
BAR = "| "
MARGIN = 2  # columns left free: terminals disagree about how wide some characters are
NARROWEST = 20
INTRODUCTION_LINES_MAX = 12
LINES_MAX = 300  # guess: of one letter; a letter of line ends alone must not push all else off the screen


class Screen:
    """One command's output."""

    def __init__(self, *, as_json: bool) -> None:
        self.json = as_json
        self._console: Any = None
        self.terminal = not as_json and sys.stdout.isatty()

    def line(self, *pieces: Piece) -> None:
        """One line for people; nothing at all under `--json`."""
        if self.json:
            return
        if not self.terminal:
            print("".join(p if isinstance(p, str) else p[0] for p in pieces), flush=True)
            return
        from rich.text import Text

        if self._console is None:
            from rich.console import Console

            self._console = Console(highlight=False)
        text = Text.assemble(*pieces)
        longest = max((len(word) for word in text.plain.split()), default=0)
        # An address that does not fit is left to the terminal, so that it can be copied in one piece.
        self._console.print(text, soft_wrap=longest > self._console.width)

    def rows(self, rows: Sequence[tuple[str, Piece]], indent: str = "") -> None:
        """Aligned pairs of a name and a value."""
        width = max((len(name) for name, _ in rows), default=0)
        for name, value in rows:
            self.line((f"{indent}{name:<{width}}  ", "dim"), value)

    def table(self, heads: Sequence[str], rows: Sequence[Sequence[Piece]]) -> None:
        """Aligned columns under a dim head; a column without head and content is left out."""
        used = [i for i in range(len(heads)) if heads[i] or any(row[i] for row in rows)]
        heads, rows = [heads[i] for i in used], [[row[i] for i in used] for row in rows]
        texts = [[p if isinstance(p, str) else p[0] for p in row] for row in rows]
        widths = [max(len(r[i]) for r in [list(heads), *texts]) for i in range(len(heads))]
        head = "  ".join(h.ljust(w) for h, w in zip(heads, widths, strict=True))
        self.line((head.rstrip(), "dim"))
        for row, plain in zip(rows, texts, strict=True):
            pieces: list[Piece] = []
            for i, (piece, text) in enumerate(zip(row, plain, strict=True)):
                pad = "" if i == len(row) - 1 else " " * (widths[i] - len(text) + 2)
                pieces.append((text + pad, "" if isinstance(piece, str) else piece[1]))
            self.line(*pieces)

    def quoted(self, text: str, indent: str, *, lines_max: int = LINES_MAX) -> None:
        """A stranger's text: each line behind a bar, however it is wrapped, so that none passes for one of ours."""
        lines = harmless(text).splitlines()
        if self.terminal:
            import shutil

            width = max(NARROWEST, shutil.get_terminal_size().columns - len(indent) - len(BAR) - MARGIN)
            lines = [piece for line in lines for piece in folded(line, width)]
        for line in lines[:lines_max]:
            self.line(indent + BAR + line)
        if len(lines) > lines_max:
            self.line((f"{indent}({count(len(lines) - lines_max, 'more line')}: --json shows all)", "dim"))

    def object(self, value: Any) -> None:
        """One JSON object on one line, under `--json` only."""
        if self.json:
            import json

            print(json.dumps(value, separators=(", ", ": ")), flush=True)

    def next(self, sentence: str) -> None:
        """The next step, always the last line of a screen."""
        self.line(("Next: ", "bold"), sentence)


def fail(stop: Stop, *, as_json: bool) -> int:
    """Say why a command ends, and return its exit code."""
    if as_json:
        import json

        said = {"error": stop.sentence, "code": stop.code, "exit": stop.exit_code}
        print(json.dumps(said), flush=True)
        return stop.exit_code
    sys.stdout.flush()
    mark = "sos: "
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.text import Text

        Console(stderr=True, highlight=False).print(Text.assemble((mark, "bold red"), stop.sentence))
    else:
        print(mark + stop.sentence, file=sys.stderr, flush=True)
    return stop.exit_code


def harmless(text: str) -> str:
    """A stranger's text without what could steer a terminal: only letters, line ends and blanks stay."""
    import unicodedata

    return "".join(
        character
        if character == "\n" or character in JOINERS or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        else " " if character == "\t" else "�"
        for character in text.replace("\r\n", "\n")
    )  # fmt: skip


def folded(line: str, width: int) -> list[str]:
    """A line in pieces of at most `width` columns, broken at blanks where that wastes little; at least one piece."""
    import unicodedata

    pieces: list[str] = []
    start = used = 0
    for at, character in enumerate(line):
        wide = unicodedata.east_asian_width(character) in "WFA" or unicodedata.category(character) == "So"
        used += 2 if wide else 1  # what joins with its neighbour counts too: rather too short than too long
        if used <= width:
            continue
        blank = line.rfind(" ", start, at)
        end = blank + 1 if blank > (start + at) // 2 else at
        pieces.append(line[start:end].rstrip())
        start, used = end, 2 * (at + 1 - end)
    pieces.append(line[start:])
    return pieces


def readable(text: str) -> str:
    """What was typed, with a mark for each byte that is no UTF-8: a wrong locale must not stop a call for help."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def standard_input() -> str:
    """All of standard input as text, whatever its bytes."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def short(hexed: str) -> str:
    """The first 8 hex digits: enough for people."""
    return hexed[:SHORT]


def clock(unix_s: float) -> str:
    """A time of day on this machine."""
    return time.strftime("%H:%M:%S", time.localtime(unix_s))


def span(seconds: float) -> str:
    """A length of time in plain words: `40 s`, `3 min`, `2 h 5 min`, `3 d 2 h`."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if whole < 3600:
        return f"{minutes} min"
    if whole < 86400:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def count(number: int, one: str, many: str = "") -> str:
    """`1 relay`, `3 relays`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
