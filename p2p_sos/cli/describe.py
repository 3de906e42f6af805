"""How a call, its helpers and its letters look on the screen.

Comes in: the local API's objects. Goes out: rows and lines. Neither asks nor decides anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from p2p_sos.cli.responder import numbered
from p2p_sos.cli.screen import INTRODUCTION_LINES_MAX, Piece, Screen, clock, count, short, span

Json = Mapping[str, Any]
STATE_STYLES = {
    "open": "bold red",
    "cancelled": "dim",
    "cleared": "green",
    "expired": "dim",
    "stood-down": "green",
}
SEVERITY_STYLES = {"emergency": "bold red", "severe": "bold red", "high": "red", "medium": "yellow"}


def severity(call: Json) -> Piece:
    """The severity and its class, coloured."""
    word = str(call.get("severity", ""))
    return (f"{word} ({call.get('class', '?')})", SEVERITY_STYLES.get(word, ""))


def listed(words: Any) -> str:
    """Words of a list, or a dash."""
    return ", ".join(str(w) for w in words or ()) or "-"


def call_rows(call: Json, now_unix_s: float) -> list[tuple[str, Piece]]:
    """What is known of one call."""
    heard = float(call.get("heard_unix_s") or 0)
    rows: list[tuple[str, Piece]] = [
        ("call", str(call["id"])),
        ("state", (str(call["state"]), STATE_STYLES.get(str(call["state"]), ""))),
        ("status", str(call["status"])),
        ("severity", severity(call)),
        ("nature", str(call["nature"])),
        ("needs", listed(call.get("needs"))),
        ("urgency", f"{call['urgency']}, {call['certainty']}"),
        ("sector", str(call["sector"])),
        ("languages", listed(call.get("languages"))),
        ("cell", str(call.get("cell") or "undisclosed")),
    ]
    if heard:
        rows.append(("heard", f"{clock(heard)}, {span(now_unix_s - heard)} ago"))
    rows.append(("you", mine(call)))
    return rows


def mine(call: Json) -> str:
    """What this node did about a call."""
    words = {
        "": "nothing yet",
        "asked": "asked: it waits for you",
        "guarding": "stands by: enough others help",
        "silent": "let it pass",
    }
    said = str(call.get("mine") or "")
    return words.get(said, said)


def claim_table(screen: Screen, standing: Json) -> None:
    """Who answers a call, seen from a node, the fittest first."""
    claims: Sequence[Json] = standing.get("claims") or ()
    if not claims:
        screen.line("Nobody answers this call yet.")
        return
    lead = str(standing.get("lead") or "")
    rows: list[list[Piece]] = []
    for claim in claims:
        who = str(claim.get("responder", ""))
        contact: Piece = ("contact attested", "green") if claim.get("attested") else "no contact yet"
        notes = ", ".join(claim_notes(claim, leads=bool(lead) and who == lead))
        gone = claim.get("silent") or claim.get("void")
        rows.append([short(who), manner(claim), contact, (notes, "dim" if gone else "")])
    screen.table(["responder", "claimed", "contact", ""], rows)


def manner(claim: Json) -> str:
    """Whether a person or a program claimed."""
    return "by a person" if claim.get("manner") == "person" else "automatically"


def claim_notes(claim: Json, *, leads: bool) -> list[str]:
    """What else is known of a claim, a word or two each."""
    known = (
        ("leads", leads),
        ("in the roster", claim.get("member") and not leads),
        ("complied", claim.get("complied")),
        ("not named by the victim", claim.get("dismissed")),
        ("SILENT: not heard of lately", claim.get("silent")),
        ("overdue: no contact in time", claim.get("overdue") and not claim.get("attested")),
        ("VOID", claim.get("void")),
    )
    return [words for words, holds in known if holds]


def lead_rows(standing: Json) -> list[tuple[str, Piece]]:
    """Who leads, under what, and what it reported last."""
    lead = str(standing.get("lead") or "")
    if not lead:
        named = standing.get("requisition") or {}
        if not named:
            return [("lead", ("nobody yet", "yellow"))]
        return [("lead", (f"nobody yet; the victim named {short(str(named.get('lead')))}", "yellow"))]
    by = "named by the victim" if standing.get("under") == "requisition" else "by the helpers' roster"
    rows: list[tuple[str, Piece]] = [("lead", (f"{short(lead)}, {by}", "bold"))]
    told = standing.get("sitrep") or {}
    if told:
        heard = count(len(told.get("alive") or ()), "member")
        rows.append(("sitrep", f"{told.get('status')}, {told.get('phase')}; {heard} heard"))
    return rows


def helper_table(screen: Screen, claims: Sequence[Json], standing: Json | None = None) -> None:
    """Who comes to the victim, numbered, with the words they introduced themselves by."""
    standing = standing or {}
    lead = str(standing.get("lead") or "")
    known = {str(one.get("responder")): one for one in standing.get("claims") or ()}
    for number, claim in numbered(claims):
        who_in_full = str(claim.get("responder", ""))
        who = short(who_in_full)
        decision = str(claim.get("decision") or "")
        style = {"accepted": "bold green", "refused": "yellow"}.get(decision, "bold")
        notes = [
            "claimed by a person on duty" if claim.get("manner") == "person" else "claimed automatically",
            "contact made" if claim.get("attested") else "no contact yet",
        ]
        if claim.get("released"):
            notes.append("comes no longer")
        # What the case says itself, the board need not repeat.
        board = {**known.get(who_in_full, {}), "complied": claim.get("complied")}
        notes += claim_notes(board, leads=bool(lead) and who_in_full == lead)
        screen.line(
            (f"  {number}  {who}  ", style),
            (f"{decision or 'waits for your word':<21}", style),
            ", ".join(notes),
        )
        said = claim.get("introduction")
        screen.quoted(str(said or ""), "       ", lines_max=INTRODUCTION_LINES_MAX)


def letters(screen: Screen, entries: Sequence[Json]) -> None:
    """A conversation, the oldest first."""
    for letter in entries:
        outward = letter.get("direction") == "out"
        who = short(str(letter.get("correspondent") or ""))
        kind = str(letter.get("kind", "text"))
        state = ("" if letter.get("delivered") else "  (on its way)") if outward else ""
        arrow = f"to {who}" if outward else f"from {who}"
        screen.line((f"  {arrow}, {kind}{state}", "cyan" if not outward else "dim"))
        screen.quoted(str(letter.get("text") or ""), "    ")


def relays(number: int) -> str:
    """How many relays took a call."""
    return f"taken by {count(number, 'relay')}" if number else "no relay took it yet"
