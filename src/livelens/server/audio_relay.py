"""The sound of one stream: from whoever publishes it to all who watch, as it came.

Nothing is decoded and nothing waits: a packet is sent to every viewer when it arrives.
"""

from collections import Counter
from dataclasses import dataclass, field

from livelens.media.audio_clock import audio_ticks
from livelens.media.audio_receiver import AudioPacket
from livelens.media.peer import Peer
from livelens.media.peer_stats import AudioStats


@dataclass(slots=True)
class AudioCounts:
    """Packets of a stream's sound.

    Attributes:
        received: from publishers.
        sent: to viewers, all together.
        dropped: by reason: `unsent` is for viewers who were not connected yet.
    """

    received: int = 0
    sent: int = 0
    dropped: Counter[str] = field(default_factory=Counter)


class AudioRelay:
    """Joins the sounds of publishers that come and go into one line, and sends it on.

    On the event loop.
    """

    def __init__(self) -> None:
        self.counts = AudioCounts()
        self._viewers: dict[str, Peer] = {}
        self._splice = Splice()

    @property
    def viewers(self) -> int:
        """Who gets the sound."""
        return len(self._viewers)

    def join(self, peer: Peer) -> None:
        """Send the sound to this viewer from now on."""
        self._viewers[peer.id] = peer

    def leave(self, peer: Peer) -> None:
        """Send him nothing more; does nothing when he has left already."""
        self._viewers.pop(peer.id, None)

    def take(self, packet: AudioPacket) -> None:
        """A packet of the publisher."""
        counts = self.counts
        counts.received += 1
        joined = self._splice.map(packet)
        if joined is None:
            counts.dropped["late"] += 1
            return
        for peer in self._viewers.values():
            if peer.send_audio(joined):
                counts.sent += 1
            else:
                counts.dropped["unsent"] += 1

    def add(self, stats: AudioStats | None) -> None:
        """Go on counting from what a publisher who has gone had lost."""
        self.counts.dropped.update(_dropped(stats))

    def dropped(self, publisher: AudioStats | None) -> Counter[str]:
        """Packets by reason, those of the present publisher among them; any thread."""
        return Counter(dict(self.counts.dropped)) + _dropped(publisher)


def _dropped(stats: AudioStats | None) -> Counter[str]:
    return Counter() if stats is None else Counter({**stats.dropped, "lost": stats.lost})


class Splice:
    """One line of sequence numbers and timestamps out of many sources. Pure.

    A timestamp says when its sound was captured, on a clock that begins with the first
    sound: so a viewer's idea of that clock holds when another publisher comes.
    """

    def __init__(self) -> None:
        self._source: object = None
        self._first_seq = 0
        self._seq_offset = 0
        self._timestamp_offset = 0
        self._last_seq = -1
        self._last_timestamp = -1
        self._epoch_ns: int | None = None

    def map(self, packet: AudioPacket) -> AudioPacket | None:
        """The packet as part of the line; None when it lies before its source's beginning."""
        if packet.source is not self._source:
            self._begin(packet)
        if packet.seq < self._first_seq:
            return None
        seq = packet.seq + self._seq_offset
        timestamp = packet.timestamp + self._timestamp_offset
        self._last_seq = max(self._last_seq, seq)
        self._last_timestamp = max(self._last_timestamp, timestamp)
        return packet._replace(
            source=self,
            seq=seq,
            timestamp=timestamp,
            marker=packet.marker or packet.seq == self._first_seq,
        )

    def _begin(self, packet: AudioPacket) -> None:
        if self._epoch_ns is None:
            self._epoch_ns = packet.captured_ns
        self._source = packet.source
        self._first_seq = packet.seq
        self._seq_offset = self._last_seq + 1 - packet.seq
        timestamp = max(audio_ticks(packet.captured_ns - self._epoch_ns), self._last_timestamp + 1)
        self._timestamp_offset = timestamp - packet.timestamp
