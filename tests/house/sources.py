"""What the checkers of the house look at: the files that git knows or would take, and their syntax trees."""

import ast
import subprocess
from functools import cache
from pathlib import Path

from attrs import field, frozen

ROOT = Path(__file__).resolve().parent.parent.parent
GENERATED = ("p2p_sos/wire/registry.py",)


@frozen
class Source:
    """One Python file: its path from the root, its text, its tree."""

    path: str
    text: str = field(repr=False)

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def layer(self) -> str:
        """The folder under p2p_sos, or empty."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "p2p_sos" and len(parts) > 2 else ""


@cache
def tracked() -> tuple[str, ...]:
    """Every file that is in the repository, or would be with the next commit; without git, all files."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(name for name in sorted(listing.stdout.split("\n")) if name and (ROOT / name).is_file())


def python(*folders: str) -> list[Source]:
    """The Python files under these folders."""
    return [
        Source(name, (ROOT / name).read_text(encoding="utf-8"))
        for name in tracked()
        if name.endswith(".py") and name.split("/", maxsplit=1)[0] in folders
    ]
