"""Receiving the microphone of one publisher: Opus packets, checked, dated, not decoded."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSrPacket,
    clamp_packets_lost,
)

from livelens.clock import NS_PER_S, now_ns
from livelens.media.audio_clock import AUDIO_CLOCK_HZ, CaptureLine, PublisherClock, media_time_ns
from livelens.media.rtp import RtpPacket, Unwrapper
from livelens.media.rtp_sender import NTP_EPOCH_S

_REPORT_NS: Final = NS_PER_S
_SSRC_SILENT_NS: Final = 500_000_000
# Opus makes at most 400 packets a second and 510 kbit/s; browsers make 50 and 32.
# Every packet is sent to every viewer, so that no publisher may send as he likes.
_MAX_PACKETS_PER_S: Final = 200
_MAX_OCTETS_PER_S: Final = 64_000
# A clock that steps further than this from the time that passed has been set anew.
_CLOCK_STEP_NS: Final = 2 * NS_PER_S
_MAX_GAP: Final = 3000
# A browser that had no microphone for a while goes on where its clock stood, which looks like
# packets held up on their way, but for these: they come all at once.
_STOOD_NS: Final = 100_000_000
_AT_ONCE_NS: Final = 8_000_000
_CONSECUTIVE: Final = 3


class AudioPacket(NamedTuple):
    """A packet of sound.

    Attributes:
        source: what seq and timestamp belong to; another one counts from elsewhere.
        seq: unwrapped.
        timestamp: 48 kHz, unwrapped.
        marker: sound begins after a pause.
        captured_ns: host time, comparable with that of pictures.
        dated: whether that is to be relied on.
        payload: one Opus packet, encoded.
    """

    source: object
    seq: int
    timestamp: int
    marker: bool
    captured_ns: int
    dated: bool
    payload: bytes


@dataclass(slots=True)
class AudioReceiverCounts:
    """What was received, and what was left out, by reason."""

    packets: int = 0
    octets: int = 0
    lost: int = 0
    loss: float = 0.0
    jitter_s: float = 0.0
    dropped: Counter[str] = field(default_factory=Counter)


class _Source:
    """One SSRC: its numbers, its clock, its losses."""

    def __init__(self, ssrc: int, packet: RtpPacket, arrival_ns: int, clock: PublisherClock):
        self.ssrc = ssrc
        self.seqs = Unwrapper(16)
        self.timestamps = Unwrapper(32)
        self.line = CaptureLine(clock)
        self.base = self.highest = self.seqs.unwrap(packet.seq)
        self.timestamp = self.timestamps.unwrap(packet.timestamp)
        self.arrival_ns = arrival_ns
        self.received = 0
        self.prior = (0, 0)
        self.jitter_ticks = 0.0
        self.transit: float | None = None
        self.report: tuple[int, int] | None = None  # the middle of its NTP time, when heard
        self.reported_ns = 0

    def goes_on(self, packet: RtpPacket, arrival_ns: int) -> bool:
        """Whether the packet can follow what came before."""
        if self.line.ended or abs(_signed(packet.seq - self.highest, 16)) > _MAX_GAP:
            return False
        media_ns = media_time_ns(_signed(packet.timestamp - self.timestamp, 32))
        strayed_ns = abs(media_ns - (arrival_ns - self.arrival_ns))
        return abs(media_ns) <= _CLOCK_STEP_NS or strayed_ns <= _CLOCK_STEP_NS

    def stood_still(self, packet: RtpPacket, arrival_ns: int) -> bool:
        """Whether time passed without packets, and not on the source's clock."""
        step = _signed(packet.seq - self.highest, 16)
        if packet.ssrc != self.ssrc or not 0 < step <= _CONSECUTIVE:
            return False
        media_ns = media_time_ns(_signed(packet.timestamp - self.timestamp, 32))
        return arrival_ns - self.arrival_ns - media_ns > _STOOD_NS


class AudioReceiver:
    """Receives one stream of Opus. On the loop thread; keeps one packet at most.

    Args:
        send_rtcp: encrypts and sends.
        on_packet: takes each packet.
        clock: of the publisher.
        ssrc: our own, in reports.
    """

    def __init__(
        self,
        *,
        send_rtcp: Callable[[bytes], bool],
        on_packet: Callable[[AudioPacket], None],
        clock: PublisherClock,
        ssrc: int,
    ) -> None:
        self.counts = AudioReceiverCounts()
        self._send_rtcp = send_rtcp
        self._on_packet = on_packet
        self._clock = clock
        self._ssrc = ssrc
        self._source: _Source | None = None
        self._held: tuple[RtpPacket, int] | None = None
        self._lost_before = 0
        self._allowed_ns = 0
        self._packets_left = float(_MAX_PACKETS_PER_S)
        self._octets_left = float(_MAX_OCTETS_PER_S)

    def receive(self, packet: RtpPacket, arrival_ns: int) -> None:
        """Take in one packet of the publisher."""
        if not packet.payload:
            return  # it only probes the link
        if not self._allows(len(packet.payload), arrival_ns):
            self.counts.dropped["rate"] += 1
            return
        source = self._source
        if self._held is not None:
            (first, came_ns), self._held = self._held, None
            if source is not None and arrival_ns - came_ns > _AT_ONCE_NS:
                self._leave(source)
            self._take(first, came_ns)
        elif source is not None and source.stood_still(packet, arrival_ns):
            self._held = packet, arrival_ns  # the next one tells why
            return
        self._take(packet, arrival_ns)

    def _take(self, packet: RtpPacket, arrival_ns: int) -> None:
        source = self._source_of(packet, arrival_ns)
        if source is None:
            self.counts.dropped["foreign"] += 1
            return
        seq = source.seqs.unwrap(packet.seq)
        timestamp = source.timestamps.unwrap(packet.timestamp)
        if seq < source.base:
            self.counts.dropped["late"] += 1
            return
        self._measure(source, seq, timestamp, arrival_ns)
        self.counts.packets += 1
        self.counts.octets += len(packet.payload)
        captured_ns = source.line.captured_ns(timestamp, arrival_ns)
        self._on_packet(
            AudioPacket(
                source,
                seq,
                timestamp,
                packet.marker,
                captured_ns,
                source.line.sure,
                packet.payload,
            )
        )
        if arrival_ns - source.reported_ns >= _REPORT_NS:
            source.reported_ns = arrival_ns
            self._report(source)

    def receive_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Take in one RTCP packet of the publisher."""
        source = self._source
        if source is None:
            return
        if isinstance(packet, RtcpSrPacket) and packet.ssrc == source.ssrc:
            ntp = packet.sender_info.ntp_timestamp
            unix_ns = ((ntp >> 32) - NTP_EPOCH_S) * NS_PER_S + ((ntp & 0xFFFFFFFF) * NS_PER_S >> 32)
            step = _signed(packet.sender_info.rtp_timestamp - source.timestamp, 32)
            source.line.report(unix_ns, source.timestamp + step)
            source.report = (ntp >> 16 & 0xFFFFFFFF, now_ns())
        elif isinstance(packet, RtcpByePacket) and source.ssrc in packet.sources:
            self._leave(source)

    def _allows(self, size: int, arrival_ns: int) -> bool:
        passed_s = max(0, arrival_ns - self._allowed_ns) / NS_PER_S
        self._allowed_ns = arrival_ns
        self._packets_left = min(
            _MAX_PACKETS_PER_S, self._packets_left + passed_s * _MAX_PACKETS_PER_S
        )
        self._octets_left = min(_MAX_OCTETS_PER_S, self._octets_left + passed_s * _MAX_OCTETS_PER_S)
        if self._packets_left < 1 or self._octets_left < size:
            return False
        self._packets_left -= 1
        self._octets_left -= size
        return True

    def _source_of(self, packet: RtpPacket, arrival_ns: int) -> _Source | None:
        """The source that a packet belongs to; None while another one is heard."""
        source = self._source
        if source is not None:
            if packet.ssrc == source.ssrc:
                if source.goes_on(packet, arrival_ns):
                    return source
            elif arrival_ns - source.arrival_ns < _SSRC_SILENT_NS:
                return None
            self._leave(source)
        self._source = _Source(packet.ssrc, packet, arrival_ns, self._clock)
        return self._source

    def _leave(self, source: _Source) -> None:
        self._lost_before += _lost(source)
        self._source = None

    def _measure(self, source: _Source, seq: int, timestamp: int, arrival_ns: int) -> None:
        """Loss and interarrival jitter (RFC 3550, A.3 and A.8)."""
        source.received += 1
        if seq >= source.highest:
            source.highest, source.timestamp, source.arrival_ns = seq, timestamp, arrival_ns
        transit = arrival_ns * AUDIO_CLOCK_HZ / NS_PER_S - timestamp
        if source.transit is not None:
            difference = abs(transit - source.transit)
            if difference < AUDIO_CLOCK_HZ:
                source.jitter_ticks += (difference - source.jitter_ticks) / 16
        source.transit = transit

    def _report(self, source: _Source) -> None:
        """A receiver report: browsers repair (FEC) as much as they hear is lost."""
        counts = self.counts
        expected = source.highest - source.base + 1
        interval = expected - source.prior[0]
        lost_now = interval - (source.received - source.prior[1])
        source.prior = (expected, source.received)
        fraction = 0 if interval <= 0 or lost_now <= 0 else min(255, (lost_now << 8) // interval)
        counts.lost = max(counts.lost, self._lost_before + _lost(source))
        counts.loss = fraction / 256
        counts.jitter_s = source.jitter_ticks / AUDIO_CLOCK_HZ
        lsr = dlsr = 0
        if source.report is not None:
            lsr, heard_ns = source.report
            dlsr = (now_ns() - heard_ns) * 65_536 // NS_PER_S
        info = RtcpReceiverInfo(
            ssrc=source.ssrc,
            fraction_lost=fraction,
            packets_lost=clamp_packets_lost(expected - source.received),
            highest_sequence=source.highest & 0xFFFFFFFF,
            jitter=int(source.jitter_ticks) & 0xFFFFFFFF,
            lsr=lsr,
            dlsr=dlsr & 0xFFFFFFFF,
        )
        self._send_rtcp(bytes(RtcpRrPacket(ssrc=self._ssrc, reports=[info])))


def _lost(source: _Source) -> int:
    return max(0, source.highest - source.base + 1 - source.received)


def _signed(difference: int, bits: int) -> int:
    """The difference of two counters of so many bits, as the shorter way round."""
    half = 1 << bits - 1
    return (difference + half) % (1 << bits) - half
