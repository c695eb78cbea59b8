"""Results over WebRTC data channels: one reader of the bus for all viewers of a stream."""

import asyncio

from livelens.errors import Closed
from livelens.events import encoded, for_drawing
from livelens.flow.bus import Bus
from livelens.media.peer import Peer
from livelens.server.filters import EVERYTHING, Filter

_WAITING = 16


class ResultChannels:
    """Sends each message of a stream to every viewer with a data channel.

    It is encoded once for all who want the same of it.

    A viewer whose link is too slow loses messages, which his peer counts.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._peers: dict[str, dict[str, tuple[Peer, Filter]]] = {}
        self._readers: dict[str, asyncio.Task[None]] = {}

    def join(self, stream_id: str, peer: Peer, chosen: Filter = EVERYTHING) -> None:
        """Send the stream's messages to a peer, with the objects that he wants."""
        self._peers.setdefault(stream_id, {})[peer.id] = peer, chosen
        if stream_id not in self._readers:
            reader = asyncio.create_task(self._read(stream_id), name=f"results-{stream_id}")
            self._readers[stream_id] = reader

    def leave(self, stream_id: str, peer: Peer) -> None:
        """Send nothing more to a peer; unknown ones are ignored."""
        peers = self._peers.get(stream_id, {})
        peers.pop(peer.id, None)
        if not peers:
            self._peers.pop(stream_id, None)
            reader = self._readers.pop(stream_id, None)
            if reader is not None:
                reader.cancel()

    def close(self) -> None:
        """Stop sending."""
        self._peers.clear()
        for reader in self._readers.values():
            reader.cancel()
        self._readers.clear()

    async def _read(self, stream_id: str) -> None:
        with self._bus.subscribe(stream_id, capacity=_WAITING) as messages:
            try:
                while True:
                    message = for_drawing(await messages.aget())
                    texts: dict[Filter, str] = {}
                    for peer, chosen in self._peers.get(stream_id, {}).values():
                        if chosen not in texts:
                            texts[chosen] = encoded(chosen.of(message)).decode()
                        peer.send_message(texts[chosen])
            except Closed:
                self._readers.pop(stream_id, None)
