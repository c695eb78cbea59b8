"""The two ends of a pipeline: the thread that reads the source, and one for each sink."""

import threading
from collections.abc import Callable
from contextlib import suppress

from livelens.channel import Channel
from livelens.clock import NS_PER_S, now_ns
from livelens.errors import Closed, one_line
from livelens.flow.reconnect import Backoff
from livelens.spec import Sink, Source, SourceSpec, Stage
from livelens.types import Captured, Item


class SourceLane:
    """Reads a source, and reopens it while it is live.

    Args:
        name: for the thread.
        spec: what to open.
        source: an already open source; it is not reopened when it ends.
        push: takes each picture.
        changed: told the state, "running" | "reconnecting" | "ended" | "failed", and why.
    """

    def __init__(
        self,
        name: str,
        spec: SourceSpec,
        *,
        source: Source | None,
        push: Callable[[Captured], None],
        changed: Callable[[str, str], None],
        backoff: Backoff | None = None,
    ) -> None:
        self._spec = spec
        self._source = source
        self._given = source is not None
        self._push = push
        self._changed = changed
        self._backoff = backoff or Backoff()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"source:{name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the thread to end; it may still hang in a foreign `open` for its time-out."""
        self._stopping.set()
        with self._lock:
            source = self._source
        if source is not None:
            _close(source)

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; False when it hangs."""
        if self._thread is threading.current_thread() or not self._thread.ident:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            began_ns = now_ns()
            why = self._read_once()
            if self._stopping.is_set():
                return
            if why is None:
                self._changed("ended", "")
                return
            if self._given or not self._spec.live:
                self._changed("failed", why)
                return
            failures = self._backoff.failures_after(failures, (now_ns() - began_ns) / NS_PER_S)
            delay_s = self._backoff.delay_s(failures, (now_ns() % 1000) / 1000)
            self._changed("reconnecting", f"{why}; trying again in {delay_s:.1f} s")
            self._stopping.wait(delay_s)

    def _read_once(self) -> str | None:
        """Open and read to the end; returns what went wrong."""
        source: Source | None = None
        why: str | None = None
        try:
            source = self._opened()
            self._pump(source)
        except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything
            why = one_line(error)
        if source is not None:
            _close(source)
        if not self._given:
            with self._lock:
                self._source = None
        return why

    def _opened(self) -> Source:
        source = self._source if self._source is not None else self._spec.open()
        with self._lock:
            self._source = source
        if self._stopping.is_set():  # while it was being opened, and nobody could close it
            _close(source)
        return source

    def _pump(self, source: Source) -> None:
        running = False
        for captured in source.frames():
            if self._stopping.is_set():
                return
            if not running:
                self._changed("running", "")
                running = True
            self._push(captured)


def _close(source: Source) -> None:
    """Close it, whatever it says to that: it is not needed any more."""
    with suppress(Exception):
        source.close()


class SinkLane:
    """Feeds one sink on a thread of its own, through a bounded channel.

    Args:
        name: the sink's name.
        sink: the open sink.
        overlay: draws on the items for this sink alone.
        lossless: `put` waits for room.
        capacity: items that wait at most.
        dropped: called for each item that the sink was too slow for.
        troubled: told when the overlay raises; the item goes on as it was, unless `lossless`.
        failed: told once when the sink breaks; it is closed and takes nothing more.

    Attributes:
        broken: whether `failed` has been told.
    """

    def __init__(
        self,
        name: str,
        sink: Sink,
        overlay: Stage | None,
        *,
        lossless: bool,
        capacity: int,
        dropped: Callable[[], None],
        troubled: Callable[[str], None],
        failed: Callable[["SinkLane", str], None],
    ) -> None:
        self.name = name
        self.sink = sink
        self.dropped = 0
        self.broken = False
        self._why: str | None = None
        self._lossless = lossless
        self._troubled = troubled
        self._overlay = overlay
        self._count_drop = dropped
        self._failed = failed
        self._channel: Channel[Item] = Channel(
            capacity, lossless=lossless, on_drop=self._pushed_out
        )
        self._thread = threading.Thread(target=self._run, name=f"sink:{name}", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Hand an item over; a sink that nobody looks at gets nothing."""
        try:
            if not self._channel.closed and self.sink.wanted:
                self._channel.put(item)
        except Closed:
            return
        except Exception as error:  # noqa: BLE001 - a plug-in's `wanted` may raise anything
            self._why = one_line(error)
            self._channel.close(discard=True)

    @property
    def waiting(self) -> int:
        """Items in the queue."""
        return len(self._channel)

    def close(self, *, discard: bool) -> None:
        """No more items; the sink closes after what waits, unless that is discarded."""
        self._channel.close(discard=discard)

    def join(self, timeout_s: float | None) -> bool:
        """Wait until the sink has closed; False when it hangs."""
        if self._thread is threading.current_thread():
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _pushed_out(self, _: Item) -> None:
        self.dropped += 1
        self._count_drop()

    def _run(self) -> None:
        why: str | None = None
        try:
            while True:
                self.sink.put(self._drawn(self._channel.get()))
        except Closed:
            why = self._why
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            why = one_line(error)
        self._channel.close(discard=True)
        try:
            self.sink.close()
            if self._overlay is not None:
                self._overlay.close()
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything
            why = why or one_line(error)
        if why is not None:
            self.broken = True
            self._failed(self, why)

    def _drawn(self, item: Item) -> Item:
        if self._overlay is None:
            return item
        try:
            [drawn] = self._overlay.process([item])
        except Exception as error:
            if self._lossless:
                raise
            # One odd box must not end a rendition and send its viewers away.
            self._troubled(one_line(error))
            return item
        return drawn
