"""Consumers of admission.json and boards.json: a gate to talk to, and a board to resolve."""

from typing import Any

from p2p_sos.core.board.board import Board
from p2p_sos.core.board.resolve import resolve
from p2p_sos.wire.frames import Frame, decode, pad
from p2p_sos.wire.profiles import PROFILES
from p2p_sos.wire.registry import ORPHAN_WAIT_S
from p2p_sos.wire.vocabulary import word_of
from tests.core.door import Door

LABORATORY = PROFILES["laboratory"]


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


def check_boards(vectors: dict[str, Any]) -> None:
    """Every set of messages has its view, forwards and backwards."""
    assert vectors["network"] == LABORATORY.network.hex()
    for case in vectors["cases"]:
        frames = [_frame(text) for text in case["frames"]]
        for order in (frames, frames[::-1]):
            board = Board(_frame(vectors["call"]))
            for frame in order:
                board.offer(frame)
            _check_view(resolve(board), case["view"], case["why"])


def _check_view(view: Any, told: dict[str, Any], why: str) -> None:
    assert [word_of(view.description.severity), view.description.sequence] == [
        told["severity"],
        told["update"],
    ]
    claims = [
        {
            "responder": c.responder.hex(), "claim": c.claim.hex(), "manner": word_of(c.manner),
            "attested": c.attested, "complied": c.complied, "dismissed": c.dismissed,
        }
        for c in view.claims
    ]  # fmt: skip
    assert claims == told["claims"], why
    assert [d.responder.hex() for d in view.declines] == told["declines"], why
    assert [d.responder.hex() for d in view.releases] == told["releases"], why
    standing = view.requisition
    if told["requisition"] is None:
        assert standing is None, why
    else:
        named = {
            "id": standing.requisition.hex(), "lead": standing.lead.hex(),
            "members": [m.hex() for m in standing.members], "complied": [m.hex() for m in standing.complied],
        }  # fmt: skip
        assert named == told["requisition"], why
    assert (view.lead.hex() if view.lead else None) == told["lead"], why
    assert view.closed == told["closed"], why
