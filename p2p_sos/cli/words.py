"""Words of the public vocabularies on the command line; a wrong one is answered with the nearest right one.

Comes in: what was typed. Goes out: the registry's word (or a code, or a usage error). The registry is loaded when
the first word is read, not before.
"""

from collections.abc import Sequence
from typing import Any

import click

WORDS_TOLD_MAX = 8


class Word(click.ParamType[Any]):
    """One word of a vocabulary, everyday words included; its value is the registry's word."""

    name = "word"

    def __init__(self, vocabulary: str) -> None:
        self.vocabulary = vocabulary
        self.name = vocabulary.removeprefix("Sitrep").lower()

    @property
    def known(self) -> str:
        """All words, to stand behind a name, if they are few; else nothing."""
        words = _few(self.vocabulary)
        return f": {', '.join(words)}" if words else ""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The registry's word, or a sentence with the nearest."""
        found = read_word(self.vocabulary, str(value))
        if found is None:
            raise click.UsageError(wrong_word(self.vocabulary, str(value)), ctx or None)
        del param
        return found


def read_word(vocabulary: str, typed: str) -> str | None:
    """The registry's word for what was typed; None if there is none."""
    from p2p_sos.wire import registry
    from p2p_sos.wire.vocabulary import Unknown, lookup, word_of

    found = lookup(getattr(registry, vocabulary), typed)
    return None if isinstance(found, Unknown) else word_of(found)


def wrong_word(vocabulary: str, typed: str) -> str:
    """One sentence: no such word, the nearest is this."""
    from p2p_sos.wire import registry
    from p2p_sos.wire.vocabulary import Unknown, lookup

    found = lookup(getattr(registry, vocabulary), typed)
    advice = f"; {found.advice}" if isinstance(found, Unknown) else "."
    known = _few(vocabulary)
    every = f" There are: {', '.join(known)}." if known and "there are" not in advice else ""
    return f"There is no {vocabulary.removeprefix('Sitrep').lower()} {typed!r}{advice}{every}"


def _few(vocabulary: str) -> Sequence[str]:
    """All words of a vocabulary short enough to be told whole; else none."""
    from p2p_sos.wire import registry
    from p2p_sos.wire.vocabulary import words

    known = words(getattr(registry, vocabulary))
    return known if len(known) <= WORDS_TOLD_MAX else ()


class Language(click.ParamType[Any]):
    """A language as two letters."""

    name = "language"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The two letters, or a sentence with the nearest."""
        from p2p_sos.wire.vocabulary import Unknown, language_code

        found = language_code(str(value))
        if isinstance(found, Unknown):
            near = "such as en, de or fr." if found.known else f"did you mean {found.nearest!r}?"
            said = f"There is no language {str(value)!r}; languages are two letters (ISO 639-1): {near}"
            raise click.UsageError(said, ctx)
        del param
        return str(value).strip().lower()


class Cell(click.ParamType[Any]):
    """An H3 index of resolution 2 at most, as text."""

    name = "cell"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The index as an integer, or a sentence about what is wrong with it."""
        from p2p_sos.drivers.cells import read_cell

        found = read_cell(str(value)) if not isinstance(value, int) else value
        if isinstance(found, str):
            raise click.UsageError(found if found.endswith(".") else found + ".", ctx)
        del param
        return found


class Relay(click.ParamType[Any]):
    """A relay's full address."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The address as it was meant, or a sentence about what is wrong with it."""
        from p2p_sos.drivers.addresses import parse_bootstrap

        found = parse_bootstrap(str(value))
        if isinstance(found, str):
            raise click.UsageError(found, ctx)
        del param
        return str(found)
