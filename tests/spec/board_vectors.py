"""Consumers of admission.json, boards.json, leases.json and fitness.json: a gate, boards, clocks, cards to judge."""

from typing import Any

from attrs import evolve

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.fitness import band_of
from p2p_sos.core.board.judge import Judge
from p2p_sos.core.board.resolve import resolve
from p2p_sos.core.board.standing import Description, Expired, View
from p2p_sos.core.calls.calls import Calls
from p2p_sos.drivers.cells import rings
from p2p_sos.wire.frames import Frame, decode, pad
from p2p_sos.wire.messages import Call
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.registry import ORPHAN_WAIT_S
from p2p_sos.wire.vocabulary import word_of
from tests.core.door import Door

LABORATORY = PROFILES["laboratory"]
ROOTED = evolve(LABORATORY, roots=(b"r" * 32,))
NAMED = ("silent", "overdue", "lapsed", "superseded")


def check_admission(vectors: dict[str, Any]) -> None:
    """Every step of every conversation gets its verdict and its reason."""
    assert vectors["network"] == LABORATORY.network.hex()
    for conversation in vectors["conversations"]:
        door = Door(LABORATORY, start_unix_s=vectors["unix_s"])
        for step in conversation["steps"]:
            door.wait(step["after_s"])
            cell = pad(bytes.fromhex(step["frame"]))
            door.bring(cell)
            expected = f"{step['verdict']} {step.get('reason', '')}".strip()
            assert door.said(cell) == expected, conversation["why"]
        door.wait(ORPHAN_WAIT_S + 1)
        for step in conversation["steps"]:
            if "finally" in step:
                said = door.said(pad(bytes.fromhex(step["frame"])))
                assert said.split()[0] == step["finally"], conversation["why"]


def _frame(text: str) -> Frame:
    frame = decode(pad(bytes.fromhex(text)), LABORATORY.network)
    assert isinstance(frame, Frame)
    return frame


def _judge(case: dict[str, Any]) -> Judge:
    """Roots that vouch for the keys that a case names; none where it names no roots."""
    vouched = case["vouched"]
    if vouched is None:
        return Judge(LABORATORY)

    def accredits(card: Frame) -> bytes | None:
        group = vouched.get(card.message.signer.hex())
        return None if group is None else bytes.fromhex(group)

    return Judge(ROOTED, accredits=accredits)


def _expired(told: dict[str, Any]) -> Expired:
    keys = {name: frozenset(map(bytes.fromhex, told.get(name, ()))) for name in NAMED}
    unanswered = frozenset((bytes.fromhex(r), bytes.fromhex(key)) for r, key in told.get("unanswered", ()))
    assert set(told) <= {*NAMED, "unanswered", "victim_silent"}
    return Expired(unanswered=unanswered, victim_silent=told.get("victim_silent", False), **keys)


def check_boards(vectors: dict[str, Any]) -> None:
    """Every board has its view, whatever came first: messages, cards or convictions, forwards or backwards."""
    assert vectors["network"] == LABORATORY.network.hex()
    for case in vectors["cases"]:
        frames, cards = ([_frame(text) for text in case[name]] for name in ("frames", "cards"))
        convicted = [bytes.fromhex(key) for key in case["convicted"]]
        named = {card.id: card for card in cards}
        for order in (frames, frames[::-1]):
            board = Board(_frame(vectors["call"]), _judge(case))
            for key in convicted if order is frames else ():
                board.convict(key)
            for frame in order:
                board.offer(frame, named.get(getattr(frame.message, "card", b"")))
            for card in cards:
                board.adopt(card)
            for key in convicted:
                board.convict(key)
            view = resolve(board, _expired(case["expired"]))
            assert _shown(view) == case["view"], case["why"]


def check_leases(vectors: dict[str, Any]) -> None:
    """After every step it is over for whom the file says, at a node that looks whenever something changes."""
    assert vectors["network"] == LABORATORY.network.hex()
    for case in vectors["cases"]:
        call, calls, due_at = _frame(case["call"]), Calls(1), None
        named = {card.id: card for card in map(_frame, case["cards"])}
        calls.open(call, 0.0)
        for step in case["steps"]:
            now = step["at_s"]
            while due_at is not None and due_at < now:
                due_at = calls.look(call.id, due_at).due_at
            for frame in map(_frame, step["frames"]):
                calls.offer(frame, now, named.get(getattr(frame.message, "card", b"")))
            due_at = calls.look(call.id, now).due_at
            assert calls.expired_of(call.id) == _expired(step["expired"]), (case["why"], now)


def _shown(view: View) -> dict[str, Any]:
    standing, roster = view.requisition, view.roster
    return {
        "severity": word_of(view.description.severity),
        "update": view.description.sequence,
        "claims": [
            {
                "responder": c.responder.hex(), "claim": c.claim.hex(), "manner": word_of(c.manner),
                "tier": -c.fitness[0], "group": c.group.hex(), "attested": c.attested,
                "complied": c.complied, "dismissed": c.dismissed, "silent": c.silent,
                "overdue": c.overdue, "void": c.void, "counts": c.counts,
            }
            for c in view.claims
        ],
        "declines": [d.responder.hex() for d in view.declines],
        "releases": [d.responder.hex() for d in view.releases],
        "requisition": None if standing is None else {
            "id": standing.requisition.hex(), "lead": standing.lead.hex(),
            "members": [m.hex() for m in standing.members], "complied": [m.hex() for m in standing.complied],
            "effective": standing.effective,
        },
        "lead": view.lead.hex() if view.lead else None,
        "roster": roster.roster.hex() if roster else None,
        "token": [view.token[0], view.token[1].hex()],
        "attested": view.attested,
        "takeovers": view.takeovers,
        "newest_roster": view.newest_roster.hex(),
        "highest_epoch": view.highest_epoch,
        "closed": view.closed,
    }  # fmt: skip


def check_fitness(vectors: dict[str, Any]) -> None:
    """Every card has its tier and its group; every place its band; every pair of cells its rings, from either side."""
    assert vectors["network"] == LABORATORY.network.hex()
    call = _frame(vectors["call"]).message
    assert isinstance(call, Call)
    for case in vectors["tiers"]:
        profile = ROOTED if case["roots"] else LABORATORY
        vouched = None if case["vouched"] is None else bytes.fromhex(case["vouched"])
        judge = Judge(
            profile, rings=lambda _a, _b, case=case: case["rings"], accredits=lambda _c, v=vouched: v
        )
        standing = judge.standing(_frame(case["card"]), Description.of(call), call, case["convicted"])
        assert (standing.tier, standing.group.hex()) == (case["tier"], case["group"]), case["why"]
    for case in vectors["bands"]:
        assert band_of(case["place"], case["lacking"]) == case["band"]
    for case in vectors["rings"]:
        first, second = int(case["first"], 16), int(case["second"], 16)
        assert rings(first, second) == rings(second, first) == case["rings"], case["why"]
