import asyncio
import sys

import pytest
from aiortc.rtp import (
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSrPacket,
    pack_remb_fci,
)

from livelens.clock import now_ns, rtp_timestamp
from livelens.media.encode import EncodedPicture
from livelens.media.payload import START_CODE, depacketise_h264
from livelens.media.rtp import RtpPacket
from livelens.media.rtp_sender import VideoSender

SSRC, RTX_SSRC = 1000, 2000


class Wire:
    def __init__(self, *, rtx: bool = True, history: int = 64) -> None:
        self.packets: list[RtpPacket] = []
        self.rtcp: list[bytes] = []
        self.keyframes = 0
        self.arrived = asyncio.Event()
        self.sender = VideoSender(
            self._rtp,
            self._rtcp,
            ssrc=SSRC,
            payload_type=102,
            rtx=(RTX_SSRC, 103) if rtx else None,
            extensions=[(5, b"\0\0\0")],
            on_keyframe_request=self._keyframe,
            history_packets=history,
        )

    def _rtp(self, data: bytes) -> bool:
        self.packets.append(RtpPacket.parse(data))
        self.arrived.set()
        return True

    def _rtcp(self, data: bytes) -> bool:
        self.rtcp.append(data)
        return True

    def _keyframe(self) -> None:
        self.keyframes += 1

    def nack(self, *lost: int) -> None:
        packet = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=SSRC)
        packet.lost = list(lost)
        self.sender.handle_rtcp(packet)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.packets) < count:
                self.arrived.clear()
                await self.arrived.wait()


def picture(number: int, *, keyframe: bool = False, size: int = 3000) -> EncodedPicture:
    unit = (b"\x65" if keyframe else b"\x41") + bytes([number % 255 + 1]) * size
    pts_ns = number * 33_333_333
    return EncodedPicture(START_CODE + unit, "h264", pts_ns, keyframe, 640, 360, now_ns())


async def test_nothing_is_sent_before_a_keyframe() -> None:
    wire = Wire()
    assert not wire.sender.send(picture(0))
    assert wire.sender.send(picture(1, keyframe=True))
    assert wire.sender.send(picture(2))
    assert {one.timestamp for one in wire.packets} == {
        rtp_timestamp(n * 33_333_333) for n in (1, 2)
    }
    assert wire.sender.counts.waiting_keyframe == 1


async def test_another_encoder_goes_on_where_the_first_left_off() -> None:
    wire = Wire()
    assert wire.sender.change() is None
    assert wire.sender.send(picture(5, keyframe=True))
    assert wire.sender.send(picture(6))
    before = len(wire.packets)
    assert wire.sender.change() == 6 * 33_333_333
    # The other's pictures are of an earlier time at first, since it waits for analysis.
    for early in (picture(4, keyframe=True), picture(6, keyframe=True), picture(7)):
        assert not wire.sender.send(early)
    assert wire.sender.send(picture(8, keyframe=True))
    assert wire.sender.send(picture(9))
    assert wire.packets[before].timestamp == rtp_timestamp(8 * 33_333_333)
    assert [one.seq for one in wire.packets] == list(range(len(wire.packets)))
    assert wire.sender.counts.waiting_keyframe == 3


async def test_packets_follow_each_other_and_the_last_is_marked() -> None:
    wire = Wire()
    wire.sender.send(picture(0, keyframe=True))
    assert [one.seq for one in wire.packets] == [0, 1, 2]
    assert [one.marker for one in wire.packets] == [False, False, True]
    assert all(one.extensions == [(5, b"\0\0\0")] for one in wire.packets)
    assert depacketise_h264([one.payload for one in wire.packets]) == picture(0, keyframe=True).data


async def test_payloads_are_shared_between_viewers() -> None:
    one, two = Wire(), Wire()
    shown = picture(0, keyframe=True)
    one.sender.send(shown)
    two.sender.send(shown)
    history = [wire.sender._history[0] for wire in (one, two)]
    assert history[0] is not None
    assert history[1] is not None
    assert history[0][3] is history[1][3]


async def test_a_large_picture_goes_out_in_bursts_and_in_order() -> None:
    wire = Wire()
    wire.sender.send(picture(0, keyframe=True, size=100_000))
    at_once = len(wire.packets)
    wire.sender.send(picture(1))
    total = 85 + 3
    assert at_once < 30
    assert len(wire.packets) == at_once
    await wire.until(total)
    assert [one.seq for one in wire.packets] == list(range(total))
    wire.sender.send(picture(2))
    assert len(wire.packets) == total + 3


async def test_lost_packets_are_sent_again_as_rtx() -> None:
    wire = Wire()
    wire.sender.send(picture(0, keyframe=True))
    original = wire.packets[1]
    wire.nack(1)
    again = wire.packets[-1]
    assert (again.ssrc, again.payload_type, again.seq) == (RTX_SSRC, 103, 0)
    assert again.payload == b"\x00\x01" + original.payload
    assert again.timestamp == original.timestamp
    wire.nack(1)
    assert wire.packets[-1] is again  # asked for twice at the same moment


async def test_without_rtx_the_packet_itself_is_sent_again() -> None:
    wire = Wire(rtx=False)
    wire.sender.send(picture(0, keyframe=True))
    wire.nack(1)
    assert (wire.packets[-1].ssrc, wire.packets[-1].seq) == (SSRC, 1)
    assert wire.packets[-1].payload == wire.packets[1].payload


async def test_what_is_too_old_is_not_sent_again() -> None:
    wire = Wire(history=16)
    for number in range(10):
        wire.sender.send(picture(number, keyframe=number == 0))
    count = len(wire.packets)
    wire.nack(2, 29)
    assert len(wire.packets) == count + 1
    assert wire.sender.counts.unavailable == 1


async def test_sequence_numbers_wrap() -> None:
    wire = Wire()
    wire.sender._seq = 65_534
    wire.sender.send(picture(0, keyframe=True))
    assert [one.seq for one in wire.packets] == [65_534, 65_535, 0]
    wire.nack(65_535, 0)
    assert [one.payload[:2] for one in wire.packets[3:]] == [b"\xff\xff", b"\x00\x00"]


@pytest.mark.parametrize(
    "packet",
    [
        RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=SSRC),
        RtcpPsfbPacket(
            fmt=RTCP_PSFB_FIR, ssrc=1, media_ssrc=0, fci=SSRC.to_bytes(4, "big") + bytes(4)
        ),
    ],
    ids=["PLI", "FIR"],
)
async def test_keyframe_requests_are_passed_on(packet: RtcpPsfbPacket) -> None:
    wire = Wire()
    wire.sender.handle_rtcp(packet)
    assert wire.keyframes == 1
    packet.media_ssrc, packet.fci = 7, bytes(8)
    wire.sender.handle_rtcp(packet)
    assert wire.keyframes == 1


async def test_reports_pair_the_clocks_and_come_back_as_statistics() -> None:
    wire = Wire()
    shown = picture(30, keyframe=True)
    wire.sender.send(shown)
    report, _ = RtcpPacket.parse(wire.rtcp[0])
    assert isinstance(report, RtcpSrPacket)
    late = report.sender_info.rtp_timestamp - rtp_timestamp(shown.pts_ns)
    assert 0 <= late < 90_000
    assert report.sender_info.packet_count == 3
    lsr = report.sender_info.ntp_timestamp >> 16 & 0xFFFFFFFF
    info = RtcpReceiverInfo(SSRC, 64, 5, 2, 900, lsr, 0)
    wire.sender.handle_rtcp(RtcpRrPacket(ssrc=1, reports=[info]))
    counts = wire.sender.counts
    assert (counts.loss, counts.jitter_s) == (0.25, 0.01)
    assert counts.rtt_s is not None
    assert counts.rtt_s < 10
    fci = pack_remb_fci(1_000_000, [SSRC])
    wire.sender.handle_rtcp(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=fci))
    assert counts.estimate_bps == 1_000_000
    wire.sender.handle_rtcp(RtcpPsfbPacket(fmt=15, ssrc=1, media_ssrc=0, fci=b"REMB\x09"))


async def test_goodbye() -> None:
    wire = Wire()
    wire.sender.close()
    assert wire.rtcp == []
    wire.sender.send(picture(0, keyframe=True, size=100_000))
    wire.sender.close()
    assert [type(one).__name__ for one in RtcpPacket.parse(wire.rtcp[-1])][-1] == "RtcpByePacket"


async def test_a_closed_sender_keeps_no_packets() -> None:
    wire = Wire()
    encoded = picture(0, keyframe=True)
    wire.sender.send(encoded)
    kept = [sys.getrefcount(payload) for payload in encoded.payloads]
    wire.sender.close()
    assert [sys.getrefcount(payload) for payload in encoded.payloads] == [n - 1 for n in kept]
    wire.nack(0)  # what comes late finds nothing
    assert wire.sender.counts.unavailable == 1
