"""Draws the state diagrams of docs/architecture.md from the transition tables that the machines run on.

Comes in: the literal tables of p2p_sos. Goes out: Mermaid blocks between `<!-- diagram: name -->` and
`<!-- end -->`. With `--check` nothing is written and the exit code is 1 if a drawing is out of date.
"""

import argparse
import re
import sys
from collections.abc import Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs" / "architecture.md"
TABLES = {
    "call": ("p2p_sos.core.calls.calls", "TRANSITIONS"),
    "case": ("p2p_sos.core.case.case_view", "TRANSITIONS"),
    "message": ("p2p_sos.core.gossip.states", "MESSAGE_TRANSITIONS"),
    "errand": ("p2p_sos.core.origin.errand", "ERRAND_TRANSITIONS"),
    "link": ("p2p_sos.core.gossip.states", "LINK_TRANSITIONS"),
}
BLOCK = re.compile(r"(<!-- diagram: ([a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)

Steps = list[tuple[Enum, str, Enum]]


def steps(table: Mapping[Any, Any]) -> Steps:
    """(from, label, to) of a table of either shape: (state, step) -> state, or state -> states."""
    found: Steps = []
    for key, value in table.items():
        if isinstance(key, tuple):
            found.append((key[0], str(key[1].value), value))
        else:
            found += [(key, "", target) for target in value]
    return found


def drawing(table: Mapping[Any, Any]) -> str:
    """One Mermaid state diagram; steps that change nothing are left out, parallel ones share an arrow."""
    every = steps(table)
    arrows: dict[tuple[Enum, Enum], list[str]] = {}
    for source, label, target in every:
        if source is not target:
            arrows.setdefault((source, target), []).append(label)
    first = every[0][0]
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {state.name} : {state.value}" for state in type(first)]
    lines.append(f"    [*] --> {first.name}")
    for (source, target), labels in arrows.items():
        words = ", ".join(label.replace(":", "") for label in labels if label)
        lines.append(f"    {source.name} --> {target.name}" + (f" : {words}" if words else ""))
    leaving = [source for source, _ in arrows]
    lines += [f"    {state.name} --> [*]" for state in type(first) if state not in leaving]
    return "\n".join([*lines, "```", ""])


def drawn(page: str) -> str:
    """The page with every diagram drawn anew."""

    def redraw(block: re.Match[str]) -> str:
        module, name = TABLES[block.group(2)]
        return block.group(1) + drawing(getattr(import_module(module), name)) + block.group(3)

    names = [block.group(2) for block in BLOCK.finditer(page)]
    assert sorted(names) == sorted(TABLES), "the page has one place for each table"
    return BLOCK.sub(redraw, page)


def main() -> int:
    """Draw, or check that what is drawn is current."""
    parser = argparse.ArgumentParser(description="Draw the state diagrams from the transition tables.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if out of date")
    parser.add_argument("--page", type=Path, default=PAGE, help="another page than docs/architecture.md")
    asked = parser.parse_args()
    check: bool = asked.check
    page: Path = asked.page
    before = page.read_text(encoding="utf-8")
    after = drawn(before)
    if check and before != after:
        print(f"{page} is out of date: run python3 scripts/diagrams.py", file=sys.stderr)
        return 1
    if not check:
        page.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
