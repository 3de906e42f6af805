"""What is in the repository belongs to everybody: no lock files, no registry hosts, no one's machine."""

import re
import tomllib

import pytest

from tests.house.sources import ROOT, tracked

# Written in pieces, so that this file does not hold what it looks for.
HOSTS = tuple("".join(parts) for parts in (("py", "pi.org"), ("python", "hosted.org"), ("npm", "js.org"),
                                           ("npm", "js.com"), ("crates", ".io"), ("unpkg", ".com")))  # fmt: skip
FOLDERS = tuple("/".join(("", name, "")) for name in ("root", "work"))
MACHINE_PATHS = re.compile("|".join((*FOLDERS, "/home" + "/[a-z]+/", "/Users" + "/[a-z]+/")))
LOCK_FILES = ("uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock",
              "pnpm-lock.yaml", "pdm.lock", "pylock.toml")  # fmt: skip
PIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*==[0-9][0-9A-Za-z.]*")


def foreign(text: str) -> list[str]:
    """The registry hosts and machine paths that a text names."""
    return [host for host in HOSTS if host in text] + [
        found.group() for found in MACHINE_PATHS.finditer(text)
    ]


def test_nothing_foreign_is_in_the_repository() -> None:
    """No tracked file names a package registry's host or a path of somebody's machine."""
    found = {name: foreign((ROOT / name).read_bytes().decode("utf-8", "replace")) for name in tracked()}
    assert {name: words for name, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "text", [f"https://{HOSTS[0]}/simple", f"cd {FOLDERS[0]}x", "/".join(("", "home", "ada", ".sos"))]
)
def test_a_foreign_name_is_refused(text: str) -> None:
    """Control: a registry host and a machine path are found."""
    assert foreign(text) != []


def test_there_is_no_lock_file() -> None:
    """Lock files list download addresses; the pins stand in constraints.txt and package.json."""
    assert [name for name in tracked() if name.rsplit("/", 1)[-1] in LOCK_FILES] == []


def test_constraints_are_pins_alone() -> None:
    """Every line of constraints.txt is name==version, sorted, each name once."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if not PIN.fullmatch(line)] == []
    names = [line.split("==")[0] for line in lines]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("line", ["attrs>=24", "attrs", "attrs==1 # because", "-e .", "x @ https://example"])
def test_what_is_no_pin_is_refused(line: str) -> None:
    """Control: a range, a bare name, a comment or an address is no pin."""
    assert PIN.fullmatch(line) is None


def test_every_dependency_is_pinned() -> None:
    """A package that pyproject.toml asks for has its version in constraints.txt."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = list(project["project"]["dependencies"]) + list(project["build-system"]["requires"])
    for extra in project["project"]["optional-dependencies"].values():
        wanted += extra
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    names = [re.split(r"[<>=!~ ;\[]", requirement, maxsplit=1)[0].lower() for requirement in wanted]
    assert [name for name in names if name not in pinned] == []
