"""A Starlette application on a Unix socket that its owner alone may open, and what every API of ours has.

In come routes and a hub. Out goes HTTP/1.1: JSON, errors as JSON, and the event stream. Must not know whether a node or a
case is behind the routes.
"""

import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import trio
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from p2p_sos.drivers.api.bodies import Fault
from p2p_sos.drivers.api.notices import Hub
from p2p_sos.drivers.database import StoreError

HEARTBEAT_S = 15.0
BACKLOG = 64
GRACE_S = 2.0  # how long a stop waits for answers that are under way
SOCKET_MODE = 0o600
_log = logging.getLogger(__name__)
_silent = logging.getLogger("p2p_sos.drivers.api.http")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False

Endpoint = Callable[[Request], Awaitable[Response]]


def route(path: str, endpoint: Endpoint, *, method: str = "GET") -> Route:
    """One path and one method."""
    return Route(path, endpoint, methods=[method])


def application(routes: Sequence[Route], hub: Hub) -> Starlette:
    """The application: these routes, `/events`, and errors as JSON."""

    async def events(_request: Request) -> Response:
        return _event_stream(hub)

    answers: dict[Any, Any] = {
        Fault: _on_fault,
        HTTPException: _on_http,
        StoreError: _on_store,
        Exception: _on_bug,
    }
    return Starlette(routes=[*routes, route("/events", events)], exception_handlers=answers)


async def _on_fault(_request: Request, fault: Fault) -> Response:
    return fault.response()


async def _on_store(_request: Request, error: StoreError) -> Response:
    return Fault(507, "disk", str(error)).response()


async def _on_bug(request: Request, error: Exception) -> Response:
    _log.error("the API failed to answer %s", request.url.path, exc_info=error)
    return Fault(
        500, "fault", "This is a fault of ours: the log has its traceback, please report it."
    ).response()


async def _on_http(request: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return Fault(
            404, "no-path", f"There is nothing at {request.url.path}: see docs/operating.md."
        ).response()
    if error.status_code == 405:
        return Fault(405, "method", f"{request.method} is not answered at {request.url.path}.").response()
    return Fault(error.status_code, "http", str(error.detail)).response()


def _event_stream(hub: Hub) -> Response:
    listening = hub.listen()
    if listening is None:
        return Fault(503, "too-many", "Too many listen already: close one of them.").response()
    return StreamingResponse(
        _lines(listening), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )


async def _lines(listening: "trio.MemoryReceiveChannel[dict[str, Any]]") -> AsyncIterator[bytes]:
    """Notices as server-sent events, and a comment now and then so that a dead connection shows."""
    async with listening:
        yield b": listening\n\n"
        while True:
            told: dict[str, Any] | None = None
            with trio.move_on_after(HEARTBEAT_S):
                try:
                    told = await listening.receive()
                except trio.EndOfChannel:
                    return
            yield b": still here\n\n" if told is None else f"data: {json.dumps(told)}\n\n".encode()


def open_socket(path: Path) -> socket.socket:
    """A listening Unix socket, mode 0600; the directory around it is private already."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    opened.bind(str(path))
    path.chmod(SOCKET_MODE)
    opened.listen(BACKLOG)
    return opened


async def serve_api(
    app: Starlette,
    path: Path,
    stopping: trio.Event,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until `stopping`, then finish what is under way; the socket is gone on return."""
    listener = open_socket(path)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.accesslog = None
    config.errorlog = _silent
    config.graceful_timeout = GRACE_S
    config.include_server_header = False
    config.h11_max_incomplete_size = 16 * 1024

    async def started(*, task_status: trio.TaskStatus[list[str]]) -> None:
        await serve(app, config, shutdown_trigger=stopping.wait, mode="asgi", task_status=task_status)

    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(started)
            task_status.started()
    finally:
        _remove(path)


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def answer(told: dict[str, Any]) -> JSONResponse:
    """A JSON answer."""
    return JSONResponse(told)
