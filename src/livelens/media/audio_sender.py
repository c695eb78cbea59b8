"""Sending sound to one viewer: Opus packets as the publisher made them.

The viewer gets sequence numbers and an SSRC of his own; a packet that was lost on the way
here is a gap for him too, so that his decoder conceals it or takes it from the next packet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiortc.rtp import (
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
)

from livelens.clock import NS_PER_S, now_ns, wall_ns
from livelens.media.audio_clock import AUDIO_CLOCK_HZ, audio_ticks
from livelens.media.audio_receiver import AudioPacket
from livelens.media.rtp import HEADER, pack_extensions
from livelens.media.rtp_sender import ntp_time

_SDES_CNAME: Final = 1
_REPORT_NS: Final = NS_PER_S


@dataclass(slots=True)
class AudioSenderCounts:
    """What was sent, and what the viewer says about it."""

    packets: int = 0
    octets: int = 0
    late: int = 0
    lost: int = 0
    loss: float = 0.0
    jitter_s: float = 0.0


class AudioSender:
    """Sends the sound of a stream to one viewer. On the loop thread; keeps no packet.

    Args:
        send_rtp, send_rtcp: encrypt and send; false when there is no path.
        ssrc, payload_type: of the sound.
        extensions: header extension elements, the same in every packet.
    """

    def __init__(
        self,
        send_rtp: Callable[[bytes], bool],
        send_rtcp: Callable[[bytes], bool],
        *,
        ssrc: int,
        payload_type: int,
        extensions: list[tuple[int, bytes]],
        cname: str = "livelens",
    ) -> None:
        self.counts = AudioSenderCounts()
        self._send_rtp = send_rtp
        self._send_rtcp = send_rtcp
        self._ssrc = ssrc
        self._payload_type = payload_type
        self._cname = cname.encode()
        self._extensions = pack_extensions(extensions)
        self._first_byte = 0x80 | (0x10 if self._extensions else 0)
        self._base: int | None = None
        self._last = (0, 0)
        self._reported_ns = 0

    def send(self, packet: AudioPacket) -> bool:
        """Send a packet of one line, that is of one `source`. False, and counted, if too late."""
        if self._base is None:
            self._base = packet.seq
        seq = packet.seq - self._base
        if seq < 0:
            self.counts.late += 1
            return False
        payload_type = self._payload_type | 0x80 if packet.marker else self._payload_type
        timestamp = packet.timestamp & 0xFFFFFFFF
        header = HEADER.pack(self._first_byte, payload_type, seq & 0xFFFF, timestamp, self._ssrc)
        self._send_rtp(header + self._extensions + packet.payload)
        self.counts.packets += 1
        self.counts.octets += len(packet.payload)
        if not packet.dated:
            return True  # a report of a false time would be believed for long
        self._last = (packet.timestamp, packet.captured_ns)
        now = now_ns()
        if now - self._reported_ns >= _REPORT_NS:
            self._reported_ns = now
            self._send_rtcp(self._sender_report(now) + self._description())
        return True

    def handle_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Take in one RTCP packet of the viewer."""
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == self._ssrc:
                    self._take_report(report)

    def close(self) -> None:
        """Tell the viewer that nothing more comes."""
        if self.counts.packets:
            bye = bytes(RtcpByePacket(sources=[self._ssrc]))
            self._send_rtcp(self._sender_report(now_ns()) + self._description() + bye)

    def _take_report(self, report: RtcpReceiverInfo) -> None:
        self.counts.loss = report.fraction_lost / 256
        self.counts.lost = max(0, report.packets_lost)
        self.counts.jitter_s = report.jitter / AUDIO_CLOCK_HZ

    def _sender_report(self, now: int) -> bytes:
        """Pairs the wall clock with the clock of the sound, as the video's reports do with
        the pictures': both count from capture, so that however late a picture is shown,
        the sound of its moment waits for it."""
        timestamp, captured_ns = self._last
        info = RtcpSenderInfo(
            ntp_timestamp=ntp_time(wall_ns()),
            rtp_timestamp=timestamp + audio_ticks(now - captured_ns) & 0xFFFFFFFF,
            packet_count=self.counts.packets & 0xFFFFFFFF,
            octet_count=self.counts.octets & 0xFFFFFFFF,
        )
        return bytes(RtcpSrPacket(ssrc=self._ssrc, sender_info=info))

    def _description(self) -> bytes:
        chunk = RtcpSourceInfo(ssrc=self._ssrc, items=[(_SDES_CNAME, self._cname)])
        return bytes(RtcpSdesPacket(chunks=[chunk]))
