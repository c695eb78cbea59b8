"""What the flow and its child say to each other, over a socket that only the two of them have."""

import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

import msgspec

# Length of the message, then how many file descriptors come with it.
_HEAD = struct.Struct("!IB")
_MOST_FDS = 32


class Segment(msgspec.Struct, frozen=True):
    """Shared memory that the child has not seen yet; its file descriptor comes along."""

    number: int
    size: int


class Spans(msgspec.Struct, frozen=True):
    """Where the large buffers of a parcel lie: (offset, length) in one segment."""

    segment: int
    places: list[tuple[int, int]]


class Open(msgspec.Struct, frozen=True, tag=True):
    """Open a stage. Sent once.

    Attributes:
        spec: where the spec's class is, "module:name".
        settings: its fields.
        threads: how many CPU threads the child may keep busy.
        python_path: what PYTHONPATH is to be from now on; None takes it away.
    """

    spec: str
    settings: dict[str, Any]
    threads: int
    python_path: str | None


class Work(msgspec.Struct, frozen=True, tag=True):
    """Process these items.

    Attributes:
        items: a parcel, see `parcel.py`.
        spans: its large buffers.
        keep: the stage may keep what lies in the segment; else the child copies it first.
        room: a segment for large results.
        new: segments that come along.
        gone: segments that will not be used again.
    """

    items: bytes
    spans: Spans | None
    keep: bool
    room: int | None
    new: list[Segment]
    gone: list[int]


class Room(msgspec.Struct, frozen=True, tag=True):
    """The segment that the child needed."""

    segment: int
    new: list[Segment]
    gone: list[int]


class Opened(msgspec.Struct, frozen=True, tag=True):
    """The stage is open."""


class Need(msgspec.Struct, frozen=True, tag=True):
    """The results need a segment of this size; `Room` is the answer."""

    size: int


class Done(msgspec.Struct, frozen=True, tag=True):
    """The results.

    Attributes:
        results: a parcel.
        spans: its large buffers.
        released: segments that nothing in the child looks at any more.
    """

    results: bytes
    spans: Spans | None
    released: list[int]


class Failed(msgspec.Struct, frozen=True, tag=True):
    """It raised.

    Attributes:
        kind: name of the class in `livelens.errors`; empty for a foreign exception.
        message: one line.
        released: as in `Done`.
    """

    kind: str
    message: str
    released: list[int]


Message = Open | Work | Room | Opened | Need | Done | Failed

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Message).decode


class Wire:
    """One end of the socket.

    Args:
        end: a connected stream socket of the Unix family; closed with the wire.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Send a message, and file descriptors with it.

        Raises:
            OSError: the other end is gone.
        """
        body = _encode(message)
        head = _HEAD.pack(len(body), len(fds))
        if fds:
            socket.send_fds(self._end, [head], fds)
            self._end.sendall(body)
        else:
            self._end.sendall(head + body)

    def receive(self) -> tuple[Message, list[int]]:
        """Wait for a message; returns it with the file descriptors that came along.

        Raises:
            EOFError: the other end is gone.
            OSError: the connection broke.
            msgspec.DecodeError: that was no message.
        """
        head, fds, _, _ = socket.recv_fds(self._end, _HEAD.size, _MOST_FDS)
        try:
            length, count = _HEAD.unpack(head + self._read(_HEAD.size - len(head)))
            message: Message = _decode(self._read(length))
        except BaseException:
            for fd in fds:
                os.close(fd)
            raise
        assert len(fds) == count, "file descriptors were lost on their way"
        return message, list(fds)

    def hang_up(self) -> None:
        """Tell the other end that nothing more will come; wakes whoever waits on this one."""
        try:
            self._end.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def _read(self, length: int) -> memoryview:
        room = memoryview(bytearray(length))
        got = 0
        while got < length:
            count = self._end.recv_into(room[got:])
            if not count:
                raise EOFError
            got += count
        return room
