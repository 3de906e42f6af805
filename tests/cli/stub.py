"""A scripted local API on a real Unix socket: fixed answers, remembered requests. The other end of the wire."""

import json
import socketserver
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, Any]]
KEY_A, KEY_B = "aa" * 32, "ab12" * 16
CALL = "1f2e3d4c" + "00" * 28

STATUS = {
    "pid": 4711,
    "peer_id": "12D3KooWexample",
    "addresses": ["/ip4/127.0.0.1/tcp/4767/p2p/12D3KooWKhoRBoZCmcNE7FnCAqJdEKBhhRXNgMSRP4kXobYzv4Vg"],
    "peers": [
        {"peer": "12D3KooWpeer0001", "outbound": True, "score": 1.0, "round_trip_s": 0.012, "in_mesh": True}
    ],
    "calls_open": 1,
    "accepting": True,
    "why": "",
    "profile": "laboratory",
    "network": "0a0b0c0d" * 8,
    "responder": KEY_A,
    "uptime_s": 200,
}
SUMMARY = {
    "id": CALL, "short": CALL[:8], "status": "actual", "severity": "severe", "class": "S1", "urgency": "immediate",
    "certainty": "observed", "nature": "availability/ddos", "needs": ["filter-upstream", "expertise"],
    "sector": "health", "languages": ["en"], "cell": "undisclosed", "state": "open", "mine": "asked",
    "heard_unix_s": 1.0, "claims": 1, "attested": 0,
}  # fmt: skip
FULL = SUMMARY | {
    "standing": {
        "claims": [{"responder": KEY_B, "manner": "person", "attested": True, "complied": False}],
        "declines": [], "releases": [], "requisition": None,
        "letters": [{"direction": "in", "correspondent": KEY_B, "kind": "text", "text": "one\x1b[31mred", "delivered": True}],
    }
}  # fmt: skip
CASE = {
    "id": CALL, "short": CALL[:8], "phase": "heard", "relays": 2, "heard": True,
    "claims": [
        {"responder": KEY_A, "manner": "person", "attested": True, "decision": "", "complied": False,
         "introduction": "Team Blue\ncall +43 1 234"},
        {"responder": KEY_B, "manner": "automatic", "attested": False, "decision": "", "complied": False,
         "introduction": None},
    ],
    "letters": [], "closed": "", "listener": True, "pid": 4712,
}  # fmt: skip


class Stub:
    """What the stub answers and what it was asked; change `answers` as a test goes on."""

    def __init__(self, answers: Mapping[str, Answer], notices: Sequence[dict[str, Any]] = ()) -> None:
        self.answers = dict(answers)
        self.notices = list(notices)
        self.afterwards: dict[str, dict[str, Answer]] = {}  # a request -> what is answered from then on
        self.asked: list[tuple[str, str, Any]] = []
        self.stream_ends = threading.Event()
        self.stream_ends.set()

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """The stream of notices goes on, saying nothing more, for as long as the context lasts."""
        self.stream_ends.clear()
        try:
            yield
        finally:
            self.stream_ends.set()

    @contextmanager
    def at(self, path: Path) -> Iterator["Stub"]:
        """Listen on `path` for as long as the context lasts."""
        path.parent.mkdir(parents=True, exist_ok=True)
        server = _Server(str(path), _Handler)
        server.stub = self
        thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
            path.unlink(missing_ok=True)


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = False
    stub: Stub


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        if self.path == "/events":
            self._stream()
        else:
            self._answer("GET", None)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        self._answer("POST", body)

    def _answer(self, method: str, body: Any) -> None:
        stub = self.server.stub
        stub.asked.append((method, self.path, body))
        unknown = (404, {"error": f"There is nothing at {self.path}.", "code": "no-path"})
        status, answer = stub.answers.get(f"{method} {self.path}", unknown)
        stub.answers |= stub.afterwards.get(f"{method} {self.path}", {})
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self) -> None:
        self.send_response(200)
        self.end_headers()
        for notice in self.server.stub.notices:
            self.wfile.write(b"data: " + json.dumps(notice).encode() + b"\n\n")
        self.server.stub.stream_ends.wait()

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:
        """Be silent."""
