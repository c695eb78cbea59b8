"""Sending encoded pictures to one viewer.

Payloads are shared by all viewers of a rendition; a viewer costs its header, encryption
and the system call. The RTP timestamp is the pts itself (origin 0), so that a page can
tell which result belongs to the picture it shows.
"""

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

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
    RtcpSdesPacket,
    RtcpSenderInfo,
    RtcpSourceInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from livelens.clock import NS_PER_S, now_ns, rtp_ticks, rtp_timestamp, wall_ns
from livelens.media.clock_offset import ClockOffset
from livelens.media.encode import EncodedPicture
from livelens.media.recent import Intervals, Throughput
from livelens.media.rtp import HEADER, pack_extensions

NTP_EPOCH_S: Final = 2_208_988_800
_SDES_CNAME: Final = 1
_REPORT_NS: Final = NS_PER_S
_REPORTED_PICTURES: Final = 32
# The same packet is not repeated within this time: doubled requests cross on the way.
_REPEAT_NS: Final = 10_000_000
# No viewer may make the server send more than this many times what it sends anyway.
_MAX_RETRANSMITTED_SHARE: Final = 1.0
# A keyframe does not go out in one burst: that fills the queues of routers, and with many
# viewers holds up the loop. This is 100 Mbit/s, or 3 ms for a keyframe of 60 kB.
_BURST_PACKETS: Final = 24
_BURST_S: Final = 0.002


def ntp_time(unix_ns: int) -> int:
    """Unix time in nanoseconds as a 64-bit NTP timestamp."""
    whole, part = divmod(unix_ns, NS_PER_S)
    return (whole + NTP_EPOCH_S) << 32 | (part << 32) // NS_PER_S


@dataclass(slots=True)
class SenderCounts:
    """What was sent, and what the viewer says about it."""

    packets: int = 0
    octets: int = 0
    pictures: int = 0
    keyframes: int = 0
    retransmitted: int = 0
    nacks: int = 0
    unavailable: int = 0
    keyframe_requests: int = 0
    waiting_keyframe: int = 0
    packets_lost: int = 0
    loss: float = 0.0
    jitter_s: float = 0.0
    rtt_s: float | None = None
    estimate_bps: int | None = None


class VideoSender:
    """Sends one rendition to one viewer. On the loop thread.

    Args:
        send_rtp, send_rtcp: encrypt and send; false when there is no path.
        ssrc, payload_type: of the media.
        rtx: (ssrc, payload type) of retransmissions; None repeats the packet itself.
        extensions: header extension elements, the same in every packet.
        on_keyframe_request: called when the viewer needs a keyframe.
        history_packets: packets kept for retransmission.

    Attributes:
        counts: since the beginning.
        throughput, keyframe_intervals: of late.
    """

    def __init__(
        self,
        send_rtp: Callable[[bytes], bool],
        send_rtcp: Callable[[bytes], bool],
        *,
        ssrc: int,
        payload_type: int,
        rtx: tuple[int, int] | None,
        extensions: list[tuple[int, bytes]],
        on_keyframe_request: Callable[[], None] | None,
        history_packets: int,
        cname: str = "livelens",
    ) -> None:
        self.counts = SenderCounts()
        self.throughput = Throughput()
        self.keyframe_intervals = Intervals()
        self._send_rtp = send_rtp
        self._send_rtcp = send_rtcp
        self._ssrc = ssrc
        self._payload_type = payload_type
        self._rtx = rtx
        self._rtx_seq = 0
        self._cname = cname.encode()
        self._on_keyframe_request = on_keyframe_request
        self._extensions = pack_extensions(extensions)
        self._first_byte = 0x80 | (0x10 if self._extensions else 0)
        self._seq = 0
        # A power of two, so that the slot of a packet survives the wrap of its number.
        self._history_size = 1 << (history_packets - 1).bit_length()
        self._history: list[tuple[int, int, bool, bytes] | None] = [None] * self._history_size
        self._repeated_ns: dict[int, int] = {}
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[tuple[bytes, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._waits_for_keyframe = True
        self._last_pts_ns: int | None = None
        # Host time of pts 0. A single picture that was held up on its way must not move the
        # reports: a browser keeps sound and picture together by them.
        self._origin = ClockOffset(_REPORTED_PICTURES)
        self._reported_ns = 0

    def send(self, encoded: EncodedPicture) -> bool:
        """Send a picture. False, and counted, when it is left out."""
        counts = self.counts
        if self._waits_for_keyframe:
            if not encoded.keyframe or self._is_past(encoded.pts_ns):
                counts.waiting_keyframe += 1
                return False
            self._waits_for_keyframe = False
        self._last_pts_ns = encoded.pts_ns
        timestamp = rtp_timestamp(encoded.pts_ns)
        payloads = encoded.payloads
        pack, extensions = HEADER.pack, self._extensions
        history, mask, seq = self._history, self._history_size - 1, self._seq
        first, ssrc, payload_type = self._first_byte, self._ssrc, self._payload_type
        final = len(payloads) - 1
        unsent = self._unsent
        room = 0 if unsent else _BURST_PACKETS
        octets = 0
        for index, payload in enumerate(payloads):
            marker = index == final
            header = pack(
                first, payload_type | 0x80 if marker else payload_type, seq, timestamp, ssrc
            )
            history[seq & mask] = (seq, timestamp, marker, payload)
            if index < room:
                self._send_rtp(header + extensions + payload)
            else:
                unsent.append((header, payload))
            seq = (seq + 1) & 0xFFFF
            octets += len(payload)
        self._seq = seq
        if unsent and self._timer is None:
            self._timer = self._loop.call_later(_BURST_S, self._send_on)
        counts.packets += len(payloads)
        counts.octets += octets
        counts.pictures += 1
        counts.keyframes += encoded.keyframe
        now = now_ns()
        self._origin.note((encoded.captured_ns or now) - encoded.pts_ns, now)
        self.throughput.add(octets, now)
        if encoded.keyframe:
            self.keyframe_intervals.note(now)
        if now - self._reported_ns >= _REPORT_NS:
            self._reported_ns = now
            self._send_rtcp(self._sender_report(now) + self._description())
        return True

    def change(self) -> int | None:
        """Pictures of another encoder follow. The first to be sent is a keyframe of a later time.

        Returns:
            The pts_ns of the last picture that was sent; None before the first.
        """
        self._waits_for_keyframe = True
        return self._last_pts_ns

    def _is_past(self, pts_ns: int) -> bool:
        return self._last_pts_ns is not None and pts_ns <= self._last_pts_ns

    def _send_on(self) -> None:
        """The rest of a picture too large to go at once."""
        self._timer = None
        for _ in range(min(_BURST_PACKETS, len(self._unsent))):
            header, payload = self._unsent.popleft()
            self._send_rtp(header + self._extensions + payload)
        if self._unsent:
            self._timer = self._loop.call_later(_BURST_S, self._send_on)

    def request_keyframe(self) -> None:
        """Ask the encoder for a keyframe on behalf of this viewer."""
        self.counts.keyframe_requests += 1
        if self._on_keyframe_request is not None:
            self._on_keyframe_request()

    def handle_rtcp(self, packet: AnyRtcpPacket) -> None:
        """Take in one RTCP packet of the viewer."""
        if isinstance(packet, RtcpRrPacket | RtcpSrPacket):
            for report in packet.reports:
                if report.ssrc == self._ssrc:
                    self._take_report(report)
        elif isinstance(packet, RtcpRtpfbPacket):
            if packet.fmt == RTCP_RTPFB_NACK and packet.media_ssrc == self._ssrc:
                self._retransmit(packet.lost)
        elif isinstance(packet, RtcpPsfbPacket):
            pli = packet.fmt == RTCP_PSFB_PLI and packet.media_ssrc == self._ssrc
            if pli or (packet.fmt == RTCP_PSFB_FIR and self._is_fir_for_us(packet.fci)):
                self.request_keyframe()
            elif packet.fmt == RTCP_PSFB_APP:
                self._take_estimate(packet.fci)

    def close(self) -> None:
        """Tell the viewer that nothing more comes, and stop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unsent.clear()
        # Megabytes, which must not wait until the garbage collector comes by.
        self._history = [None] * self._history_size
        if self.counts.packets:
            self._send_rtcp(
                self._sender_report(now_ns())
                + self._description()
                + bytes(RtcpByePacket(sources=[self._ssrc]))
            )

    def _is_fir_for_us(self, fci: bytes) -> bool:
        return any(
            struct.unpack_from("!I", fci, at)[0] == self._ssrc for at in range(0, len(fci) - 7, 8)
        )

    def _take_report(self, report: RtcpReceiverInfo) -> None:
        counts = self.counts
        counts.loss = report.fraction_lost / 256
        counts.packets_lost = max(0, report.packets_lost)
        counts.jitter_s = report.jitter / 90_000
        if report.lsr:
            ntp_32 = ntp_time(wall_ns()) >> 16 & 0xFFFFFFFF
            elapsed = (ntp_32 - report.lsr - report.dlsr) & 0xFFFFFFFF
            # A clock that jumps, or a reader that lies, gives a huge number.
            if elapsed < 30 << 16:
                counts.rtt_s = elapsed / 65_536

    def _take_estimate(self, fci: bytes) -> None:
        try:
            bitrate, ssrcs = unpack_remb_fci(fci)
        except (ValueError, struct.error, IndexError):
            return
        if self._ssrc in ssrcs:
            self.counts.estimate_bps = bitrate

    def _retransmit(self, lost: list[int]) -> None:
        counts = self.counts
        now = now_ns()
        if len(self._repeated_ns) > self._history_size:
            self._repeated_ns.clear()
        for seq in lost:
            counts.nacks += 1
            slot = self._history[seq & self._history_size - 1]
            if slot is None or slot[0] != seq:
                counts.unavailable += 1
                continue
            if now - self._repeated_ns.get(seq, -_REPEAT_NS) < _REPEAT_NS:
                continue
            if counts.retransmitted > 500 + _MAX_RETRANSMITTED_SHARE * counts.packets:
                counts.unavailable += 1
                continue
            self._repeated_ns[seq] = now
            counts.retransmitted += 1
            self._repeat(slot)

    def _repeat(self, slot: tuple[int, int, bool, bytes]) -> None:
        seq, timestamp, marker, payload = slot
        bit = 0x80 if marker else 0
        if self._rtx is None:
            header = HEADER.pack(
                self._first_byte, self._payload_type | bit, seq, timestamp, self._ssrc
            )
            self._send_rtp(header + self._extensions + payload)
            return
        ssrc, payload_type = self._rtx
        header = HEADER.pack(self._first_byte, payload_type | bit, self._rtx_seq, timestamp, ssrc)
        self._rtx_seq = (self._rtx_seq + 1) & 0xFFFF
        self._send_rtp(header + self._extensions + struct.pack("!H", seq) + payload)

    def _sender_report(self, now: int) -> bytes:
        """Pairs the wall clock with the RTP clock: the pts of now is that of a picture
        captured now."""
        info = RtcpSenderInfo(
            ntp_timestamp=ntp_time(wall_ns()),
            rtp_timestamp=rtp_ticks(now - (self._origin.ns or now)) & 0xFFFFFFFF,
            packet_count=self.counts.packets & 0xFFFFFFFF,
            octet_count=self.counts.octets & 0xFFFFFFFF,
        )
        return bytes(RtcpSrPacket(ssrc=self._ssrc, sender_info=info))

    def _description(self) -> bytes:
        chunk = RtcpSourceInfo(ssrc=self._ssrc, items=[(_SDES_CNAME, self._cname)])
        return bytes(RtcpSdesPacket(chunks=[chunk]))
