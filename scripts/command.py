"""The command lines of the simulator: what their words may say, and how such a command ends.

Comes in: words. Goes out: values, or one sentence on standard error that says what to write instead, and exit code 2: 1 is
kept for a broken promise. Knows no scenario.
"""

import argparse
import math
import os
import sys
from collections.abc import Callable
from typing import NoReturn

BAD_WORDS = 2
NO_READER = 141  # what a shell gives for a program that wrote to nobody


class Parser(argparse.ArgumentParser):
    """Answers what it does not understand with one sentence."""

    def error(self, message: str) -> NoReturn:
        """End with that sentence."""
        self.exit(BAD_WORDS, f"{self.prog}: {message} (--help says more)\n")


def count(text: str) -> int:
    """A number of things: 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no number of 1 or more; write for example 2")
    return int(text)


def seed(text: str) -> int:
    """One seed."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no seed; write a whole number, for example 3")
    return int(text)


def seeds(text: str) -> range:
    """The seeds of FIRST:END, END left out, or of one number."""
    first, colon, end = text.partition(":")
    if not first.isdecimal() or (colon and not end.isdecimal()):
        raise argparse.ArgumentTypeError(
            f"{text} names no seeds; write FIRST:END, for example 0:3, or one number"
        )
    found = range(int(first), int(end) if colon else int(first) + 1)
    if not found:
        raise argparse.ArgumentTypeError(
            f"{text} holds no seed, as END is left out; seed {first} alone is {first}:{int(first) + 1}"
        )
    return found


def faults(text: str) -> tuple[int, ...]:
    """Faults by their numbers: N,N."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(
            f"{text} names no faults; write their numbers, for example 1,3 (--trace FILE shows them)"
        )
    return tuple(sorted({int(part) for part in parts}))


def seconds(text: str) -> float:
    """A span of time: more than 0."""
    try:
        span_s = float(text)
    except ValueError:
        span_s = math.nan
    if not 0.0 < span_s < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text} is no time to stop at; write seconds, more than 0, for example 20"
        )
    return span_s


def refuse(sentence: str) -> int:
    """Say what is wrong with what was asked for; the exit code."""
    print(sentence, file=sys.stderr)
    return BAD_WORDS


def end(main: Callable[[], int]) -> NoReturn:
    """Run a command and exit with its code; where nobody reads on, as after `| head -1`, it ends in silence."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter would write out the rest when it ends, and complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = NO_READER
    sys.exit(code)
