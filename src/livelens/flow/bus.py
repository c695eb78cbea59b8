"""Messages to whoever listens. A slow reader loses its own messages and slows nobody."""

import threading
from collections.abc import AsyncIterator
from types import TracebackType

from livelens.channel import Channel
from livelens.errors import Closed
from livelens.events import Message, Result


class Subscription:
    """One reader's bounded view of the bus. Use it as a context manager, or close it."""

    def __init__(
        self, bus: "Bus", stream_id: str | None, capacity: int, results: bool = True
    ) -> None:
        self.stream_id = stream_id
        self.results = results
        self._bus = bus
        self._channel: Channel[Message] = Channel(capacity)

    @property
    def dropped(self) -> int:
        """Messages that this reader was too slow for."""
        return self._channel.dropped

    def offer(self, message: Message) -> None:
        """Called by the bus."""
        if not self.results and isinstance(message, Result):
            return
        try:
            self._channel.put(message)
        except Closed:
            return

    def get(self, timeout_s: float | None = None) -> Message:
        """The next message, on a thread. Raises Closed, TimeoutError."""
        return self._channel.get(timeout_s)

    async def aget(self) -> Message:
        """The next message, on the event loop. Raises Closed."""
        return await self._channel.aget()

    def close(self) -> None:
        """Stop listening; a waiting reader gets Closed."""
        self._bus.leave(self)
        self._channel.close()

    async def __aiter__(self) -> AsyncIterator[Message]:
        try:
            while True:
                yield await self._channel.aget()
        except Closed:
            return

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Bus:
    """Carries messages from any thread to any number of readers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._everything: tuple[Subscription, ...] = ()
        self._by_stream: dict[str, tuple[Subscription, ...]] = {}

    def subscribe(
        self, stream_id: str | None = None, *, capacity: int = 64, results: bool = True
    ) -> Subscription:
        """Listen to one stream, or to all with None; without `results`, to problems and states."""
        subscription = Subscription(self, stream_id, capacity, results)
        with self._lock:
            if stream_id is None:
                self._everything += (subscription,)
            else:
                self._by_stream[stream_id] = (*self._by_stream.get(stream_id, ()), subscription)
        return subscription

    def has_readers(self, stream_id: str) -> bool:
        """Whether a result of this stream would reach anybody; making one costs time."""
        return any(s.results for s in self._everything) or any(
            s.results for s in self._by_stream.get(stream_id, ())
        )

    def publish(self, message: Message) -> None:
        """Give a message to all who listen to its stream. Never waits."""
        for subscription in self._everything:
            subscription.offer(message)
        for subscription in self._by_stream.get(message.stream, ()):
            subscription.offer(message)

    def leave(self, subscription: Subscription) -> None:
        """Forget a subscription. Called by `Subscription.close`."""
        with self._lock:
            if subscription.stream_id is None:
                self._everything = tuple(s for s in self._everything if s is not subscription)
                return
            mine = self._by_stream.get(subscription.stream_id, ())
            left = tuple(s for s in mine if s is not subscription)
            if left:
                self._by_stream[subscription.stream_id] = left
            else:
                self._by_stream.pop(subscription.stream_id, None)

    def close_stream(self, stream_id: str) -> None:
        """The stream is gone: its readers get Closed."""
        with self._lock:
            gone = self._by_stream.pop(stream_id, ())
        for subscription in gone:
            subscription.close()

    def close(self) -> None:
        """Nothing more will be said: all readers get Closed, once they have read the rest."""
        with self._lock:
            gone = self._everything + tuple(s for each in self._by_stream.values() for s in each)
            self._everything, self._by_stream = (), {}
        for subscription in gone:
            subscription.close()
