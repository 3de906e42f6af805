"""The local API: JSON in and out, every fault a sentence, no listener a burden, nobody else let in."""

import json
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from starlette.requests import Request
from starlette.responses import Response

from p2p_sos.core.notices import CallHeard, Decided, LetterArrived, PeerDropped
from p2p_sos.drivers.api.bodies import (
    BODY_BYTES_MAX,
    Fault,
    body_of,
    changes_in,
    keys_in,
    one_of,
    text_in,
    word_in,
)
from p2p_sos.drivers.api.client import ApiRefused, LocalApi, NotRunning
from p2p_sos.drivers.api.notices import LISTENERS_MAX, WAITING_MAX, Hub, notice_json
from p2p_sos.drivers.api.server import HEARTBEAT_S, _lines, answer, application, route, serve_api
from p2p_sos.drivers.database import StoreError
from p2p_sos.wire.registry import Detail, LetterKind, Need, Reason, Severity


async def echo(request: Request) -> Response:
    return answer({"body": await body_of(request, ("text", "reason"))})


async def break_down(_request: Request) -> Response:
    raise RuntimeError("a bug of ours")


async def disk(_request: Request) -> Response:
    raise StoreError("node.db keeps nothing new: make room.")


@asynccontextmanager
async def serving(path: Path, hub: Hub) -> AsyncIterator[LocalApi]:
    stopping = trio.Event()
    async with trio.open_nursery() as nursery:
        app = application(
            [route("/echo", echo, method="POST"), route("/bug", break_down), route("/disk", disk)], hub
        )
        await nursery.start(serve_api, app, path, stopping)
        yield LocalApi(path, timeout_s=20)
        hub.close()
        stopping.set()


async def ask(work: Callable[..., Any], *given: Any) -> Any:
    return await trio.to_thread.run_sync(work, *given)


async def refused(work: Callable[..., Any], *given: Any) -> ApiRefused:
    with pytest.raises(ApiRefused) as caught:
        await ask(work, *given)
    return caught.value


@pytest.mark.trio
async def test_an_answer_is_json_on_a_private_socket(tmp_path: Path) -> None:
    """A request is answered; the socket is for its owner alone, and gone at the end."""
    path = tmp_path / "api.sock"
    async with serving(path, Hub()) as api:
        assert path.stat().st_mode & 0o777 == 0o600
        assert await ask(api.post, "/echo", {"text": "é"}) == {"body": {"text": "é"}}
        assert await ask(api.post, "/echo", None) == {"body": {}}
    assert not path.exists()
    with pytest.raises(NotRunning, match="Nobody listens"):
        await ask(api.get, "/echo")


@pytest.mark.trio
async def test_faults_are_sentences(tmp_path: Path) -> None:
    """Unknown paths, wrong methods, unknown fields, bodies too long: each a status, a slug and a sentence."""
    async with serving(tmp_path / "api.sock", Hub()) as api:
        for work, given, status, code in (
            (api.get, ("/nowhere",), 404, "no-path"),
            (api.get, ("/echo",), 405, "method"),
            (api.get, ("/disk",), 507, "disk"),
            (api.get, ("/bug",), 500, "fault"),
            (api.post, ("/echo", {"txt": "x"}), 400, "unknown-field"),
            (api.post, ("/echo", {"text": "x" * BODY_BYTES_MAX}), 413, "too-large"),
        ):
            fault = await refused(work, *given)
            assert (fault.status, fault.code) == (status, code)
            assert fault.sentence.endswith(".")


def raw(path: Path, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(path))
        connection.sendall(request)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


def post(body: bytes) -> bytes:
    return b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


@pytest.mark.trio
@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[1]", b"3", b"[" * 60_000, b'{"a": 1e999}'])
async def test_bodies_that_are_no_object_are_refused(tmp_path: Path, body: bytes) -> None:
    """Bad JSON, deep JSON, JSON that is no object: 400, and the server goes on."""
    async with serving(tmp_path / "api.sock", Hub()) as api:
        said = await ask(raw, tmp_path / "api.sock", post(body))
        assert said.startswith(b"HTTP/1.1 400")
        assert "error" in json.loads(said.split(b"\r\n\r\n", 1)[1])
        assert await ask(api.post, "/echo") == {"body": {}}


@pytest.mark.trio
@pytest.mark.parametrize(
    "request_", [b"nonsense\r\n\r\n", b"\x00" * 100, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 9000]
)
async def test_what_is_no_http_harms_nobody(tmp_path: Path, request_: bytes) -> None:
    """Bytes that are no request end that connection alone."""
    async with serving(tmp_path / "api.sock", Hub()) as api:
        with suppress(ConnectionError):  # it may be cut off while it still speaks: just as well
            await ask(raw, tmp_path / "api.sock", request_ + b"\r\n\r\n")
        assert await ask(api.post, "/echo") == {"body": {}}


@pytest.mark.trio
async def test_events_arrive_in_order_until_the_end(tmp_path: Path) -> None:
    """A listener gets everything published after it began, in order, and the end of the stream at the end."""
    hub, heard = Hub(), list[Any]()

    def listen(api: LocalApi) -> None:
        heard.extend(api.events(silence_s=20))

    async with trio.open_nursery() as nursery, serving(tmp_path / "api.sock", hub) as api:
        nursery.start_soon(ask, listen, api)
        while not hub.listeners:
            await trio.testing.wait_all_tasks_blocked()
        for number in range(50):
            hub.publish({"number": number})
    assert heard == [{"number": number} for number in range(50)]


@pytest.mark.trio
async def test_a_slow_listener_is_cut_off(tmp_path: Path) -> None:
    """One that reads nothing loses its stream when its queue is full; another listener loses nothing."""
    hub = Hub()
    slow, quick = hub.listen(), hub.listen()
    assert slow is not None
    assert quick is not None
    for number in range(WAITING_MAX + 5):
        hub.publish({"number": number})
        assert quick.receive_nowait() == {"number": number}
    assert hub.listeners == 1
    for _ in range(WAITING_MAX):
        slow.receive_nowait()
    with pytest.raises(trio.EndOfChannel):
        slow.receive_nowait()


@pytest.mark.trio
async def test_listeners_are_bounded_and_forgotten(tmp_path: Path) -> None:
    """There are at most so many listeners; one that went away makes room."""
    hub = Hub()
    listening = [hub.listen() for _ in range(LISTENERS_MAX)]
    assert hub.listen() is None
    assert listening[0] is not None
    listening[0].close()
    hub.publish({})
    assert hub.listen() is not None
    hub.close()
    assert hub.listen() is None


@pytest.mark.trio
async def test_a_quiet_stream_has_a_heartbeat(autojump_clock: trio.abc.Clock) -> None:
    """When nothing happens a comment goes out, so that a dead connection shows."""
    hub = Hub()
    listening = hub.listen()
    assert listening is not None
    lines = _lines(listening)
    assert (await anext(lines)).startswith(b":")
    before = trio.current_time()
    assert (await anext(lines)).startswith(b":")
    assert trio.current_time() - before == pytest.approx(HEARTBEAT_S)
    hub.publish({"a": 1})
    assert await anext(lines) == b'data: {"a": 1}\n\n'
    await lines.aclose()


def test_notices_are_told_in_words() -> None:
    """Class names become slugs, bytes hex, enumerations words."""
    call, who = bytes(32), b"\x01" * 32
    assert notice_json(CallHeard(call), 7.0) == {"notice": "call-heard", "at_unix_s": 7.0, "call": "00" * 32}
    decided = notice_json(Decided(call, "decline", Reason.UNABLE, Detail.NO_OPERATOR, "asleep"), 0)
    assert (decided["reason"], decided["detail"], decided["why"]) == ("unable", "no-operator", "asleep")
    assert notice_json(Decided(call, "claim", None, None, "able"), 0)["reason"] is None
    assert notice_json(LetterArrived(call, who, LetterKind.TEXT, "hi"), 0)["kind"] == "text"
    assert notice_json(PeerDropped("p", "junk"), 0)["notice"] == "peer-dropped"


def test_ids_are_found_by_their_first_digits() -> None:
    """One id that begins so is meant; none is 404; several, or no hexadecimal digits, is 400."""
    ids = [bytes.fromhex("ab" + "00" * 31), bytes.fromhex("ac" + "00" * 31)]
    assert one_of("AB", ids, "call") == ids[0]
    for typed, status in (("ad", 404), ("a", 400), ("xyz", 400), ("", 400), ("ab" + "0" * 63, 404)):
        with pytest.raises(Fault) as fault:
            one_of(typed, ids, "call")
        assert fault.value.status == status


def test_words_and_keys_of_a_body() -> None:
    """Words are looked up with the nearest right one; keys have 64 digits, a list of them is sorted and unique."""
    assert word_in({}, "reason", Reason, Reason.UNABLE) is Reason.UNABLE
    with pytest.raises(Fault, match="'unnecessary'"):
        word_in({"reason": "unnecesary"}, "reason", Reason, Reason.UNABLE)
    one, two = "22" * 32, "11" * 32
    assert keys_in({"members": [one, two, one]}, "members") == (bytes.fromhex(two), bytes.fromhex(one))
    for wrong in ("11", [1], ["11"], ["zz" * 32]):
        with pytest.raises(Fault):
            keys_in({"members": wrong}, "members")


def test_changes_of_a_call() -> None:
    """An update names fields of the call in words; one wrong word refuses all of it."""
    assert changes_in(
        {"severity": "severe", "needs": ["patch"], "languages": ["en", "de", "en"], "cell": "undisclosed"}
    ) == {
        "severity": Severity.SEVERE,
        "needs": 1 << Need.PATCH,
        "languages": (3 * 26 + 4, 4 * 26 + 13),
        "cell": 0,
    }
    for wrong in (
        {},
        {"needs": []},
        {"needs": ["pach"]},
        {"needs": "patch"},
        {"cell": "x"},
        {"languages": ["q"]},
        {"severity": 5},
    ):
        with pytest.raises(Fault):
            changes_in(wrong)


def test_the_client_needs_only_the_standard_library() -> None:
    """`sos status` must not pay for libp2p, trio or Starlette."""
    import subprocess
    import sys

    code = "import sys, p2p_sos.drivers.api.client; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not [
        name for name in ("libp2p", "trio", "starlette", "hypercorn", "attrs", "nacl") if repr(name) in loaded
    ]


def test_half_a_character_is_refused() -> None:
    """JSON can write what no letter can carry: 400, before it gets anywhere."""
    with pytest.raises(Fault, match="half a character"):
        text_in({"text": "\ud83d"}, "text")
    assert text_in({"text": "\U0001f600"}, "text") == "\U0001f600"


def test_an_answer_by_the_head_alone_is_heard(tmp_path: Path) -> None:
    """Who refuses and hangs up before the body came is not taken for one that does not run."""
    path, ready = tmp_path / "api.sock", threading.Event()
    content = b'{"error": "None.", "code": "no"}'
    said = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)

    def hang_up() -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            ready.set()
            connection, _ = listener.accept()
            with connection:
                connection.sendall(said)

    thread = threading.Thread(target=hang_up)
    thread.start()
    ready.wait()
    try:
        with pytest.raises(ApiRefused) as caught:
            LocalApi(path).post("/calls/00/claim", {"text": "x" * 5_000_000})
        assert caught.value.code == "no"
    finally:
        thread.join()
