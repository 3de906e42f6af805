"""What happened, as one line for people each.

Comes in: a notice as the local API streams it. Goes out: a mark of one word, a sentence, a colour. Knows the
notices' fields and nothing else; it neither prints nor asks.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from p2p_sos.cli.screen import INTRODUCTION_LINES_MAX, LINES_MAX, Screen, clock, count, harmless, short

Notice = Mapping[str, Any]
MARK_WIDTH = 10


class Happening(NamedTuple):
    """A mark, a sentence and a style; `text` is shown indented below."""

    mark: str
    sentence: str
    style: str = ""
    text: str = ""


def _who(notice: Notice, field: str = "responder") -> str:
    return short(str(notice.get(field, "")))


def _why(notice: Notice) -> str:
    reason, detail = notice.get("reason") or "", notice.get("detail") or ""
    return f"{reason}, {detail}" if detail and detail != "unspecified" else str(reason)


def _names(notice: Notice, field: str) -> str:
    return ", ".join(short(str(key)) for key in notice.get(field) or ()) or "nobody"


def _call(notice: Notice) -> str:
    return short(str(notice.get("call", "")))


def _letter(notice: Notice) -> Happening:
    kind = str(notice.get("kind", "text"))
    said = str(notice.get("text", ""))
    who = _who(notice, "correspondent")
    match kind:
        case "introduction":
            return Happening("hello", f"{who} introduces itself", "cyan", said)
        case "situation":
            return Happening(
                "situation", f"the victim of {_call(notice)} tells, under seal, what happens", "cyan", said
            )
        case "accept":
            return Happening(
                "ACCEPTED", f"call {_call(notice)}: the victim accepts your help", "bold green", said
            )
        case "refuse":
            return Happening(
                "refused", f"call {_call(notice)}: the victim does not want your help", "yellow", said
            )
    return Happening("letter", f"from {who}", "cyan", said)


def _decided(notice: Notice) -> Happening:
    what = str(notice.get("decision", ""))
    why = harmless(str(notice.get("why", "") or _why(notice)))
    style = "green" if what == "claim" else "dim"
    return Happening("decided", f"call {_call(notice)}: {what}" + (f" ({why})" if why else ""), style)


def _closed(notice: Notice) -> Happening:
    words = {
        "cancelled": "was withdrawn by its victim, without blame",
        "cleared": "is over: its victim says all is clear",
        "stood-down": "is over: its helpers stood down",
        "expired": "came to the end of its life",
    }
    how = str(notice.get("how", ""))
    return Happening("CLOSED", f"call {_call(notice)} {words.get(how, 'is over')}", "bold")


def _requisition(notice: Notice) -> Happening:
    mine = str(notice.get("mine", "none"))
    you = {"lead": "; YOU lead", "member": "; you are named", "released": "; you are released"}.get(mine, "")
    named = f"call {_call(notice)}: the victim names {_who(notice, 'lead')} lead, with {_names(notice, 'members')}{you}"
    return Happening("named", named, "bold" if you else "")


def _lead(notice: Notice) -> Happening:
    if not notice.get("lead"):
        return Happening("no lead", f"call {_call(notice)}: nobody leads its helpers now", "yellow")
    by = (
        "named by the victim"
        if int(notice.get("requisition") or 0) and not _roster(notice)
        else "by the helpers' roster"
    )
    return Happening("LEAD", f"call {_call(notice)}: {_who(notice, 'lead')} leads, {by}", "bold green")


def _roster(notice: Notice) -> bool:
    """Whether a roster is named: its id, or zeros for none."""
    return bool(str(notice.get("roster") or "").strip("0"))


def _sitrep(notice: Notice) -> Happening:
    heard = count(len(notice.get("alive") or ()), "member")
    told = f"{notice.get('status')}, {notice.get('phase')}; {heard} heard"
    return Happening("sitrep", f"call {_call(notice)}: {_who(notice, 'lead')} reports {told}", "cyan")


def _accepting(notice: Notice) -> Happening:
    if notice.get("accepting"):
        return Happening("accepting", "new calls are accepted again", "green")
    why = harmless(str(notice.get("why", "")))
    return Happening("STOPPED", f"nothing new is accepted: {why}; make room, then see sos status", "bold red")


def _wanted(notice: Notice) -> Happening:
    call, left = _call(notice), float(notice.get("deadline_s", 0))
    at = float(notice.get("at_unix_s", 0))
    until = f" {left:.0f} s" + (f", until {clock(at + left)}" if at else "")
    return Happening(
        "YOUR TURN",
        f"call {call} waits for you{until}: sos claim {call}, or sos decline {call} unable",
        "bold yellow",
    )


TELLERS: dict[str, Callable[[Notice], Happening]] = {
    "call-heard": lambda n: Happening(
        "CALL", f"{_call(n)} asks for help; see sos show {_call(n)}", "bold red"
    ),
    "call-refined": lambda n: Happening("refined", f"call {_call(n)}: its victim tells more", ""),
    "call-closed": _closed,
    "call-reopened": lambda n: Happening(
        "CALL", f"{_call(n)} is not over: its victim speaks again; see sos show {_call(n)}", "bold red"
    ),
    "decision-wanted": _wanted,
    "decided": _decided,
    "claim-seen": lambda n: Happening("CLAIM", f"{_who(n)} answers ({_manner(n)})", "bold green"),
    "decline-seen": lambda n: Happening("decline", f"{_who(n)} does not come ({_why(n)})", "yellow"),
    "release-seen": lambda n: Happening("release", f"{_who(n)} comes no longer ({_why(n)})", "yellow"),
    "requisition-seen": _requisition,
    "comply-seen": lambda n: Happening("complies", f"{_who(n)} takes the place it was named for", "green"),
    "lead-changed": _lead,
    "sitrep-seen": _sitrep,
    "sitrep-refused": lambda n: Happening(
        "stale",
        f"call {_call(n)}: {_who(n, 'signer')} reports as lead, and is not; nobody follows it",
        "yellow",
    ),
    "stand-down-seen": lambda n: Happening("over?", f"{_who(n)} believes that it is over", "yellow"),
    "convicted": lambda n: Happening(
        "CONVICTED", f"{_who(n)} signed what no honest key signs: nothing it says counts any more", "bold red"
    ),
    "attest-seen": lambda n: Happening("contact", f"attested with {_names(n, 'responders')}", "green"),
    "letter-arrived": _letter,
    "letter-delivered": lambda n: Happening(
        "delivered", f"letter {n.get('number')} to {_who(n, 'correspondent')}", "dim"
    ),
    "way-fails": lambda n: Happening("NOT OUT", harmless(str(n.get("why", ""))), "bold yellow"),
    "call-taken": lambda n: Happening(
        "taken", f"by {count(int(n.get('relays', 0)), 'relay')}; not yet heard", ""
    ),
    "call-returned": lambda _: Happening(
        "HEARD", "your call is in the mesh: it came back, or was answered", "bold green"
    ),
    "peer-dropped": lambda n: Happening(
        "dropped", f"peer {n.get('peer')}: {harmless(str(n.get('why')))}", "yellow"
    ),
    "accepting": _accepting,
}


REPEATED = ("sitrep-seen", "lead-changed", "sitrep-refused")


def _manner(notice: Notice) -> str:
    return "a person on duty" if notice.get("manner") == "person" else "automatically"


def happening(notice: Notice) -> Happening:
    """One notice in plain words; an unknown one is shown as it came."""
    teller = TELLERS.get(str(notice.get("notice")))
    if teller is not None:
        return teller(notice)
    return Happening(str(notice.get("notice", "?"))[:MARK_WIDTH], harmless(str(dict(notice))), "dim")


class News:
    """What a person was shown of leads and their reports: a report comes every few seconds and mostly says the same."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], str] = {}

    def is_new(self, notice: Notice) -> bool:
        """Whether this says anything else than the last of its kind about the same call."""
        what = str(notice.get("notice"))
        if what not in REPEATED:
            return True
        key, said = (what, str(notice.get("call"))), happening(notice).sentence
        if self._told.get(key) == said:
            return False
        self._told[key] = said
        return True


def lines_max(notice: Notice) -> int:
    """How much of a text is shown: an introduction comes from somebody whom nobody accepted yet."""
    return INTRODUCTION_LINES_MAX if notice.get("kind") == "introduction" else LINES_MAX


def tell(screen: Screen, notice: Notice, *, call_shown: bool = False, news: News | None = None) -> None:
    """Print one notice: a line of the timeline, or its JSON object. People are spared what `news` knows already."""
    screen.object(dict(notice))
    if news is not None and not news.is_new(notice):
        return
    said = happening(notice)
    where = ""
    named = notice.get("call")
    if call_shown and named and short(str(named)) not in said.sentence:
        where = f"call {_call(notice)}: "
    at = clock(float(notice.get("at_unix_s", 0)))
    screen.line((at + "  ", "dim"), (f"{said.mark:<{MARK_WIDTH}}", said.style), where + said.sentence)
    screen.quoted(said.text, " " * (MARK_WIDTH + 10), lines_max=lines_max(notice))
