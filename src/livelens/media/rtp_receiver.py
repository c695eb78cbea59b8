"""Receiving the video of one publisher: from RTP packets to pictures.

Packets are handled on the loop thread, as they arrive; decoding has a thread of its own.
What to ask the publisher for (packets again, a keyframe, a rate) is decided on a timer.
"""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from aiortc.rate import RemoteBitrateEstimator
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    clamp_packets_lost,
    pack_remb_fci,
)

from livelens.clock import NS_PER_S, RTP_CLOCK_HZ, nanoseconds, now_ns
from livelens.media.audio_clock import PublisherClock
from livelens.media.decode import DecodingThread
from livelens.media.feedback import ArrivalLog
from livelens.media.jitter import EncodedFrame, JitterBuffer, JitterCounts, NackList
from livelens.media.payload import DEPACKETISE, START_OF, VideoCodec
from livelens.media.picture import VideoPicture
from livelens.media.recent import Intervals, Throughput
from livelens.media.rtc_config import RtcConfig
from livelens.media.rtp import RtpPacket
from livelens.media.rtp_sender import NTP_EPOCH_S
from livelens.types import Captured

_TICK_S: Final = 0.025
_FEEDBACK_NS: Final = 50_000_000
_REPORT_NS: Final = NS_PER_S
_NACK_AGAIN_NS: Final = 30_000_000
_KEYFRAME_AGAIN_NS: Final = 400_000_000
# A stream that begins shows its keyframe at once: no need to ask for one at first.
_FIRST_KEYFRAME_NS: Final = 300_000_000
_SSRC_SILENT_NS: Final = 500_000_000
_TIMESTAMP_JUMP: Final = 60 * RTP_CLOCK_HZ


class _Tag(NamedTuple):
    pts_ns: int
    captured_ns: int
    ntp_ns: int | None


@dataclass(slots=True)
class ReceiverCounts:
    """What was received, and what was asked for."""

    packets: int = 0
    octets: int = 0
    rtx: int = 0
    foreign: int = 0
    nacks: int = 0
    plis: int = 0
    malformed: int = 0
    expected: int = 0
    lost: int = 0
    loss: float = 0.0
    jitter_s: float = 0.0


class VideoReceiver:
    """Receives one video stream. On the loop thread.

    Args:
        codec, payload_type: of the media.
        rtx_payload_type: of retransmissions, where agreed.
        feedback: RTCP feedback agreed on, such as "nack pli".
        transport_cc_id, abs_send_time_id: header extension ids, where agreed.
        send_rtcp: encrypts and sends.
        rtt_s: tells the round-trip time, once it is known.
        on_picture: called on the decoding thread with every picture.
        config: early release, recovery time.
        ssrc: our own, in reports.
        clock: is told when pictures of which date arrive; None when nobody asks it.
    """

    def __init__(
        self,
        *,
        codec: VideoCodec,
        payload_type: int,
        rtx_payload_type: int | None,
        feedback: frozenset[str],
        transport_cc_id: int | None,
        abs_send_time_id: int | None,
        send_rtcp: Callable[[bytes], bool],
        rtt_s: Callable[[], float | None],
        on_picture: Callable[[Captured], None],
        config: RtcConfig,
        ssrc: int,
        clock: PublisherClock | None = None,
    ) -> None:
        self.counts = ReceiverCounts()
        self.throughput = Throughput()
        self.keyframe_intervals = Intervals()
        self._loop = asyncio.get_running_loop()
        self._codec = codec
        self._payload_type = payload_type
        self._rtx_payload_type = rtx_payload_type
        self._feedback = feedback
        self._transport_cc_id = transport_cc_id
        self._abs_send_time_id = abs_send_time_id
        self._send_rtcp = send_rtcp
        self._rtt_s = rtt_s
        self._on_picture = on_picture
        self._config = config
        self._ssrc = ssrc
        self._clock = clock
        self._media_ssrc: int | None = None
        self._jitter_counts = JitterCounts()
        self._arrivals = ArrivalLog(ssrc)
        self._estimator = RemoteBitrateEstimator() if self._needs_estimate() else None
        self._estimate_bps: int | None = None
        self._decoding: DecodingThread[_Tag] = DecodingThread(
            codec, self._decoded, self._trouble, name="decode-publisher"
        )
        self._closed = False
        self._fir_count = 0
        self._begin_stream()
        self._timer = self._loop.call_later(_TICK_S, self._tick)

    def _needs_estimate(self) -> bool:
        return "transport-cc" not in self._feedback and "goog-remb" in self._feedback

    def _begin_stream(self) -> None:
        """Forget everything that belongs to an SSRC."""
        self._jitter = JitterBuffer(
            START_OF[self._codec],
            early_release=self._config.early_release,
            recovery_ns=nanoseconds(self._config.recovery_s),
            counts=self._jitter_counts,
        )
        self._nacks = NackList()
        self._first_ns: int | None = None
        self._last_packet_ns = 0
        self._keyframe_asked_ns: int | None = None
        self._last_feedback_ns = 0
        self._last_report_ns = 0
        self._base_seq: int | None = None
        self._highest_seq = 0
        self._received = 0
        self._prior = (0, 0)
        self._transit: float | None = None
        self._jitter_ticks = 0.0
        self._sender_report: tuple[int, int, int, int] | None = None
        self._origin: int | None = None
        self._last_timestamp = 0
        self._last_pts_ns = -1

    @property
    def jitter_counts(self) -> JitterCounts:
        """What became of the packets and frames."""
        return self._jitter_counts

    @property
    def decoding(self) -> DecodingThread[_Tag]:
        """The decoder, for its counters."""
        return self._decoding

    def receive(self, packet: RtpPacket, arrival_ns: int, size: int) -> None:
        """Take in one packet of the publisher, `size` bytes long."""
        for key, value in packet.extensions:
            if key == self._transport_cc_id and len(value) == 2:
                self._arrivals.add(value[0] << 8 | value[1], arrival_ns)
            elif key == self._abs_send_time_id and len(value) == 3 and self._estimator:
                self._estimate(int.from_bytes(value, "big"), arrival_ns, size, packet.ssrc)
        if packet.payload_type == self._rtx_payload_type:
            self._receive_repeated(packet, arrival_ns)
        elif packet.payload_type != self._payload_type:
            self.counts.foreign += 1
        elif self._is_ours(packet.ssrc, arrival_ns):
            self._last_packet_ns = arrival_ns
            self.counts.packets += 1
            self.counts.octets += len(packet.payload)
            self.throughput.add(len(packet.payload), arrival_ns)
            self._add(packet, arrival_ns, repeated=False)

    def receive_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Take in one RTCP packet of the publisher."""
        if isinstance(packet, RtcpSrPacket) and packet.ssrc == self._media_ssrc:
            info = packet.sender_info
            ntp = info.ntp_timestamp
            unix_ns = ((ntp >> 32) - NTP_EPOCH_S) * NS_PER_S + ((ntp & 0xFFFFFFFF) * NS_PER_S >> 32)
            timestamp = self._jitter.unwrap_timestamp(info.rtp_timestamp)
            self._sender_report = (unix_ns, timestamp, ntp >> 16 & 0xFFFFFFFF, now_ns())
        elif isinstance(packet, RtcpByePacket) and self._media_ssrc in packet.sources:
            self._last_packet_ns = 0

    def close(self) -> None:
        """Stop, and end the decoding thread. `decoding.join` waits for it."""
        self._closed = True
        self._timer.cancel()
        self._decoding.close()

    def _is_ours(self, ssrc: int, arrival_ns: int) -> bool:
        if ssrc == self._media_ssrc:
            return True
        silent_ns = arrival_ns - self._last_packet_ns
        if self._media_ssrc is not None and silent_ns < _SSRC_SILENT_NS:
            self.counts.foreign += 1
            return False
        last_pts_ns = self._last_pts_ns if self._media_ssrc is not None else -1
        self._media_ssrc = ssrc
        self._begin_stream()
        self._last_pts_ns = last_pts_ns
        return True

    def _receive_repeated(self, packet: RtpPacket, arrival_ns: int) -> None:
        if len(packet.payload) < 2 or self._media_ssrc is None:
            return  # a packet that only probes the link
        self.counts.rtx += 1
        original = RtpPacket(
            self._payload_type,
            packet.marker,
            packet.payload[0] << 8 | packet.payload[1],
            packet.timestamp,
            self._media_ssrc,
            packet.payload[2:],
        )
        self._add(original, arrival_ns, repeated=True)

    def _add(self, packet: RtpPacket, arrival_ns: int, *, repeated: bool) -> None:
        if self._first_ns is None:
            self._first_ns = arrival_ns
        seq, frames = self._jitter.add(packet, arrival_ns)
        gap = self._nacks.received(seq)
        if not repeated:
            self._measure(seq, packet.timestamp, arrival_ns)
        for frame in frames:
            self._decode(frame)
        if gap:
            self._ask_for_packets(arrival_ns)

    def _measure(self, seq: int, timestamp: int, arrival_ns: int) -> None:
        """Loss and interarrival jitter (RFC 3550, A.3 and A.8)."""
        self._received += 1
        if self._base_seq is None or seq < self._base_seq - 0x4000:
            self._base_seq = self._highest_seq = seq
            self._received, self._prior = 1, (0, 0)
        self._highest_seq = max(self._highest_seq, seq)
        transit = arrival_ns * RTP_CLOCK_HZ / NS_PER_S - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < RTP_CLOCK_HZ:
                self._jitter_ticks += (difference - self._jitter_ticks) / 16
        self._transit = transit

    def _decode(self, frame: EncodedFrame) -> None:
        try:
            data = DEPACKETISE[self._codec](frame.payloads)
        except ValueError:
            self.counts.malformed += 1
            self._jitter.restart()
            return
        if frame.keyframe:
            self._keyframe_asked_ns = None
            self.keyframe_intervals.note(frame.captured_ns)
        timestamp = frame.timestamp
        step = timestamp - self._last_timestamp
        if self._origin is None or not 0 < step < _TIMESTAMP_JUMP:
            # The first frame, or a sender that set its clock anew: go on where we are.
            follows_ns = self._last_pts_ns + NS_PER_S // 30 if self._last_pts_ns >= 0 else 0
            self._origin = timestamp - follows_ns * RTP_CLOCK_HZ // NS_PER_S
        self._last_timestamp = timestamp
        pts_ns = _to_ns(timestamp - self._origin)
        self._last_pts_ns = pts_ns
        ntp_ns = None
        if self._sender_report is not None:
            unix_ns, reported, _, _ = self._sender_report
            ntp_ns = unix_ns + _to_ns(timestamp - reported)
            if self._clock is not None:
                self._clock.note(ntp_ns, frame.captured_ns)
        self._decoding.put(data, frame.keyframe, _Tag(pts_ns, frame.captured_ns, ntp_ns))

    def _decoded(self, picture: VideoPicture, tag: _Tag) -> None:
        self._on_picture(Captured(picture, tag.pts_ns, tag.captured_ns, tag.ntp_ns))

    def _trouble(self) -> None:
        """The decoder needs a keyframe to go on; on any thread."""
        if not self._closed:
            try:
                self._loop.call_soon_threadsafe(self._restart)
            except RuntimeError:
                return  # the loop has ended

    def _restart(self) -> None:
        if not self._closed:
            self._jitter.restart()
            self._ask_for_keyframe(now_ns())

    # What is asked of the publisher.

    def _tick(self) -> None:
        if self._closed:
            return
        self._timer = self._loop.call_later(_TICK_S, self._tick)
        if self._first_ns is None or self._media_ssrc is None:
            return
        now = now_ns()
        for frame in self._jitter.expire(now):
            self._decode(frame)
        self._ask_for_packets(now)
        if self._jitter.waits_for_keyframe:
            self._ask_for_keyframe(now)
        if now - self._last_feedback_ns >= _FEEDBACK_NS and len(self._arrivals):
            self._last_feedback_ns = now
            for report in self._arrivals.report(self._media_ssrc):
                self._send_rtcp(report)
        if now - self._last_report_ns >= _REPORT_NS:
            self._last_report_ns = now
            self._report(now)

    def _ask_for_packets(self, now: int) -> None:
        if not len(self._nacks):
            return
        # Asking again before an answer can be here would only have it sent twice.
        again_ns = max(_NACK_AGAIN_NS, nanoseconds(1.5 * (self._rtt_s() or 0.0)))
        lost = self._nacks.due(now, again_ns, self._jitter.floor)
        if lost and "nack" in self._feedback and self._media_ssrc is not None:
            self.counts.nacks += len(lost)
            feedback = RtcpRtpfbPacket(
                fmt=RTCP_RTPFB_NACK, ssrc=self._ssrc, media_ssrc=self._media_ssrc
            )
            feedback.lost = [seq & 0xFFFF for seq in lost]
            self._send_rtcp(bytes(feedback))

    def _ask_for_keyframe(self, now: int) -> None:
        """Ask until a keyframe comes, but not too often."""
        if self._media_ssrc is None or self._first_ns is None:
            return
        if now - self._first_ns < _FIRST_KEYFRAME_NS and not self._jitter_counts.frames:
            return
        asked_ns = self._keyframe_asked_ns
        again_ns = max(_KEYFRAME_AGAIN_NS, nanoseconds(2 * (self._rtt_s() or 0.0)))
        if asked_ns is not None and now - asked_ns < again_ns:
            return
        self._keyframe_asked_ns = now
        self.counts.plis += 1
        if "nack pli" in self._feedback or "ccm fir" not in self._feedback:
            request = RtcpPsfbPacket(
                fmt=RTCP_PSFB_PLI, ssrc=self._ssrc, media_ssrc=self._media_ssrc
            )
        else:
            self._fir_count += 1
            fci = struct.pack("!IBxxx", self._media_ssrc, self._fir_count & 0xFF)
            request = RtcpPsfbPacket(fmt=RTCP_PSFB_FIR, ssrc=self._ssrc, media_ssrc=0, fci=fci)
        self._send_rtcp(bytes(request))

    def _estimate(self, abs_send_time: int, arrival_ns: int, size: int, ssrc: int) -> None:
        assert self._estimator is not None
        update = self._estimator.add(arrival_ns // 1_000_000, abs_send_time, size, ssrc)
        if update is not None:
            self._estimate_bps = update[0]
            fci = pack_remb_fci(*update)
            remb = RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=self._ssrc, media_ssrc=0, fci=fci)
            self._send_rtcp(bytes(RtcpRrPacket(ssrc=self._ssrc)) + bytes(remb))

    def _report(self, now: int) -> None:
        """A receiver report; also refreshes the counters that it is made of."""
        counts = self.counts
        assert self._media_ssrc is not None
        if self._base_seq is None:
            return
        expected = self._highest_seq - self._base_seq + 1
        interval = expected - self._prior[0]
        lost_now = interval - (self._received - self._prior[1])
        self._prior = (expected, self._received)
        fraction = 0 if interval <= 0 or lost_now <= 0 else min(255, (lost_now << 8) // interval)
        counts.expected = expected
        counts.lost = max(0, expected - self._received)
        counts.loss = fraction / 256
        counts.jitter_s = self._jitter_ticks / RTP_CLOCK_HZ
        lsr = dlsr = 0
        if self._sender_report is not None:
            _, _, lsr, heard_ns = self._sender_report
            dlsr = (now - heard_ns) * 65_536 // NS_PER_S
        info = RtcpReceiverInfo(
            ssrc=self._media_ssrc,
            fraction_lost=fraction,
            packets_lost=clamp_packets_lost(expected - self._received),
            highest_sequence=self._highest_seq & 0xFFFFFFFF,
            jitter=int(self._jitter_ticks) & 0xFFFFFFFF,
            lsr=lsr,
            dlsr=dlsr & 0xFFFFFFFF,
        )
        self._send_rtcp(bytes(RtcpRrPacket(ssrc=self._ssrc, reports=[info])))


def _to_ns(ticks: int) -> int:
    return (ticks * NS_PER_S + RTP_CLOCK_HZ // 2) // RTP_CLOCK_HZ
