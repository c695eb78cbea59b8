"""A UDP socket that tells when the kernel got each datagram.

The congestion control of a publisher works on arrival times. Taken in Python they would
tell of our own load instead of the link's, and the publisher would slow down for it.
"""

import asyncio
import ipaddress
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, Final

from livelens.clock import now_ns, wall_ns
from livelens.errors import ConfigError

# Of Linux; Python's socket module does not name it. Elsewhere the time of reading serves.
_SO_TIMESTAMPNS: Final = 35
_TIMESPEC: Final = struct.Struct("@ll")
_MAX_DATAGRAM: Final = 2048
_BATCH: Final = 64
_MAX_AGE_NS: Final = 5_000_000_000
_BUFFER_BYTES: Final = 1 << 20


class UdpTransport(asyncio.DatagramTransport):
    """A bound socket on the running loop.

    A datagram that the system does not take at once is dropped, as the network might.

    Args:
        protocol: gets the datagrams.
        host, port: to bind; port 0 leaves it to the system.
        on_arrival: called before each datagram with its arrival, monotonic nanoseconds.

    Raises:
        OSError: the address cannot be bound.
        ConfigError: `host` is not an IP address.
    """

    def __init__(
        self,
        protocol: asyncio.DatagramProtocol,
        host: str,
        port: int,
        on_arrival: Callable[[int], None],
    ) -> None:
        super().__init__()
        try:
            version = ipaddress.ip_address(host).version
        except ValueError:
            raise ConfigError(f"WebRTC: {host!r} is not an IP address to bind") from None
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind((host, port))
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                self._socket.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
            if sys.platform == "linux":
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        except OSError:
            self._socket.close()
            raise
        self.unsent = 0
        self._protocol = protocol
        self._on_arrival = on_arrival
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._loop.add_reader(self._socket.fileno(), self._read)
        protocol.connection_made(self)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """`sockname` and `socket`."""
        if name == "sockname":
            return self._socket.getsockname()
        return self._socket if name == "socket" else default

    def sendto(self, data: Any, addr: Any = None) -> None:
        """Send at once, or drop and count."""
        if self._closing:
            return
        try:
            self._socket.sendto(data, addr)
        except BlockingIOError:
            self.unsent += 1
        except OSError as error:
            self.unsent += 1
            self._protocol.error_received(error)

    def is_closing(self) -> bool:
        """Whether `close` has been called."""
        return self._closing

    def close(self) -> None:
        """Give the socket back."""
        if not self._closing:
            self._closing = True
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        """As `close`: nothing is ever buffered."""
        self.close()

    def _read(self) -> None:
        for _ in range(_BATCH):
            if self._closing:
                return
            try:
                data, ancillary, _flags, address = self._socket.recvmsg(_MAX_DATAGRAM, 64)
            except BlockingIOError:
                return
            except OSError as error:
                self._protocol.error_received(error)
                return
            self._on_arrival(_arrival_ns(ancillary))
            self._protocol.datagram_received(data, address)


def _arrival_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    now = now_ns()
    whole: int
    part: int
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            whole, part = _TIMESPEC.unpack_from(value)
            age_ns = wall_ns() - (whole * 1_000_000_000 + part)
            # Anything else is a wall clock that was set meanwhile.
            if 0 <= age_ns < _MAX_AGE_NS:
                return now - age_ns
    return now
