"""What happens in the demonstration, step by step, and what must have come to pass at its end.

Comes in: a fleet of homes. Goes out: lines of a timeline and an account of what happened. Every step goes through
the command `sos`; whoever reads this file reads how the command is used.
"""

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from attrs import define, field
from cast import ACTORS, CALL, OPENLY, PASSPHRASE, SEALED, Actor
from fleet import Failed, Fleet, Json, Sos, holder, kill, until

VICTIM = "the clinic"
RELAYS_OF_VICTIM = 3
LETTERS_OUT = ("Two servers restored.", "The third is still encrypted.", "Backups of Friday are clean.")
LETTERS_IN = (
    "We filter the C2 addresses now.",
    "Keep the third one off.",
    "Restore from Friday, not Saturday.",
)

LETTER_TO_NOBODY = "Are you still there?"  # written while the victim's process is dead


@define
class Node:
    """One running node."""

    actor: Actor
    sos: Sos
    address: str
    responder: str
    pid: int


@define(eq=False)
class Story:
    """One play."""

    fleet: Fleet
    random: random.Random
    to_stderr: bool
    nodes: list[Node] = field(factory=list)
    account: Json = field(factory=dict)
    _begun: float = field(factory=time.monotonic)
    _called: float = 0.0
    _call: str = ""
    _short: str = ""
    _talk: threading.Lock = field(factory=threading.Lock)
    _told: list[Json] = field(factory=list)

    # ------------------------------------------------------------------ telling

    def say(self, who: str, what: str) -> None:
        """One line of the timeline."""
        with self._talk:
            line = f"{time.monotonic() - self._begun:7.2f} s  {who:<22} {what}"
            print(line, file=sys.stderr if self.to_stderr else sys.stdout, flush=True)

    def fail(self, why: str) -> None:
        """Something that had to happen did not."""
        self.account.setdefault("why", why)
        self.say("FAILED", why)

    def left_behind(self, folder: Path, processes: list[int]) -> None:
        """What the fleet left on this machine: it must be nothing."""
        if folder.exists() or processes:
            self.fail(f"left behind: {folder if folder.exists() else ''} {processes or ''}")

    def outcome(self) -> Json:
        """The account; `ok` if nothing failed."""
        return {"ok": "why" not in self.account, "nodes": len(self.nodes), **self.account}

    def _since_call(self) -> float:
        return round(time.monotonic() - self._called, 2)

    def _name(self, key: str) -> str:
        return next((node.actor.name for node in self.nodes if node.responder == key), key[:8])

    # ------------------------------------------------------------------ the play

    def play(self, *, crash: bool) -> None:
        """All of it, in order. Raises `Failed`."""
        self._start_nodes()
        victim = self._victim()
        self._place_call(victim)
        self._all_hear()
        self._people_decide()
        helper = self._accept(victim)
        self._helpers_lead(victim)
        self._correspond(victim, helper, crash=crash)
        self._requisition(victim, helper)
        self._clear(victim)
        self._record(helper)
        self._go_home()

    def _start_nodes(self) -> None:
        """The first alone, then the others in parallel, each through two that are up already."""
        self.say("", f"{len(ACTORS)} nodes start, each a process of its own, on loopback")
        waves = (ACTORS[:1], ACTORS[1:4], ACTORS[4:])
        with ThreadPoolExecutor(len(ACTORS)) as pool:
            for wave in waves:
                known = [node.address for node in self.nodes]
                ways = [self.random.sample(known, min(2, len(known))) for _ in wave]
                started = list(pool.map(self._start_node, wave, ways))
                for node in started:
                    self.nodes.append(node)
                    self.say(node.actor.name, f"is up: {node.actor.says}")

    def _start_node(self, actor: Actor, bootstrap: list[str]) -> Node:
        sos = self.fleet.home(actor.home)
        sos.run("init", "--listen", "/ip4/127.0.0.1/tcp/0", *actor.flags)
        said = sos.up(bootstrap)
        return Node(actor, sos, said["addresses"][0], said["responder"], said["pid"])

    def _victim(self) -> Sos:
        victim = self.fleet.home("victim")
        victim.secrets["SOS_PASSPHRASE"] = PASSPHRASE
        return victim

    def _place_call(self, victim: Sos) -> None:
        """The victim calls through relays that it knows, and watches until somebody claims."""
        relays = self.random.sample([node.address for node in self.nodes], RELAYS_OF_VICTIM)
        words = ["call", *CALL, "--yes", *OPENLY, "--until", "claimed"]
        for relay in relays:
            words += ["--bootstrap", relay]
        self.say(
            VICTIM, "calls: sos call " + " ".join(f"'{w}'" if " " in w else w for w in CALL[:8]) + " ..."
        )
        self._called = time.monotonic()
        code = victim.stream(self._on_notice, *words).wait()
        if code:
            raise Failed(f"sos call ended with exit code {code}: {victim.log.read_text().strip()[-500:]}")
        victim.stream(self._on_notice, "case", "watch")

    def _on_notice(self, notice: Json) -> None:
        """What the victim is told, as it happens; a watch that starts later tells what was told before."""
        told = {name: value for name, value in notice.items() if name != "at_unix_s"}
        if told in self._told:
            return
        self._told.append(told)
        match notice.get("notice"):
            case "case-kept":
                self._call, self._short = notice["call"], notice["call"][:8]
                self.say(VICTIM, f"keeps its case {notice['case']} encrypted, and sends")
            case "call-taken":
                relays = "1 relay" if notice["relays"] == 1 else f"{notice['relays']} relays"
                self.say(VICTIM, f"TAKEN by {relays}; receipt is not rescue")
            case "call-returned":
                self.account["call_to_heard_s"] = self._since_call()
                self.say(VICTIM, "HEARD: the call came back from another peer, it is in the mesh")
            case "claim-seen":
                self.account.setdefault("call_to_first_claim_s", self._since_call())
                self.say(VICTIM, f"CLAIM by {self._name(notice['responder'])} ({notice['manner']})")
            case "attest-seen":
                names = ", ".join(self._name(key) for key in notice["responders"])
                self.say(VICTIM, f"contact attested: {names}")
            case "decline-seen":
                self.say(VICTIM, f"{self._name(notice['responder'])} does not come: {notice['reason']}")
            case "lead-changed" if notice["lead"]:
                self.say(VICTIM, f"{self._name(notice['lead'])} leads")
            case "comply-seen":
                self.say(VICTIM, f"{self._name(notice['responder'])} complies")
            case "letter-arrived":
                who = self._name(notice["correspondent"])
                self.say(VICTIM, f"opens a letter of {who} ({notice['kind']}): {notice['text']}")

    def _all_hear(self) -> None:
        """Every node's own API shows the call."""
        heard = self._count(self._hears)
        self.account["heard"] = heard
        self.say("", f"heard by {heard} of {len(self.nodes)} nodes, as each says itself")
        if heard != len(self.nodes):
            raise Failed(f"{heard} nodes heard the call, not {len(self.nodes)}")

    def _count(self, look: Callable[[Node], bool]) -> int:
        """Of how many nodes it is so, each given time."""

        def comes_true(node: Node) -> bool:
            try:
                until(f"{node.actor.name} knows", lambda: look(node))
            except Failed:
                return False
            return True

        with ThreadPoolExecutor(len(self.nodes)) as pool:
            return sum(pool.map(comes_true, self.nodes))

    def _hears(self, node: Node) -> bool:
        return any(call["id"] == self._call for call in self._calls(node))

    def _calls(self, node: Node, *flags: str) -> list[Json]:
        calls: list[Json] = node.sos.run("calls", *flags)["calls"]
        return calls

    def _people_decide(self) -> None:
        """Two nodes asked their people: one claims by hand, the other declines."""
        for node in self.nodes:
            if node.actor.by_hand == "claim":
                node.sos.run("claim", self._short)
                self.say(node.actor.name, f"the person on duty claims: sos claim {self._short}")
            elif node.actor.by_hand == "decline":
                words = ("decline", self._short, "--reason", "unable", "--detail", "busy")
                node.sos.run(*words)
                self.say(node.actor.name, "the person on duty declines: sos " + " ".join(words))

    # ------------------------------------------------------------------ the two sides

    def _accept(self, victim: Sos) -> Node:
        """The victim sees who comes and accepts one; that one reads what was sealed."""
        wanted = [node for node in self.nodes if node.actor.comes]
        until("everybody who comes has introduced itself", lambda: self._introduced(victim) >= len(wanted))
        claims = victim.run("case", "status")["claims"]
        self.account["claims"] = len(claims)
        helper = next(node for node in wanted if node.actor.accepted)
        victim.run("case", "accept", helper.responder, "You first, please.", "--yes")
        self.account["call_to_accept_s"] = self._since_call()
        self.say(VICTIM, f"accepts {helper.actor.name}: sos case accept {helper.responder[:8]}")
        until(
            "the helper reads what was sealed",
            lambda: any(SEALED in text for text in self._accepting(helper)),
        )
        self.account["accepted"] = True
        self.say(helper.actor.name, "is accepted, and reads what the victim sealed")
        return helper

    def _introduced(self, victim: Sos) -> int:
        claims = victim.run("case", "status")["claims"]
        return sum(claim["claimed"] and claim["introduction"] is not None for claim in claims)

    def _letters(self, node: Node) -> list[Json]:
        letters: list[Json] = node.sos.run("show", self._short)["standing"]["letters"]
        return letters

    def _accepting(self, node: Node) -> list[str]:
        return [letter["text"] for letter in self._letters(node) if letter["kind"] == "accept"]

    def _helpers_lead(self, victim: Sos) -> None:
        """The helpers agreed among themselves who leads; that one's person on duty says how far they are."""
        until("somebody leads the helpers", lambda: bool(self._standing(victim)["lead"]))
        leading = self._standing(victim)["lead"]
        lead = next(node for node in self.nodes if node.responder == leading)
        self.account["lead"] = lead.actor.name
        self.say(lead.actor.name, "leads the helpers, by their own roster")
        self._report(lead, victim, "mitigating")

    def _report(self, lead: Node, victim: Sos, status: str) -> None:
        """The lead's report reaches the victim."""
        lead.sos.run("sitrep", self._short, status)
        self.say(lead.actor.name, f"reports how far it is: sos sitrep {self._short} {status}")

        def reported() -> bool:
            told = self._standing(victim)["sitrep"] or {}
            return (told.get("responder"), told.get("status")) == (lead.responder, status)

        until(f"the victim reads {status}", reported)
        self.account["sitreps"] = int(self.account.get("sitreps", 0)) + 1

    def _standing(self, victim: Sos) -> Json:
        standing: Json = victim.run("case", "status").get("standing") or {"lead": None, "sitrep": None}
        return standing

    def _correspond(self, victim: Sos, helper: Node, *, crash: bool) -> None:
        """Letters both ways; with `crash`, the victim's process dies while some are under way."""
        letters = list(zip(LETTERS_OUT, LETTERS_IN, strict=True))
        out, back = letters.pop(0)
        self._write(victim, out)
        self._answer(helper, back)
        if crash:
            self._crash(victim, helper, *letters.pop(0))
        for out, back in letters:
            self._write(victim, out)
            self._answer(helper, back)
        until("every letter is there, once", lambda: self._arrived(victim, helper) == self._written())
        until("every letter is acknowledged", lambda: self._acknowledged(victim, helper))
        self.account["letters"] = self._written()
        self.say("", f"{self._written()} letters, each there exactly once, each acknowledged")

    def _write(self, victim: Sos, text: str) -> None:
        self.say(VICTIM, f"writes: {text}")
        victim.run("case", "letter", text)

    def _answer(self, helper: Node, text: str) -> None:
        self.say(helper.actor.name, f"writes: {text}")
        helper.sos.run("letter", self._short, text)

    def _crash(self, victim: Sos, helper: Node, out: str, back: str) -> None:
        """Kill the case's process with a letter under way in each direction, for certain; then go on.

        While a process is stopped (SIGSTOP) it neither reads nor acknowledges: so the helper's letter is not
        acknowledged, and the victim's not read, at the moment of the kill.
        """
        (lock,) = victim.path.glob("cases/*/case.lock")
        case = holder(lock)
        if case is None:
            raise Failed("nobody carries the case")
        os.kill(case, signal.SIGSTOP)
        self._answer(helper, back)
        os.kill(helper.pid, signal.SIGSTOP)
        os.kill(case, signal.SIGCONT)
        self._write(victim, out)
        kill(case, signal.SIGKILL)
        self.say(VICTIM, "its process is KILLED (SIGKILL), a letter under way in each direction")
        os.kill(helper.pid, signal.SIGCONT)
        self._answer(helper, LETTER_TO_NOBODY)
        victim.run("case", "resume", "--until", "taken")
        self.say(VICTIM, "is back: sos case resume opens the case with the passphrase")
        victim.stream(self._on_notice, "case", "watch")
        self.account["crashed"] = True

    def _written(self) -> int:
        return len(LETTERS_OUT) + len(self._answers())

    def _answers(self) -> tuple[str, ...]:
        return (*LETTERS_IN, LETTER_TO_NOBODY) if self.account.get("crashed") else LETTERS_IN

    def _arrived(self, victim: Sos, helper: Node) -> int:
        """How many letters arrived; one that arrived twice fails the play at once."""
        at_helper, at_victim = self._letters(helper), victim.run("case", "status")["letters"]
        arrived = 0
        for who, letters, written in (
            ("helper", at_helper, LETTERS_OUT),
            ("victim", at_victim, self._answers()),
        ):
            texts = [one["text"] for one in letters if one["direction"] == "in" and one["kind"] == "text"]
            twice = [text for text in dict.fromkeys(texts) if texts.count(text) > 1]
            if twice:
                raise Failed(f"the {who} has a letter twice: {twice}")
            arrived += sum(text in texts for text in written)
        return arrived

    def _acknowledged(self, victim: Sos, helper: Node) -> bool:
        letters = [*self._letters(helper), *victim.run("case", "status")["letters"]]
        return all(one["delivered"] for one in letters if one["direction"] == "out" and one["kind"] == "text")

    # ------------------------------------------------------------------ the end

    def _requisition(self, victim: Sos, helper: Node) -> None:
        """The victim names its lead; whoever claimed and is not named is released."""
        victim.run("case", "requisition", helper.responder)
        self.say(VICTIM, f"names {helper.actor.name} its lead: sos case requisition")

        def complied() -> bool:
            claims = victim.run("case", "status")["claims"]
            return any(c["responder"] == helper.responder and c["complied"] for c in claims)

        until("the named lead complies", complied)
        self.account["complied"] = True
        until("the named one leads", lambda: self._standing(victim)["lead"] == helper.responder)
        self._report(helper, victim, "attack-stopped")

    def _clear(self, victim: Sos) -> None:
        """It is over, and every node says so."""
        victim.run("case", "clear", "--yes")
        self.say(VICTIM, "all clear: sos case clear")
        cleared = self._count(self._is_cleared)
        self.account["cleared"] = cleared
        self.say("", f"cleared at {cleared} of {len(self.nodes)} nodes")
        if cleared != len(self.nodes):
            raise Failed(f"{cleared} nodes know that it is over, not {len(self.nodes)}")

    def _is_cleared(self, node: Node) -> bool:
        calls = self._calls(node, "--closed")
        return any(call["id"] == self._call and call["state"] == "cleared" for call in calls)

    def _record(self, helper: Node) -> None:
        """What happened stands in one signed file, that anybody can check."""
        file = str(helper.sos.path / "record.sos")
        helper.sos.run("export", self._short, file)
        told = self.fleet.home("anybody").run("verify", file)
        self.account["record"] = {"messages": told["messages"], "closed": told["closed"]}
        self.say(
            helper.actor.name, f"exports the record: {told['messages']} messages, each signature verified"
        )

    def _go_home(self) -> None:
        """Every node gives back what it holds and stops."""

        def down(node: Node) -> Any:
            return node.sos.run("down")

        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(down, self.nodes))
        self.say("", "all nodes are down: sos down")
