"""What the process of a victim's case answers: who comes, letters, and the victim's decisions.

In come requests. Out go views of the case, and events to its runner. Decides nothing: the case machine does.
"""

import os
from collections.abc import Awaitable, Callable

from attrs import define
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from p2p_sos.core.calls.account import report_of
from p2p_sos.core.case.case_view import CaseView
from p2p_sos.core.events import (
    Event,
    VictimCancels,
    VictimClears,
    VictimDecides,
    VictimRequisitions,
    VictimUpdates,
    VictimWrites,
)
from p2p_sos.drivers.api import views
from p2p_sos.drivers.api.asking import Asking
from p2p_sos.drivers.api.bodies import CHANGE_NAMES, Fault, body_of, changes_in, key_in, keys_in, text_in
from p2p_sos.drivers.api.server import answer, route
from p2p_sos.drivers.mesh import Mesh
from p2p_sos.wire.registry import MEMBERS_MAX, LetterKind


@define(eq=False)
class CaseApi:
    """What the routes of a case need."""

    view: Callable[[], CaseView]
    asking: Asking
    own: bytes  # the call's public key
    stop: Callable[[], None]
    mesh: Mesh
    begin: Callable[[], Awaitable[None]]  # gives the queued call to the case machine
    too_old: Callable[[], bool]  # whether the call can get into the mesh by hand alone

    def routes(self) -> list[Route]:
        """Every route."""
        return [
            route("/case", self.case),
            route("/case/accept", self.accept, method="POST"),
            route("/case/refuse", self.refuse, method="POST"),
            route("/case/letter", self.letter, method="POST"),
            route("/case/requisition", self.requisition, method="POST"),
            route("/case/update", self.update, method="POST"),
            route("/case/cancel", self.cancel, method="POST"),
            route("/case/clear", self.clear, method="POST"),
            route("/case/stop", self.end, method="POST"),
        ]

    async def case(self, _request: Request) -> Response:
        """The whole case."""
        return answer(self._view())

    async def accept(self, request: Request) -> Response:
        """The victim accepts a helper: the sealed situation goes to it."""
        return await self._decide(request, LetterKind.ACCEPT)

    async def refuse(self, request: Request) -> Response:
        """The victim refuses a helper."""
        return await self._decide(request, LetterKind.REFUSE)

    async def letter(self, request: Request) -> Response:
        """The victim writes to one helper, or to all it accepted."""
        body = await body_of(request, ("responder", "text"))
        text = text_in(body, "text")
        if not text.strip():
            raise Fault(400, "empty", "The letter is empty: write what the helper should know.")
        responder = None if body.get("responder") is None else key_in(body, "responder")
        return await self._do(VictimWrites(responder, text))

    async def requisition(self, request: Request) -> Response:
        """The victim names its lead and members."""
        body = await body_of(request, ("lead", "members"))
        lead, members = key_in(body, "lead"), keys_in(body, "members")
        if len(members) > MEMBERS_MAX:
            raise Fault(400, "too-many", f"{len(members)} members: at most {MEMBERS_MAX} can be named.")
        return await self._do(VictimRequisitions(lead, members))

    async def update(self, request: Request) -> Response:
        """The victim refines its call."""
        return await self._do(VictimUpdates(changes_in(await body_of(request, CHANGE_NAMES))))

    async def cancel(self, request: Request) -> Response:
        """The victim withdraws, without blame."""
        await body_of(request, ())
        return await self._do(VictimCancels())

    async def clear(self, request: Request) -> Response:
        """The victim says that it is over."""
        await body_of(request, ())
        return await self._do(VictimClears())

    async def end(self, request: Request) -> Response:
        """Stop this process; the case stays open and can be resumed."""
        await body_of(request, ())
        told = self._view()
        self.stop()
        return answer(told)

    async def _decide(self, request: Request, kind: LetterKind) -> Response:
        body = await body_of(request, ("responder", "text"))
        return await self._do(
            VictimDecides(key_in(body, "responder"), kind, text_in(body, "text", default=""))
        )

    async def _do(self, event: Event) -> Response:
        if self.asking.node.case is None:
            if not isinstance(event, VictimCancels | VictimClears):
                raise Fault(
                    409, "queued", "No relay took the call yet, so nobody can be told: wait, or name a relay."
                )
            await self.begin()  # a call that nobody has seen can still be withdrawn
        await self.asking.do(event)
        return answer(self._view())

    def _view(self) -> dict[str, object]:
        node = self.asking.node
        view = self.view()
        told = views.case(view, self.own)
        if view.call in node.calls:
            told["standing"] = views.standing(node.calls[view.call].view, report_of(node.archive, view.call))
        told |= {"way": node.way.value, "way_fault": node.way_fault, "too_old": self.too_old()}
        # `faults`: one sentence for each relay that could not be reached at its last attempt.
        return {**told, "pid": os.getpid(), "peers": len(node.peers), "faults": dict(self.mesh.faults)}
