"""The bounded hand-over between two workers, and the place where live video is dropped.

A channel has a thread end (`put`, `get`) and a loop end (`aget`). A *live*
channel never makes its writer wait: when it is full the oldest entry leaves and
is given to `on_drop`, so that nothing is lost uncounted. A *lossless* channel
(files, benches) makes its writer wait instead.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from livelens.errors import Closed

T = TypeVar("T")


class Channel(Generic[T]):
    """A bounded queue of one writer side and one reader side.

    Args:
        capacity: how many entries wait at most, 1 or more.
        lossless: a full channel makes `put` wait; otherwise the oldest entry is dropped.
        on_drop: called with every entry that leaves unread, on the thread that pushed it out.
    """

    def __init__(
        self,
        capacity: int = 1,
        *,
        lossless: bool = False,
        on_drop: Callable[[T], None] | None = None,
    ) -> None:
        if capacity < 1:
            raise ValueError("a channel holds at least one entry")
        self.capacity = capacity
        self.lossless = lossless
        self.dropped = 0
        self._on_drop = on_drop
        self._entries: deque[T] = deque()
        self._changed = threading.Condition()
        self._waiter: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]] | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def closed(self) -> bool:
        """Whether the writer has closed it; entries may still wait."""
        return self._closed

    def put(self, entry: T, timeout_s: float | None = None) -> bool:
        """Append an entry. A live channel never waits.

        Returns:
            False when a lossless channel stayed full for `timeout_s`; the entry was not taken.

        Raises:
            Closed: the channel is closed; the entry was not taken.
        """
        pushed_out: T | None = None
        pushed = False
        with self._changed:
            if self._closed:
                raise Closed("the channel is closed")
            if self.lossless:
                room = self._changed.wait_for(
                    lambda: self._closed or len(self._entries) < self.capacity, timeout_s
                )
                if self._closed:
                    raise Closed("the channel is closed")
                if not room:
                    return False
            elif len(self._entries) >= self.capacity:
                pushed_out, pushed = self._entries.popleft(), True
                self.dropped += 1
            self._entries.append(entry)
            self._wake()
        if pushed and self._on_drop is not None:
            self._on_drop(pushed_out)  # type: ignore[arg-type]
        return True

    def get(self, timeout_s: float | None = None) -> T:
        """The oldest entry; waits for one.

        Raises:
            Closed: the channel is closed and empty.
            TimeoutError: nothing came within `timeout_s`.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._entries or self._closed, timeout_s):
                raise TimeoutError
            return self._take()

    def get_nowait(self) -> T | None:
        """The oldest entry, or None when there is none."""
        with self._changed:
            return self._take() if self._entries else None

    async def aget(self) -> T:
        """The oldest entry; waits on the event loop. One reader at a time.

        Raises:
            Closed: the channel is closed and empty.
        """
        loop = asyncio.get_running_loop()
        while True:
            with self._changed:
                if self._entries or self._closed:
                    return self._take()
                waiter = loop.create_future()
                self._waiter = (loop, waiter)
            try:
                await waiter
            finally:
                self._waiter = None

    def close(self, *, discard: bool = False) -> None:
        """No more entries. Waiting ones can still be read unless `discard`, which drops them."""
        with self._changed:
            self._closed = True
            left = list(self._entries) if discard else []
            if discard:
                self._entries.clear()
                self.dropped += len(left)
            self._wake()
        if self._on_drop is not None:
            for entry in left:
                self._on_drop(entry)

    def _take(self) -> T:
        if not self._entries:
            raise Closed("the channel is closed")
        entry = self._entries.popleft()
        self._changed.notify_all()
        return entry

    def _wake(self) -> None:
        self._changed.notify_all()
        if self._waiter is not None:
            loop, waiter = self._waiter
            self._waiter = None
            with suppress(RuntimeError):  # the loop has gone, and its reader with it
                loop.call_soon_threadsafe(_resolve, waiter)


def _resolve(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)
