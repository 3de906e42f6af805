"""How a command speaks to a running node or case: HTTP over its Unix socket, nothing but the standard library.

In come a path and a body. Out comes the answer's JSON object, or one of two errors whose text is for people.
"""

import contextlib
import http.client
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]
ANSWER_BYTES_MAX = 64 * 1024 * 1024


class NotRunning(Exception):
    """Nobody listens on that socket."""


class ApiRefused(Exception):
    """The node or case answered with an error: a sentence for people, a slug for programs."""

    def __init__(self, sentence: str, code: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code
        self.status = status


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float | None) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class LocalApi:
    """A client of one socket. Each request is one connection; an instance may serve several threads."""

    def __init__(self, socket_path: Path, *, timeout_s: float = 30.0) -> None:
        self._path = socket_path
        self._timeout_s = timeout_s

    def get(self, path: str) -> Json:
        """The JSON object at `path`. Raises `NotRunning`, `ApiRefused`."""
        return self._json(*self._exchange("GET", path, None))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Ask for something to be done. Raises `NotRunning`, `ApiRefused`."""
        return self._json(*self._exchange("POST", path, dict(body or {})))

    def text(self, path: str) -> str:
        """The plain text at `path` (`/metrics`). Raises `NotRunning`, `ApiRefused`."""
        status, content = self._exchange("GET", path, None)
        if status >= 400:
            self._json(status, content)
        return content.decode()

    def events(
        self, *, silence_s: float | None = None, opened: Callable[[], None] | None = None
    ) -> Iterator[Json]:
        """What happens from now on, one object each, until the other side ends or the iterator is closed.

        `opened` is called once the other side listens to us: nothing that happens after it is missed.

        With `silence_s`, `TimeoutError` is raised when not even a heartbeat came for that long.
        """
        connection = _UnixConnection(self._path, self._timeout_s)
        try:
            response = self._ask(connection, "GET", "/events", None)
            if response.status >= 400:
                self._json(response.status, response.read(ANSWER_BYTES_MAX))
            if opened is not None:
                opened()
            if connection.sock is not None:
                connection.sock.settimeout(silence_s)
            while line := self._line(response):
                if line.startswith(b"data: "):
                    yield json.loads(line[len(b"data: ") :])
        finally:
            connection.close()

    def _line(self, response: http.client.HTTPResponse) -> bytes:
        try:
            return response.readline()
        except (ConnectionError, http.client.HTTPException):
            return b""  # the process ended: so does the stream

    def _exchange(self, method: str, path: str, body: Json | None) -> tuple[int, bytes]:
        connection = _UnixConnection(self._path, self._timeout_s)
        try:
            response = self._ask(connection, method, path, body)
            return response.status, response.read(ANSWER_BYTES_MAX)
        except (ConnectionError, http.client.HTTPException) as error:
            raise NotRunning(f"The process behind {self._path} ended while it was asked.") from error
        except TimeoutError as error:
            raise NotRunning(
                f"The process behind {self._path} did not answer within {self._timeout_s:g} s."
            ) from error
        finally:
            connection.close()

    def _ask(
        self, connection: _UnixConnection, method: str, path: str, body: Json | None
    ) -> http.client.HTTPResponse:
        try:
            connection.connect()
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            raise NotRunning(f"Nobody listens on {self._path}.") from error
        except PermissionError as error:
            raise NotRunning(f"{self._path} belongs to another user.") from error
        content = None if body is None else json.dumps(body).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            # Who refuses by the head alone may hang up before the body: its answer is there all the same.
            connection.request(method, path, body=content, headers=headers)
        return connection.getresponse()

    def _json(self, status: int, content: bytes) -> Json:
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise ApiRefused(f"The answer is no JSON ({len(content)} bytes).", "no-json", status) from error
        if not isinstance(answer, dict):
            raise ApiRefused("The answer is no JSON object.", "no-object", status)
        if status >= 400:
            sentence = str(answer.get("error", f"The request failed with status {status}."))
            raise ApiRefused(sentence, str(answer.get("code", "refused")), status)
        return answer
