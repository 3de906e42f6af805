"""Reads the numbered documents of the specification: sections, tables, and the quotes that code makes of them."""

import io
import re
import tokenize
from functools import cache
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).resolve().parent.parent.parent
PROTOCOL = ROOT / "protocol"
HEADING = re.compile(r"^(#+) (\d+(?:\.\d+)*)\.? +\S.*$")
QUOTE = re.compile(r"\"([^\"]+)\" ?\((\d\d-[a-z-]+) §(\d+(?:\.\d+)*)\)")
REFERENCE = re.compile(r"\b(\d\d-[a-z-]+) §(\d+(?:\.\d+)*)")


@frozen
class Quote:
    """A sentence that a module says it obeys, and where that sentence is said to stand."""

    where: str
    sentence: str
    document: str
    section: str


def squeezed(text: str) -> str:
    """The text with every run of white space as one blank."""
    return " ".join(text.split())


@cache
def documents() -> dict[str, str]:
    """Name, as in 04-gossip, to text."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(PROTOCOL.glob("[0-9][0-9]-*.md"))}


def section(text: str, number: str) -> str | None:
    """The text under one numbered heading, the smaller headings below it included."""
    lines = text.split("\n")
    for start, line in enumerate(lines):
        heading = HEADING.match(line)
        if heading is None or heading.group(2) != number:
            continue
        depth = len(heading.group(1))
        for end in range(start + 1, len(lines)):
            if (marks := re.match(r"^(#+) ", lines[end])) and len(marks.group(1)) <= depth:
                return squeezed("\n".join(lines[start:end]))
        return squeezed("\n".join(lines[start:]))
    return None


def comment_blocks(text: str) -> list[tuple[int, str]]:
    """(first line, joined text) of each run of comment lines."""
    blocks: list[tuple[int, int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type != tokenize.COMMENT:
            continue
        line, words = token.start[0], token.string.lstrip("#").strip()
        if blocks and blocks[-1][1] == line - 1:
            first, _, before = blocks.pop()
            blocks.append((first, line, f"{before} {words}"))
        else:
            blocks.append((line, line, words))
    return [(first, squeezed(words)) for first, _, words in blocks]


def quotes(path: str, text: str) -> list[Quote]:
    """Every quote in the comments of one module."""
    return [
        Quote(f"{path}:{line}", *found.groups())
        for line, words in comment_blocks(text)
        for found in QUOTE.finditer(words)
    ]


def quote_fault(quote: Quote, library: dict[str, str]) -> str | None:
    """None if the sentence stands where the quote says."""
    if quote.document not in library:
        return f"{quote.where}: there is no document {quote.document}"
    text = section(library[quote.document], quote.section)
    if text is None:
        return f"{quote.where}: {quote.document} has no section {quote.section}"
    if squeezed(quote.sentence) not in text:
        return f"{quote.where}: not in {quote.document} §{quote.section}: {quote.sentence}"
    return None


def table_rows(text: str) -> list[list[str]]:
    """The cells of every row of every table, without backquotes, bold marks and thousands separators."""
    rows = []
    for line in text.split("\n"):
        if line.startswith("|") and not re.fullmatch(r"[|:\- ]+", line):
            cells = [cell.strip().replace("`", "").replace("*", "") for cell in line.strip("| ").split(" |")]
            rows.append([cell.strip("| ") for cell in cells])
    return rows


def leading_number(cell: str) -> int | None:
    """The integer that a cell opens with: `2,048 bytes` gives 2048."""
    found = re.match("(\\d{1,3}(?:[, \u00a0\u2009]\\d{3})+|\\d+)(?![\\d.])", cell)
    return int(re.sub(r"\D", "", found.group(1))) if found else None
