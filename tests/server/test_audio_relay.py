"""Sound from publishers that come and go to viewers that come and go."""

from dataclasses import dataclass, field
from typing import cast

from livelens.clock import NS_PER_S
from livelens.media.audio_receiver import AudioPacket
from livelens.media.peer import Peer
from livelens.media.peer_stats import AudioStats
from livelens.server.audio_relay import AudioRelay, Splice

MS = 1_000_000


@dataclass
class Listener:
    id: str
    ready: bool = True
    heard: list[AudioPacket] = field(default_factory=list)

    def send_audio(self, packet: AudioPacket) -> bool:
        if self.ready:
            self.heard.append(packet)
        return self.ready


def packet(source: object, seq: int, timestamp: int, at_ms: float) -> AudioPacket:
    return AudioPacket(source, seq, timestamp, False, round(at_ms * MS), True, b"opus")


def test_everybody_hears_from_when_he_came_until_he_leaves() -> None:
    relay = AudioRelay()
    first, second, away = Listener("a"), Listener("b"), Listener("c", ready=False)
    for listener in (first, away):
        relay.join(cast(Peer, listener))
    source = object()
    for number in range(30):
        if number == 10:
            relay.join(cast(Peer, second))
        if number == 20:
            relay.leave(cast(Peer, first))
            relay.leave(cast(Peer, first))
        relay.take(packet(source, number, number * 960, number * 20))
    assert [one.seq for one in first.heard] == list(range(20))
    assert [one.seq for one in second.heard] == list(range(10, 30))
    assert first.heard[10] is second.heard[0], "made once, however many listen"
    assert relay.viewers == 2
    counts = relay.counts
    assert (counts.received, counts.sent) == (30, 40)
    assert relay.dropped(None) == {"unsent": 30}


def test_losses_outlive_their_publisher() -> None:
    relay = AudioRelay()
    gone = AudioStats(10, 100, lost=3, loss=0.0, jitter_s=0.0, dropped={"rate": 2})
    assert relay.dropped(gone) == {"lost": 3, "rate": 2}
    relay.add(gone)
    relay.add(None)
    assert relay.dropped(None) == {"lost": 3, "rate": 2}
    assert relay.dropped(gone) == {"lost": 6, "rate": 4}


def mapped(splice: Splice, one: AudioPacket) -> AudioPacket:
    found = splice.map(one)
    assert found is not None
    return found


def test_a_publisher_who_returns_goes_on_in_the_same_line() -> None:
    splice = Splice()
    first, second = object(), object()
    line = [
        mapped(splice, packet(first, 500 + n, 7_000_000 + n * 960, 5000 + n * 20))
        for n in range(50)
    ]
    # He is back 3 s later, and counts from elsewhere.
    line += [mapped(splice, packet(second, 9 + n, 3 + n * 960, 9000 + n * 20)) for n in range(50)]
    assert [one.seq for one in line] == list(range(100))
    assert [one.timestamp for one in line] == [
        (one.captured_ns - 5000 * MS) * 48_000 // NS_PER_S for one in line
    ], "the clock of the line holds"
    assert [n for n, one in enumerate(line) if one.marker] == [0, 50]


def test_gaps_and_disorder_stay_what_they_are() -> None:
    splice = Splice()
    source = object()
    splice.map(packet(object(), 0, 0, 0))
    numbers = [10, 11, 14, 13, 15]
    line = [mapped(splice, packet(source, n, n * 960, 100 + n * 20)) for n in numbers]
    assert [one.seq for one in line] == [1, 2, 5, 4, 6]
    assert splice.map(packet(source, 9, 9 * 960, 280)) is None, "its number is taken"


def test_a_line_never_goes_back_with_a_new_source() -> None:
    splice = Splice()
    before = mapped(splice, packet(object(), 0, 0, 1000))
    after = mapped(splice, packet(object(), 0, 0, 400))
    assert after.seq > before.seq
    assert after.timestamp > before.timestamp
