"""What a running node answers: status, calls, decisions, letters, the log, metrics, and its own end.

In come requests. Out go views of the node, and events to its runner. Decides nothing about calls: the duty machine does.
"""

import base64
import binascii
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import trio
from attrs import define
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from p2p_sos.core.calls.account import account_of, report_of
from p2p_sos.core.calls.calls import CallRecord, CallState
from p2p_sos.core.events import (
    CallBrought,
    Event,
    OperatorClaims,
    OperatorDeclines,
    OperatorReleases,
    OperatorReports,
    OperatorStandsDown,
    OperatorWrites,
)
from p2p_sos.core.node import Node
from p2p_sos.core.tables import Table
from p2p_sos.drivers.api import views
from p2p_sos.drivers.api.asking import Asking
from p2p_sos.drivers.api.bodies import Fault, body_of, one_of, text_in, word_in
from p2p_sos.drivers.api.server import answer, route
from p2p_sos.drivers.brought import Misfit, judge_cell
from p2p_sos.drivers.mesh import Mesh
from p2p_sos.drivers.metrics import Metrics
from p2p_sos.drivers.pager import Pager
from p2p_sos.drivers.record import Heading, make_record
from p2p_sos.drivers.store import NodeStore
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.profiles import Profile
from p2p_sos.wire.registry import Detail, Phase, Reason, SitrepStatus, Tlp
from p2p_sos.wire.vocabulary import word_of, words

LOG_LINES_MAX = 1000
NUMBER_BYTES = 8
ADMIT_WAIT_S = 10.0  # guess: a signature and a stamp take milliseconds, behind a queue of others seconds
NO_KEY = "This node relays only and has no key to sign with: ask one that answers calls to export its record."


@define(eq=False)
class NodeApi:
    """What the routes of a node need."""

    node: Node
    asking: Asking
    store: NodeStore
    metrics: Metrics
    profile: Profile
    mesh: Mesh
    responder: bytes | None
    uptime_s: Callable[[], float]
    go_down: Callable[[], Awaitable[list[str]]]  # releases; returns the calls' ids as hex
    pager: Pager
    key: SigningKey | None
    until: Callable[[Callable[[Node], bool]], Awaitable[None]]
    relays: Sequence[str]  # the addresses that this node keeps

    def routes(self) -> list[Route]:
        """Every route."""
        return [
            route("/status", self.status),
            route("/calls", self.calls),
            route("/calls/{call}", self.call),
            route("/calls/{call}/claim", self.claim, method="POST"),
            route("/calls/{call}/decline", self.decline, method="POST"),
            route("/calls/{call}/release", self.release, method="POST"),
            route("/calls/{call}/stand-down", self.stand_down, method="POST"),
            route("/calls/{call}/sitrep", self.sitrep, method="POST"),
            route("/calls/{call}/letter", self.letter, method="POST"),
            route("/calls/{call}/record", self.record),
            route("/relay", self.relay, method="POST"),
            route("/log", self.log),
            route("/metrics", self.show_metrics),
            route("/down", self.down, method="POST"),
        ]

    async def status(self, _request: Request) -> Response:
        """How the node is."""
        return answer(
            {
                "pid": os.getpid(),
                "peer_id": self.mesh.peer_id,
                "addresses": list(self.mesh.addresses),
                "relays": list(self.relays),
                "faults": dict(self.mesh.faults),
                "peers": [views.peer(view) for view in self.node.peers],
                "calls_open": sum(record.state is CallState.OPEN for record in self.node.calls.values()),
                "accepting": self.node.accepting,
                "why": self.node.why_not_accepting,
                "profile": self.profile.name,
                "network": self.profile.network.hex(),
                "responder": "" if self.responder is None else self.responder.hex(),
                "uptime_s": round(self.uptime_s(), 3),
                "paging": self.pager.view(),
            }
        )

    async def calls(self, request: Request) -> Response:
        """The open calls, or all: the gravest first, of equal gravity the newest."""
        every = request.query_params.get("closed", "") not in {"", "0"}
        found = [one for one in self.node.calls.values() if every or one.state is CallState.OPEN]
        found.sort(key=_gravest_first)
        return answer({"calls": [views.summary(record, self.responder) for record in found]})

    async def call(self, request: Request) -> Response:
        """One call in full."""
        return answer(self._told(self._call(request)))

    async def claim(self, request: Request) -> Response:
        """The person on duty answers."""
        call = self._call(request)
        await body_of(request, ())
        return await self._decide(call, OperatorClaims(call))

    async def decline(self, request: Request) -> Response:
        """The person on duty does not."""
        call, body = self._call(request), await body_of(request, ("reason", "detail"))
        return await self._decide(call, OperatorDeclines(call, *_why(body)))

    async def release(self, request: Request) -> Response:
        """The person on duty gives a claim back."""
        call, body = self._call(request), await body_of(request, ("reason", "detail"))
        return await self._decide(call, OperatorReleases(call, *_why(body)))

    async def stand_down(self, request: Request) -> Response:
        """The person on duty believes that it is over."""
        call = self._call(request)
        await body_of(request, ())
        return await self._decide(call, OperatorStandsDown(call))

    async def sitrep(self, request: Request) -> Response:
        """The person on duty of the lead tells how far it is."""
        call, body = self._call(request), await body_of(request, ("status", "phase"))
        if "status" not in body:
            raise Fault(
                400, "no-status", f"Say how far it is: status, one of {', '.join(words(SitrepStatus))}."
            )
        status = word_in(body, "status", SitrepStatus, SitrepStatus.MITIGATING)
        known = report_of(self.node.archive, call)
        phase = word_in(body, "phase", Phase, Phase.DETRESFA if known is None else known.phase)
        return await self._decide(call, OperatorReports(call, status, phase))

    async def letter(self, request: Request) -> Response:
        """The person on duty writes to the victim."""
        call, body = self._call(request), await body_of(request, ("text",))
        text = text_in(body, "text")
        if not text.strip():
            raise Fault(400, "empty", "The letter is empty: write what the victim should know.")
        return await self._decide(call, OperatorWrites(call, text))

    async def record(self, request: Request) -> Response:
        """The after-action record of a closed call, in base64."""
        call = self._call(request)
        tlp = word_in(request.query_params, "tlp", Tlp, Tlp.AMBER)
        if self.key is None:
            raise Fault(409, "relay-only", NO_KEY)
        if self.node.calls[call].state is CallState.OPEN:
            raise Fault(
                409,
                "open",
                "The call is still open: its record is made once it is closed; `sos show` shows it.",
            )
        frames, heading = (
            account_of(self.node.archive, call),
            Heading(self.profile.network, tlp, int(time.time())),
        )
        made = await make_record(frames, self.store, self.key, heading)
        told = {
            "call": call.hex(),
            "tlp": word_of(tlp),
            "signer": self.key.public.hex(),
            "messages": len(frames),
        }
        return answer({**told, "record": base64.b64encode(made).decode()})

    async def relay(self, request: Request) -> Response:
        """A call that somebody brought by hand enters the mesh here; `known` says that it had already."""
        text = text_in(await body_of(request, ("cell",)), "cell")
        try:
            cell = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise Fault(400, "no-cell", "The field 'cell' must be a call's cell in base64.") from error
        frame = judge_cell(cell, self.profile, time.time())
        if isinstance(frame, Misfit):
            raise Fault(409, frame.code, frame.sentence)
        known = frame.id in self.node.calls
        if not known:
            await self.asking.do(CallBrought(cell))
            with trio.move_on_after(ADMIT_WAIT_S):
                await self.until(lambda node: frame.id in node.calls)
                await self.asking.do(CallBrought(cell))  # changes nothing; on return what was kept is on disk
        if frame.id not in self.node.calls:
            why = "the call is over, or others that cost more effort leave no room"
            raise Fault(409, "not-admitted", f"The node did not take the call: {why}; try another relay.")
        record = self.node.calls[frame.id]
        told = views.summary(record, self.responder)
        return answer({**told, "known": known, "peers": len(self.node.peers)})

    async def log(self, request: Request) -> Response:
        """Lines of the watch log, as they stand on disk, after a number."""
        text = request.query_params.get("after", "0")
        if not (text.isdecimal() and int(text) < 2**63):
            raise Fault(400, "no-number", f"after={text[:40]!r} is no number: say after=0 for the beginning.")
        rows = await self.store.page(Table.LOG, int(text).to_bytes(NUMBER_BYTES, "big"), LOG_LINES_MAX)
        last = int.from_bytes(rows[-1][0], "big") if rows else int(text)
        lines = [line.decode("utf-8", "replace") for _, line in rows]
        return answer({"lines": lines, "last": last, "more": len(rows) == LOG_LINES_MAX})

    async def show_metrics(self, _request: Request) -> Response:
        """Metrics in Prometheus' text format."""
        return PlainTextResponse(self.metrics.text(), media_type="text/plain; version=0.0.4")

    async def down(self, request: Request) -> Response:
        """Release every claim, then stop."""
        await body_of(request, ())
        return answer({"released": await self.go_down()})

    def _call(self, request: Request) -> bytes:
        return one_of(str(request.path_params["call"]), self.node.calls, "call")

    async def _decide(self, call: bytes, event: Event) -> Response:
        if self.responder is None:
            raise Fault(
                409,
                "relay-only",
                "This node has no skills, so it relays only: name some in settings.toml under [duty].",
            )
        await self.asking.do(event)
        return answer(self._told(call))

    def _told(self, call: bytes) -> dict[str, Any]:
        """One call in full."""
        report = report_of(self.node.archive, call)
        return views.full(self.node.calls[call], self.node.letters(call), self.responder, report)


def _gravest_first(record: CallRecord) -> tuple[int, float, bytes]:
    return -record.view.description.severity, -record.heard_unix_s, record.view.call


def _why(body: dict[str, Any]) -> tuple[Reason, Detail]:
    return word_in(body, "reason", Reason, Reason.UNABLE), word_in(body, "detail", Detail, Detail.UNSPECIFIED)
