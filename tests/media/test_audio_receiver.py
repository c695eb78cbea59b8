"""The receiver of sound, fed packet by packet; its clock on the wire is made up."""

import itertools
import random
import struct

import pytest
from aiortc.rtp import RtcpByePacket, RtcpPacket, RtcpRrPacket, RtcpSenderInfo, RtcpSrPacket

from livelens.clock import NS_PER_S
from livelens.media.audio_clock import PublisherClock
from livelens.media.audio_receiver import AudioPacket, AudioReceiver
from livelens.media.rtp import RtpPacket
from livelens.media.rtp_sender import ntp_time

MS = 1_000_000
OPUS = b"\x78" + b"sound" * 10


class Microphone:
    """A publisher's side of the wire."""

    def __init__(self, *, seq: int = 100, timestamp: int = 5000, ssrc: int = 7) -> None:
        self.heard: list[AudioPacket] = []
        self.rtcp: list[bytes] = []
        self.clock = PublisherClock()
        self.receiver = AudioReceiver(
            send_rtcp=self._rtcp, on_packet=self.heard.append, clock=self.clock, ssrc=1
        )
        self.seq, self.timestamp, self.ssrc = seq, timestamp, ssrc
        self.now = 1000 * NS_PER_S

    def _rtcp(self, data: bytes) -> bool:
        self.rtcp.append(data)
        return True

    def pause(self, ms: int) -> None:
        """Time in which nothing is sent (DTX)."""
        self.now += ms * MS
        self.timestamp += ms * 48

    def make(self, payload: bytes = OPUS, **fields: int) -> RtpPacket:
        seq = fields.get("seq", self.seq) & 0xFFFF
        timestamp = fields.get("timestamp", self.timestamp) & 0xFFFFFFFF
        return RtpPacket(111, False, seq, timestamp, fields.get("ssrc", self.ssrc), payload)

    def send(self, count: int = 1, *, lost: bool = False, payload: bytes = OPUS) -> None:
        for _ in range(count):
            if not lost:
                self.receiver.receive(self.make(payload), self.now)
            self.seq += 1
            self.pause(20)

    @property
    def dropped(self) -> dict[str, int]:
        return dict(self.receiver.counts.dropped)

    def reports(self) -> list[RtcpRrPacket]:
        parsed = [packet for data in self.rtcp for packet in RtcpPacket.parse(data)]
        return [packet for packet in parsed if isinstance(packet, RtcpRrPacket)]


def steps(heard: list[AudioPacket]) -> set[tuple[int, int]]:
    return {(b.seq - a.seq, b.timestamp - a.timestamp) for a, b in itertools.pairwise(heard)}


def test_packets_are_handed_on_as_they_come() -> None:
    one = Microphone()
    one.send(100)
    assert steps(one.heard) == {(1, 960)}
    assert {packet.payload for packet in one.heard} == {OPUS}
    assert len({id(packet.source) for packet in one.heard}) == 1
    assert one.heard[5].captured_ns == 1000 * NS_PER_S + 5 * 20 * MS
    assert one.dropped == {}


def test_numbers_wrap() -> None:
    one = Microphone(seq=65_530, timestamp=2**32 - 3000)
    one.send(50)
    assert steps(one.heard) == {(1, 960)}
    assert len({id(packet.source) for packet in one.heard}) == 1


def test_what_is_lost_is_a_gap_and_is_reported() -> None:
    one = Microphone()
    for _ in range(30):
        one.send(9)
        one.send(lost=True)
    assert steps(one.heard) == {(1, 960), (2, 1920)}
    report = one.reports()[-1].reports[0]
    assert (report.ssrc, one.reports()[-1].ssrc) == (7, 1)
    assert report.fraction_lost == pytest.approx(25, abs=8)
    assert one.receiver.counts.lost == pytest.approx(27, abs=3)
    assert one.receiver.counts.loss == pytest.approx(0.1, abs=0.03)


def test_packets_out_of_order_are_handed_on_but_none_from_before_the_beginning() -> None:
    one = Microphone()
    early = one.make(seq=98)
    one.send(5)
    one.receiver.receive(early, one.now)
    late = one.make(seq=105, timestamp=5000 + 5 * 960)
    one.seq += 1
    one.pause(20)
    one.send()
    one.receiver.receive(late, one.now)
    assert [packet.seq for packet in one.heard] == [100, 101, 102, 103, 104, 106, 105]
    assert one.heard[-1].timestamp == 5000 + 5 * 960
    assert one.dropped == {"late": 1}


def test_silence_is_no_loss() -> None:
    """With DTX a microphone sends a packet now and then while nobody speaks."""
    one = Microphone()
    for _ in range(20):
        one.send()
        one.pause(380)
    one.send(100)
    assert {step for step, _ in steps(one.heard)} == {1}
    assert len({id(packet.source) for packet in one.heard}) == 1
    assert one.receiver.counts.lost == 0


def test_another_ssrc_takes_over_once_the_first_is_silent() -> None:
    one = Microphone()
    one.send(10)
    one.receiver.receive(one.make(ssrc=8, seq=5), one.now)
    assert one.dropped == {"foreign": 1}
    one.pause(600)
    one.ssrc, one.seq, one.timestamp = 8, 40_000, 9
    one.send(10)
    assert len(one.heard) == 20
    assert len({id(packet.source) for packet in one.heard}) == 2
    one.receiver.receive_rtcp(RtcpByePacket(sources=[8]))
    one.ssrc = 9
    one.send(1)
    assert len(one.heard) == 21, "after a goodbye the next is heard at once"


@pytest.mark.parametrize(("seq", "timestamp"), [(40_000, 0), (0, 48_000 * 600), (-5000, 0)])
def test_a_sender_that_counts_anew_is_a_new_source(seq: int, timestamp: int) -> None:
    one = Microphone(seq=10_000)
    one.send(50)
    one.seq += seq
    one.timestamp += timestamp
    one.send(50)
    assert len(one.heard) == 100
    assert len({id(packet.source) for packet in one.heard}) == 2


@pytest.mark.parametrize("pause_ms", [300, 1500, 30_000])
def test_a_clock_that_stood_still_in_a_pause_is_a_new_source(pause_ms: int) -> None:
    """Else what is told about the time of the sound would be false from here on."""
    one = Microphone()
    one.send(100)
    one.now += pause_ms * MS
    one.send(200)
    assert len(one.heard) == 300
    assert len({id(packet.source) for packet in one.heard[:100]}) == 1
    assert len({id(packet.source) for packet in one.heard[100:]}) == 1
    assert one.heard[99].source is not one.heard[100].source
    assert all(packet.dated for packet in one.heard)
    assert one.heard[-1].captured_ns == one.now - 20 * MS


def test_a_clock_that_stood_still_is_found_out_later_too() -> None:
    """The first packets after a pause may come together by chance."""
    one = Microphone()
    one.send(100)
    one.now += 5 * NS_PER_S
    one.receiver.receive(one.make(), one.now)
    one.seq, one.timestamp = one.seq + 1, one.timestamp + 960
    one.now += MS
    one.send(200)
    doubted = [n for n, packet in enumerate(one.heard) if not packet.dated]
    assert doubted == list(range(100, 152)), "nothing is told of the time for a second"
    assert one.heard[-1].captured_ns == one.now - 20 * MS


def test_packets_that_were_held_up_on_their_way_are_no_new_source() -> None:
    one = Microphone()
    one.send(100)
    stood, one.now = one.now, one.now + 3 * NS_PER_S
    for _ in range(150):  # they come all at once
        one.receiver.receive(one.make(), one.now)
        one.seq += 1
        one.timestamp += 960
    one.send(300)
    assert len({id(packet.source) for packet in one.heard}) == 1
    assert one.heard[-1].captured_ns - one.heard[0].captured_ns == pytest.approx(
        549 * 20 * MS, abs=MS
    )
    assert {packet.dated for packet in one.heard[100:230]} == {False}
    assert {packet.dated for packet in one.heard[260:]} == {True}
    assert stood < one.now


def test_the_publishers_reports_set_the_time() -> None:
    one = Microphone()
    unix_ns = 1_700_000_000 * NS_PER_S
    for number in range(40):  # pictures that take 90 ms
        one.clock.note(unix_ns + number * 33 * MS, one.now + number * 33 * MS + 90 * MS)
    one.send(10)
    info = RtcpSenderInfo(
        ntp_timestamp=ntp_time(unix_ns), rtp_timestamp=5000, packet_count=0, octet_count=0
    )
    one.receiver.receive_rtcp(RtcpSrPacket(ssrc=7, sender_info=info))
    one.send(100)
    late_ns = one.heard[-1].captured_ns - (one.now - 20 * MS)
    assert late_ns == pytest.approx(90 * MS, abs=2 * MS)
    report = one.reports()[-1].reports[0]
    assert report.lsr == ntp_time(unix_ns) >> 16 & 0xFFFFFFFF


def test_no_publisher_sends_as_much_as_he_likes() -> None:
    one = Microphone()
    for number in range(5000):  # within a second
        one.receiver.receive(one.make(seq=number, timestamp=number * 9), one.now + number * MS // 5)
    assert len(one.heard) < 450
    assert one.dropped["rate"] + len(one.heard) == 5000
    heavy = Microphone()
    heavy.send(1000, payload=bytes(1400))
    assert sum(len(packet.payload) for packet in heavy.heard) < 64_000 * 22
    assert heavy.dropped["rate"] > 0


def test_a_packet_that_only_probes_is_not_sound() -> None:
    one = Microphone()
    one.send(payload=b"")
    assert one.heard == []


def test_noise_is_survived() -> None:
    one = Microphone()
    chance = random.Random(3)
    for _ in range(3000):
        packet = RtpPacket(
            111,
            chance.random() < 0.5,
            chance.randrange(1 << 16),
            chance.randrange(1 << 32),
            chance.choice([7, 8, 9]),
            chance.randbytes(chance.randrange(40)),
        )
        one.receiver.receive(packet, one.now)
        one.now += chance.randrange(40) * MS
        if chance.random() < 0.2:
            info = RtcpSenderInfo(*struct.unpack("!QIII", chance.randbytes(20)))
            one.receiver.receive_rtcp(RtcpSrPacket(ssrc=7, sender_info=info))
    assert all(abs(packet.captured_ns - one.now) < 120 * NS_PER_S for packet in one.heard)
    assert one.rtcp
