"""Which helper a victim means: by number, by the first digits of the key, or by a word of its introduction.

Comes in: what was typed and the claims as `/case` shows them. Goes out: one responder's key as hex, or a `Stop` that
says who there is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from p2p_sos.cli import exits
from p2p_sos.cli.exits import Stop
from p2p_sos.cli.screen import harmless, short

NUMBER_DIGITS_MAX = 3  # longer digits are the beginning of a key
KEY_DIGITS_MIN = 4


def find_helper(claims: Sequence[dict[str, Any]], typed: str) -> str:
    """The key that `typed` means. `Stop` 66 when nobody is meant, 2 when several are."""
    wanted = typed.strip()
    if not claims:
        raise Stop(
            "Nobody has claimed your call yet; sos case watch tells when somebody does.",
            exits.NO_SUCH,
            "no-helper",
        )
    if wanted.isascii() and wanted.isdigit() and len(wanted) <= NUMBER_DIGITS_MAX:
        for number, claim in numbered(claims):
            if number == int(wanted):
                return str(claim["responder"])
        raise Stop(f"There is no helper number {int(wanted)}; {_who(claims)}.", exits.NO_SUCH, "no-helper")
    for meant in (_by_key(claims, wanted), _by_word(claims, wanted)):
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise Stop(
                f"{typed!r} fits several helpers; {_who(claims)}. Give the number.",
                exits.USAGE,
                "which-helper",
            )
    raise Stop(f"There is no helper {typed!r}; {_who(claims)}.", exits.NO_SUCH, "no-helper")


def numbered(claims: Sequence[Mapping[str, Any]]) -> list[tuple[int, Mapping[str, Any]]]:
    """Each helper with its number, which is its own for good and not its place: who is gone leaves a gap."""
    # A case that an earlier version still carries tells no numbers, and there the place is the number.
    return [(int(claim.get("number") or place), claim) for place, claim in enumerate(claims, start=1)]


def _by_key(claims: Sequence[dict[str, Any]], wanted: str) -> list[str]:
    if len(wanted) < KEY_DIGITS_MIN:
        return []
    return [str(c["responder"]) for c in claims if str(c["responder"]).startswith(wanted.lower())]


def _by_word(claims: Sequence[dict[str, Any]], wanted: str) -> list[str]:
    word = wanted.casefold()
    return [
        str(c["responder"]) for c in claims if word and word in str(c.get("introduction") or "").casefold()
    ]


def name_of(claim: Mapping[str, Any]) -> str:
    """The short key, and the first line of the introduction when there is one."""
    said = harmless(str(claim.get("introduction") or "")).strip().splitlines()
    return short(str(claim["responder"])) + (f" ({said[0][:40]})" if said else "")


def _who(claims: Sequence[dict[str, Any]]) -> str:
    listed = [f"{number} {name_of(claim)}" for number, claim in numbered(claims)]
    return "there are: " + ", ".join(listed)
