"""A secured connection, read and written in bulk.

Decides when bytes are encrypted and sent. In comes a `SecureSession` of py-libp2p whose Noise handshake is done;
plain bytes go in and out. It must not know what they mean.

py-libp2p reads a Noise message with two awaits and a Yamux frame with two more, each through locks that reschedule
the task; that was two thirds of all CPU time of a node (docs/decisions). Here one read takes whatever the kernel
holds, and one write takes whatever waits.
"""

import os

import trio
from libp2p.io.exceptions import ConnectionClosedError
from libp2p.security.secure_session import SecureSession

READ_BYTES = 65536
PLAIN_BYTES_MAX = 65535 - 16  # what one Noise message holds
OUT_BYTES_MAX = 4 * 2**20  # guess: nobody who reads leaves so much unread; the connection is closed


class SecureChannel:
    """Plain bytes over one Noise connection."""

    def __init__(self, session: SecureSession) -> None:
        self._decrypt = session.conn.decrypt
        self._encrypt = session.conn.encrypt
        raw = session.conn.read_writer.read_write_closer.stream
        self._socket = raw.stream.socket
        self._unread = bytearray(raw.rest())
        self._plain: bytes = session._drain(None)
        self._out = bytearray()
        self._flushing = False
        self._room = trio.Event()
        self._closed = False

    @property
    def waiting_bytes(self) -> int:
        """What was queued and not yet handed to the kernel."""
        return len(self._out)

    def _open_messages(self) -> bytes:
        """Decrypt every complete Noise message that was read."""
        unread, at, pieces = self._unread, 0, []
        while len(unread) - at >= 2:
            end = at + 2 + (unread[at] << 8 | unread[at + 1])
            if end > len(unread):
                break
            pieces.append(self._decrypt(bytes(unread[at + 2 : end])))
            at = end
        del unread[:at]
        return b"".join(pieces)

    async def receive(self) -> bytes:
        """At least one byte, or nothing at the end. Raises OSError, trio's errors, and the cipher's for a forgery."""
        plain, self._plain = self._plain, b""
        while not plain:
            plain = self._open_messages()
            if plain:
                break
            await trio.lowlevel.wait_readable(self._socket)
            # straight from the kernel: trio's own socket reschedules the task twice for each read
            try:
                read = os.read(self._socket.fileno(), READ_BYTES)
            except BlockingIOError:
                continue
            if not read:
                return b""
            self._unread += read
        return plain

    def queue(self, *pieces: bytes | memoryview) -> None:
        """Put bytes behind those that wait; `flush` sends them. Raises `ConnectionClosedError` when far too many wait."""
        if self._closed or len(self._out) > OUT_BYTES_MAX:
            raise ConnectionClosedError("closed, or the peer does not read", transport="tcp")
        for piece in pieces:
            self._out += piece

    @property
    def needs_flush(self) -> bool:
        """Whether something waits and nobody is sending it."""
        return bool(self._out) and not self._flushing

    async def flush(self) -> None:
        """Send what waits, unless somebody is at it. Raises `ConnectionClosedError`; a flush cut short ends the connection."""
        if self._flushing:
            return
        self._flushing = True
        done = False
        try:
            while self._out:
                await self._send(memoryview(self._seal()))
            done = True
        except (OSError, trio.ClosedResourceError) as error:
            raise ConnectionClosedError("reset by the peer", transport="tcp") from error
        finally:
            self._flushing = False
            self._room.set()
            if not done:
                self.abort()

    async def _send(self, sealed: memoryview) -> None:
        while sealed:
            try:
                sealed = sealed[os.write(self._socket.fileno(), sealed) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)

    async def below(self, waiting_bytes: int) -> None:
        """Wait until less than this waits to be sent."""
        while len(self._out) >= waiting_bytes and self._flushing:
            self._room = trio.Event()
            await self._room.wait()
        if self._closed:
            raise ConnectionClosedError("closed", transport="tcp")

    def _seal(self) -> bytes:
        out = bytes(self._out)
        self._out.clear()
        sealed: list[bytes] = []
        for start in range(0, len(out), PLAIN_BYTES_MAX):
            message = self._encrypt(out[start : start + PLAIN_BYTES_MAX])
            sealed += (len(message).to_bytes(2, "big"), message)
        return b"".join(sealed)

    def abort(self) -> None:
        """Close at once."""
        self._closed = True
        self._out.clear()
        self._socket.close()
