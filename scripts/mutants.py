"""Seeds faults one at a time in a copy of this checkout, and says which test noticed each: the tests are judged by that.

Comes in: the faults of mutants.toml, and which of them to try (`--only NAME`, more than once if need be). Goes out: a line
for each, or one object (`--json`): killed and by which test, survived, or void because its text no longer stands exactly
once in its file. The exit code is 1 if one survived or is void, or if the tests fail without any fault. Sets itself up first.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import command
import setup

ROOT = Path(__file__).resolve().parent.parent
LIST = ROOT / "scripts" / "mutants.toml"
PYTEST = ("-m", "pytest", "-x", "-q", "--color=no", "--tb=no", "-p", "no:cacheprovider")
KILLED, SURVIVED, VOID = "killed", "survived", "void"
TIME_S = 600.0  # a test that does not end has noticed
FAILED_LINE = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
TEST_FAILED, INTERRUPTED = 1, 2  # exit codes of pytest; the second also when a file cannot be imported


@dataclass(frozen=True)
class Fault:
    """One text to be changed, and the tests (files, folders or single ones) that should notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """What became of one fault; `by` is the test that failed first, or why it is void."""

    name: str
    outcome: str
    by: str
    seconds: float


def read(text: str) -> tuple[Fault, ...]:
    """The faults of a list; a wrong key is a wrong list."""
    names = {field.name for field in fields(Fault)}
    found = []
    for told in tomllib.loads(text)["fault"]:
        if set(told) != names:
            sys.exit(f"{told.get('name')}: a fault has {', '.join(sorted(names))}")
        found.append(Fault(**{**told, "tests": tuple(told["tests"])}))
    return tuple(found)


def why_void(fault: Fault, root: Path) -> str | None:
    """Why a fault cannot be seeded in a checkout, or None."""
    path = root / fault.file
    if not path.is_file():
        return f"there is no {fault.file}"
    text = path.read_text()
    if (count := text.count(fault.old)) != 1:
        return f"its text stands {count} times in {fault.file}"
    try:
        changed = ast.dump(ast.parse(text.replace(fault.old, fault.new)))
    except SyntaxError as error:
        return f"{fault.file} would not be Python: {error}"
    if changed == ast.dump(ast.parse(text)):
        return "it changes nothing"
    missing = [test for test in fault.tests if not (root / test.split("::")[0]).exists()]
    return f"there is no {missing[0]}" if missing else None


@contextmanager
def copied() -> Iterator[Path]:
    """A copy of all that git knows or would take, with our interpreter's packages beside it."""
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    with tempfile.TemporaryDirectory(prefix="sos-mutants-") as folder:
        copy = Path(folder).resolve()
        for name in names:
            if name and (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        (copy / ".venv").symlink_to(sys.prefix)
        subprocess.run(("git", "init", "-q"), cwd=copy, check=True)  # some tests ask git what there is
        yield copy


def run(copy: Path, words: Iterable[str]) -> tuple[int, str]:
    """Python in the copy: the exit code, and what it printed."""
    outside = {
        "PYTHONPATH": str(copy),
        "PYTHONPYCACHEPREFIX": str(copy / "build"),
        "PYTHONHASHSEED": "random",
    }
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(
            (sys.executable, *words),
            cwd=copy,
            env={**inherited, **outside},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIME_S,
        )
    except subprocess.TimeoutExpired:
        return TEST_FAILED, f"FAILED {' '.join(words)} (did not end)"
    return done.returncode, done.stdout + done.stderr


def write(path: Path, text: str) -> None:
    """Put a text in a file, and say by its time that it is another one: compiled files are known by time and size."""
    later = path.stat().st_mtime + 2
    path.write_text(text)
    os.utime(path, (later, later))


def seed(copy: Path, fault: Fault) -> Result:
    """Try one fault; the copy is afterwards as it was."""
    begun = time.monotonic()
    if (why := why_void(fault, copy)) is not None:
        return Result(fault.name, VOID, why, 0.0)
    path = copy / fault.file
    text = path.read_text()
    write(path, text.replace(fault.old, fault.new))
    try:
        code, told = run(copy, (*PYTEST, *fault.tests))
    finally:
        write(path, text)
    took_s = round(time.monotonic() - begun, 1)
    if code == 0:
        return Result(fault.name, SURVIVED, " ".join(fault.tests), took_s)
    named = FAILED_LINE.search(told)
    if code not in (TEST_FAILED, INTERRUPTED) or named is None:
        return Result(fault.name, VOID, f"the tests did not run: {told[-300:]}", took_s)
    return Result(fault.name, KILLED, named[1], took_s)


def control(copy: Path, faults: Sequence[Fault]) -> str | None:
    """Whether these tests run the copy, and pass while nothing is wrong with it; why not, or None."""
    _, told = run(copy, ("-c", "import p2p_sos; print(p2p_sos.__file__)"))
    if Path(told.strip()).parent != copy / "p2p_sos":
        return f"not the copy is imported but {told.strip()}"
    code, told = run(copy, (*PYTEST, *sorted({test: None for fault in faults for test in fault.tests})))
    return f"The tests fail without any fault:\n{told}" if code else None


def listed(faults: Sequence[Fault]) -> int:
    """A line for each fault, and why it is void if it is; 1 if any is."""
    void = 0
    for fault in faults:
        why = why_void(fault, ROOT)
        void += why is not None
        told = " ".join(fault.tests) if why is None else f"{VOID}: {why}"
        print(f"{fault.name:36} {fault.file:36} {told}")
    return 1 if void else 0


def main(words: Sequence[str] | None = None) -> int:
    """Try what was asked for; 1 if anything survived or is void."""
    parser = command.Parser(description="Judge the tests by the faults that they notice.")
    parser.add_argument(
        "--list", action="store_true", help="name every fault; 1 if one cannot be seeded any more"
    )
    parser.add_argument("--faults", type=Path, default=LIST, metavar="FILE", help="another list of faults")
    parser.add_argument("--only", action="append", metavar="NAME", help="this fault alone; may be repeated")
    parser.add_argument("--json", action="store_true", help="print one object")
    asked = parser.parse_args(words)
    try:
        faults = read(asked.faults.read_text())
    except (OSError, ValueError) as error:
        return command.refuse(f"--faults {asked.faults} is no list of faults: {error}; name one like {LIST}.")
    if asked.list:
        return listed(faults)
    if unknown := sorted(set(asked.only or ()) - {fault.name for fault in faults}):
        return command.refuse(f"No fault is called {unknown[0]}; --list names them all.")
    setup.ready()
    faults = tuple(fault for fault in faults if not asked.only or fault.name in asked.only)
    results = []
    with copied() as copy:
        if (wrong := control(copy, faults)) is not None:
            print(wrong, file=sys.stderr)
            return 1
        for fault in faults:
            result = seed(copy, fault)
            results.append(result)
            if not asked.json:
                print(f"{result.outcome:9} {result.name:36} {result.seconds:6.1f} s  {result.by}", flush=True)
    counts = {how: sum(r.outcome == how for r in results) for how in (KILLED, SURVIVED, VOID)}
    if asked.json:
        print(json.dumps({**counts, "faults": [asdict(result) for result in results]}, indent=1))
    else:
        print(", ".join(f"{count} {how}" for how, count in counts.items()))
    return 0 if counts[KILLED] == len(results) else 1


if __name__ == "__main__":
    command.end(main)
