"""The whole check of the project: format, lint, types, derived files, layers, sizes, tests.

Comes in: the checkout. Goes out: one line per step; what went wrong, in full; what this machine lacks, as
`not run: reason`; last, the closing line of the test suite. The exit code is 1 if anything failed. Sets
itself up first, so Python 3.11 or later and git are all it needs.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

import setup

ROOT = Path(__file__).resolve().parent.parent
SUITE = ("-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider")
WORKERS_MAX = 4  # tests start networks of processes themselves

STEPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("format", ("-m", "ruff", "format", "--quiet", "--diff", ".")),
    ("lint", ("-m", "ruff", "check", "--quiet", ".")),
    ("types", ("-m", "mypy", "--no-error-summary")),
    ("registry", ("scripts/generate.py", "--check")),
    ("diagrams", ("scripts/diagrams.py", "--check")),
    ("layers", (*SUITE, "tests/house/test_layers.py")),
    ("sizes", (*SUITE, "tests/house/test_sizes.py")),
)


def step(name: str, arguments: tuple[str, ...]) -> bool:
    """Run one step; a line when it holds, its whole output when not."""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    good = done.returncode == 0
    print(f"{name:<10} {'ok' if good else 'FAILED'}  {time.monotonic() - begun:.1f} s", flush=True)
    if not good:
        print(done.stdout + done.stderr, flush=True)
    return good


def node_packages() -> None:
    """Fetch what the tests with js-libp2p need; a machine without a network says so and goes on."""
    import javascript

    trouble = javascript.install()
    print("javascript ok" if trouble is None else f"javascript not run: {trouble}", flush=True)


def debian_packages() -> None:
    """Install what the tests with Tor need, where the complete check runs; elsewhere say what is missing."""
    import debian

    wanted = debian.missing()
    hint = f"{', '.join(wanted)} not installed; python3 scripts/debian.py installs them"
    trouble = debian.install() if os.environ.get("CI") else hint if wanted else None
    print("debian ok" if trouble is None else f"debian not run: {trouble}", flush=True)


def left_out(report: Path) -> list[str]:
    """The tests that did not run, each with its reason."""
    lines = []
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 - written by our own pytest
        for skipped in case.iter("skipped"):
            name = f"{case.get('classname', '')}.{case.get('name')}"
            lines.append(f"not run: {name}: {skipped.get('message', '')}")
    return lines


def side_by_side() -> tuple[str, ...]:
    """Test files side by side, one a processor, in the order of tests/conftest.py; a worker that dies is a failure."""
    workers = min(os.cpu_count() or 1, WORKERS_MAX)
    return ("-n", str(workers), "--dist=loadfile", "--no-loadscope-reorder", "--max-worker-restart=0")


def suite() -> tuple[bool, str]:
    """Run every test, showing them as they go; return whether all passed, and pytest's closing line."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, *SUITE, *side_by_side(), f"--junit-xml={report}"]
        closing = ""
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as tests:
            assert tests.stdout is not None
            for line in tests.stdout:
                print(line, end="", flush=True)
                closing = line.strip() or closing
        for line in left_out(report) if report.exists() else []:
            print(line)
    return tests.returncode == 0, closing


def main() -> int:
    """Run all steps, whatever fails on the way."""
    good = [step(name, arguments) for name, arguments in STEPS]
    node_packages()
    debian_packages()
    passed, closing = suite()
    good.append(passed)
    failed = [name for (name, _), held in zip((*STEPS, ("tests", ())), good, strict=True) if not held]
    print("failed: " + ", ".join(failed) if failed else "everything holds", flush=True)
    print(closing)
    return 1 if failed else 0


if __name__ == "__main__":
    setup.ready()
    sys.exit(main())
