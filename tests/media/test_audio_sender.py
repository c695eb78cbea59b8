import pytest
from aiortc.rtp import (
    RtcpByePacket,
    RtcpPacket,
    RtcpReceiverInfo,
    RtcpRrPacket,
    RtcpSdesPacket,
    RtcpSrPacket,
)

from livelens.clock import NS_PER_S, now_ns, wall_ns
from livelens.media.audio_receiver import AudioPacket
from livelens.media.audio_sender import AudioSender
from livelens.media.rtp import RtpPacket
from livelens.media.rtp_sender import ntp_time

SSRC = 4000


class Wire:
    def __init__(self) -> None:
        self.packets: list[RtpPacket] = []
        self.rtcp: list[bytes] = []
        self.sender = AudioSender(
            self._rtp, self._rtcp, ssrc=SSRC, payload_type=109, extensions=[(4, b"0")]
        )

    def _rtp(self, data: bytes) -> bool:
        self.packets.append(RtpPacket.parse(data))
        return True

    def _rtcp(self, data: bytes) -> bool:
        self.rtcp.append(data)
        return True

    def send(
        self, seq: int, *, marker: bool = False, captured_ns: int | None = None, dated: bool = True
    ) -> bool:
        at_ns = now_ns() if captured_ns is None else captured_ns
        payload = b"opus%d" % seq
        return self.sender.send(AudioPacket(self, seq, seq * 960, marker, at_ns, dated, payload))


def test_each_viewer_counts_from_his_own_beginning() -> None:
    wire = Wire()
    for seq in (70_000, 70_001, 70_003, 70_002):
        wire.send(seq, marker=seq == 70_000)
    assert [packet.seq for packet in wire.packets] == [0, 1, 3, 2]
    assert [packet.marker for packet in wire.packets] == [True, False, False, False]
    assert wire.packets[2].timestamp == 70_003 * 960
    assert wire.packets[2].payload == b"opus70003"
    assert {(p.ssrc, p.payload_type) for p in wire.packets} == {(SSRC, 109)}
    assert all(packet.extensions == [(4, b"0")] for packet in wire.packets)
    assert not wire.send(69_999), "it lies before the beginning"
    assert wire.sender.counts.late == 1


def test_numbers_wrap() -> None:
    wire = Wire()
    for seq in (0, 65_535, 65_536, 2**32 // 960 + 1):
        wire.send(seq)
    assert [packet.seq for packet in wire.packets] == [0, 65_535, 0, (2**32 // 960 + 1) & 0xFFFF]
    assert wire.packets[-1].timestamp == (2**32 // 960 + 1) * 960 - 2**32


def test_reports_pair_the_wall_clock_with_the_time_of_capture() -> None:
    """A sound captured 300 ms ago is reported so, as its picture is."""
    wire = Wire()
    wire.send(50, captured_ns=now_ns() - 300_000_000)
    wire.send(51)
    (data,) = wire.rtcp  # one a second
    report, description = RtcpPacket.parse(data)
    assert isinstance(report, RtcpSrPacket)
    assert isinstance(description, RtcpSdesPacket)
    assert report.ssrc == SSRC
    ago = (report.sender_info.rtp_timestamp - 50 * 960) / 48_000
    assert ago == pytest.approx(0.3, abs=0.2)
    told_s = (report.sender_info.ntp_timestamp - ntp_time(wall_ns())) / 2**32
    assert told_s == pytest.approx(0, abs=2)
    assert report.sender_info.packet_count == 1


def test_a_time_that_is_not_sure_is_not_reported() -> None:
    wire = Wire()
    wire.send(1, captured_ns=0, dated=False)
    assert len(wire.packets) == 1
    assert wire.rtcp == []
    wire.send(2)
    assert len(wire.rtcp) == 1


def test_what_a_viewer_reports() -> None:
    wire = Wire()
    info = RtcpReceiverInfo(SSRC, 64, 12, 5, 480, 0, 0)
    wire.sender.handle_rtcp(RtcpRrPacket(ssrc=1, reports=[info]))
    counts = wire.sender.counts
    assert (counts.loss, counts.lost, counts.jitter_s) == (0.25, 12, 0.01)
    other = RtcpReceiverInfo(SSRC + 1, 0, 0, 5, 0, 0, 0)
    wire.sender.handle_rtcp(RtcpRrPacket(ssrc=1, reports=[other]))
    assert counts.loss == 0.25


def test_a_goodbye() -> None:
    wire = Wire()
    wire.sender.close()
    assert wire.rtcp == [], "nothing was sent"
    wire.send(1, captured_ns=now_ns() - NS_PER_S)
    wire.sender.close()
    parsed = RtcpPacket.parse(wire.rtcp[-1])
    assert any(isinstance(one, RtcpByePacket) and one.sources == [SSRC] for one in parsed)
