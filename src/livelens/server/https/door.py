"""The way in by HTTPS: tells TLS from plain HTTP, which is sent on to where it should go.

A browser that is given `host:8080` tries plain HTTP first, and would show an empty error.
"""

import asyncio
import re
import socket
from collections.abc import Callable
from contextlib import suppress

import structlog

from livelens.server.https.tls import Tls

log = structlog.get_logger(__name__)

_TLS_HANDSHAKE = b"\x16"
# Until the first byte came, and until TLS stands.
_PATIENCE_S = 10.0
_MOST_WAITING = 256
_MOST_HEAD_BYTES = 8192
_TARGET = re.compile(rb"(?:GET|HEAD) (/[!-~]*) HTTP/1\.[01]\r\n", re.I)
_HOST = re.compile(rb"\r\nhost: *([A-Za-z0-9.:\[\]-]{1,255}) *\r\n", re.I)


class Door:
    """Accepts connections.

    Args:
        listener: a listening socket that does not block.
        tls: asked for its context at each connection.
        protocol: makes what serves a connection, behind TLS.
    """

    def __init__(
        self, listener: socket.socket, tls: Tls, protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        self._listener = listener
        self._tls = tls
        self._protocol = protocol
        self._waiting: dict[asyncio.Task[None], None] = {}  # the oldest first

    async def keep_open(self) -> None:
        """Accept until cancelled."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    connection, _ = await loop.sock_accept(self._listener)
                except OSError as error:  # no file descriptor is left, say
                    log.warning("no connection can be accepted", why=str(error))
                    await asyncio.sleep(0.2)
                    continue
                if len(self._waiting) >= _MOST_WAITING:
                    # Who stands there and says nothing makes room for who has just come.
                    next(iter(self._waiting)).cancel()
                task = asyncio.create_task(self._let_in(connection), name="door")
                self._waiting[task] = None
                task.add_done_callback(self._gone)
        finally:
            for task in list(self._waiting):
                task.cancel()

    def _gone(self, task: asyncio.Task[None]) -> None:
        self._waiting.pop(task, None)

    async def _let_in(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            connection.setblocking(False)
            async with asyncio.timeout(_PATIENCE_S):
                first = await _first_byte(connection)
                if first == _TLS_HANDSHAKE:
                    await loop.connect_accepted_socket(
                        self._protocol,
                        connection,
                        ssl=self._tls.context,
                        ssl_handshake_timeout=_PATIENCE_S,
                    )
                    return
                if first:
                    await _send_on(connection)
        # Whoever breaks off a handshake, since he does not trust the certificate say, has gone.
        except (OSError, TimeoutError):
            pass
        except asyncio.CancelledError:
            connection.close()
            raise
        connection.close()


async def _first_byte(connection: socket.socket) -> bytes:
    """What comes first, which stays to be read; nothing when nothing will come."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection.fileno(), readable.set)
    try:
        while True:
            with suppress(BlockingIOError, InterruptedError):
                return connection.recv(1, socket.MSG_PEEK)
            readable.clear()
            await readable.wait()
    finally:
        loop.remove_reader(connection.fileno())


async def _send_on(connection: socket.socket) -> None:
    """Answer plain HTTP: pages are sent on, all others are told."""
    loop = asyncio.get_running_loop()
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MOST_HEAD_BYTES:
        part = await loop.sock_recv(connection, _MOST_HEAD_BYTES)
        if not part:
            return
        head += part
    await loop.sock_sendall(connection, _answer(head))
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
    # Read the rest, or the other side may lose the answer to a reset.
    with suppress(TimeoutError):
        async with asyncio.timeout(1.0):
            while await loop.sock_recv(connection, 65_536):
                pass


def _answer(head: bytes) -> bytes:
    target, host = _TARGET.match(head), _HOST.search(head)
    if target is not None and host is not None:
        where = b"https://" + host[1] + target[1]
        status, more = b"307 Temporary Redirect", b"Location: " + where + b"\r\n"
    else:
        status, more = b"400 Bad Request", b""
    body = b'{"error":"this port speaks HTTPS: write https:// instead of http://"}'
    return (
        b"HTTP/1.1 %s\r\n%sContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"Cache-Control: no-store\r\nConnection: close\r\n\r\n%s"
    ) % (status, more, len(body), body)
