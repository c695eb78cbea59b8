"""The receiver fed packet by packet; its clock on the wire is made up."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from aiortc.rtp import (
    RTCP_PSFB_APP,
    RTCP_PSFB_FIR,
    RTCP_PSFB_PLI,
    AnyRtcpPacket,
    RtcpByePacket,
    RtcpPacket,
    RtcpPsfbPacket,
    RtcpRrPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
    unpack_remb_fci,
)

from livelens.clock import now_ns, wall_ns
from livelens.media.encode import EncodedPicture, Encoder, EncoderSettings
from livelens.media.rtc_config import RtcConfig
from livelens.media.rtp import RtpPacket
from livelens.media.rtp_receiver import VideoReceiver
from livelens.media.rtp_sender import ntp_time
from livelens.picture import ArrayPicture
from livelens.types import Captured
from tests.media.remote import blocks

SSRC = 77
ALL = frozenset({"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"})
STEP = 3000


def is_transport_feedback(data: bytes) -> bool:
    return data[1] == 205 and data[0] & 31 == 15


class Publisher:
    """A publisher's side of the wire."""

    def __init__(self, feedback: frozenset[str] = ALL, recovery_s: float = 0.2) -> None:
        self.rtcp: list[bytes] = []
        self.captured: list[Captured] = []
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._encoder = Encoder(EncoderSettings(gop_s=1000, bitrate_bps=4_000_000))
        self._number = 0
        self.seq = 0
        self.transport_seq = 0
        self.timestamp = 5000
        self.ssrc = SSRC
        self.receiver = VideoReceiver(
            codec="h264",
            payload_type=102,
            rtx_payload_type=103,
            feedback=feedback,
            transport_cc_id=3,
            abs_send_time_id=2,
            send_rtcp=self._rtcp,
            rtt_s=lambda: 0.01,
            on_picture=self._picture,
            config=RtcConfig(recovery_s=recovery_s),
            ssrc=1,
        )

    def _rtcp(self, data: bytes) -> bool:
        self.rtcp.append(data)
        self._changed.set()
        return True

    def _picture(self, captured: Captured) -> None:
        self.captured.append(captured)
        self._loop.call_soon_threadsafe(self._changed.set)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    def parsed(self) -> list[AnyRtcpPacket]:
        """All RTCP but congestion feedback, which aiortc does not read."""
        plain = [data for data in self.rtcp if not is_transport_feedback(data)]
        return [one for data in plain for one in RtcpPacket.parse(data)]

    def asked(self, fmt: int) -> list[RtcpPsfbPacket]:
        packets = self.parsed()
        return [one for one in packets if isinstance(one, RtcpPsfbPacket) and one.fmt == fmt]

    def frame(self, *, keyframe: bool = False, step: int = STEP) -> list[RtpPacket]:
        """Packets of the next picture."""
        picture = ArrayPicture(np.roll(blocks((320, 240)), 8 * self._number, axis=1))
        encoded: EncodedPicture | None = self._encoder.encode(
            picture, self._number * 33_333_333, keyframe
        )
        assert encoded is not None
        self._number += 1
        self.timestamp += step
        packets = []
        for index, payload in enumerate(encoded.payloads):
            last = index == len(encoded.payloads) - 1
            packet = RtpPacket(102, last, self.seq, self.timestamp, self.ssrc, payload)
            packet.extensions = [(3, self.transport_seq.to_bytes(2, "big"))]
            self.seq = (self.seq + 1) & 0xFFFF
            self.transport_seq = (self.transport_seq + 1) & 0xFFFF
            packets.append(packet)
        return packets

    def give(self, packets: list[RtpPacket], at_ns: int | None = None) -> None:
        for packet in packets:
            size = len(packet.payload) + 20
            self.receiver.receive(packet, now_ns() if at_ns is None else at_ns, size)


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    made = Publisher()
    yield made
    made.receiver.close()


async def test_pts_begins_at_zero_and_follows_the_rtp_clock(publisher: Publisher) -> None:
    for _ in range(3):
        publisher.give(publisher.frame())
    await publisher.until(lambda: len(publisher.captured) == 3)
    assert [one.pts_ns for one in publisher.captured] == [0, 33_333_333, 66_666_667]


async def test_arrivals_are_reported_for_congestion_control(publisher: Publisher) -> None:
    publisher.give(publisher.frame())
    await publisher.until(lambda: any(map(is_transport_feedback, publisher.rtcp)))


async def test_a_gap_is_asked_for_and_what_comes_as_rtx_fills_it(publisher: Publisher) -> None:
    publisher.give(publisher.frame())
    packets = publisher.frame(keyframe=True)
    assert len(packets) > 2
    lost = packets.pop(1)
    publisher.give(packets)
    (nack,) = RtcpPacket.parse(publisher.rtcp[-1])
    assert isinstance(nack, RtcpRtpfbPacket)
    assert nack.lost == [lost.seq]
    again = RtpPacket(
        103, lost.marker, 9, lost.timestamp, 78, lost.seq.to_bytes(2, "big") + lost.payload
    )
    publisher.give([again])
    await publisher.until(lambda: len(publisher.captured) == 2)
    assert publisher.receiver.counts.rtx == 1


async def test_a_keyframe_is_asked_for_until_it_comes(publisher: Publisher) -> None:
    publisher.give(publisher.frame())
    publisher.frame()  # lost for good
    publisher.give(publisher.frame())
    await publisher.until(lambda: len(publisher.asked(RTCP_PSFB_PLI)) >= 2)
    assert len(publisher.captured) == 1
    publisher.give(publisher.frame(keyframe=True))
    publisher.give(publisher.frame())
    await publisher.until(lambda: len(publisher.captured) == 3)
    count = len(publisher.asked(RTCP_PSFB_PLI))
    await publisher.until(lambda: any(data[1] == 201 for data in publisher.rtcp))
    assert len(publisher.asked(RTCP_PSFB_PLI)) == count


async def test_joining_in_the_middle_asks_for_a_keyframe_too(publisher: Publisher) -> None:
    publisher.frame()
    publisher.give(publisher.frame())
    await publisher.until(lambda: len(publisher.asked(RTCP_PSFB_PLI)) >= 1)
    assert publisher.captured == []


async def test_fir_where_pli_was_not_agreed_on() -> None:
    publisher = Publisher(frozenset({"ccm fir"}))
    publisher.frame()
    publisher.give(publisher.frame())
    await publisher.until(lambda: len(publisher.asked(RTCP_PSFB_FIR)) >= 1)
    assert publisher.asked(RTCP_PSFB_FIR)[0].fci[:4] == SSRC.to_bytes(4, "big")
    publisher.receiver.close()


async def test_without_transport_feedback_a_rate_is_estimated() -> None:
    publisher = Publisher(frozenset({"nack", "goog-remb"}))
    start_ns = now_ns()
    for number in range(180):
        packets = publisher.frame()
        at_ns = start_ns + number * 33_333_333
        for packet in packets:
            seconds = number / 30 % 64
            packet.extensions = [(2, int(seconds * (1 << 18)).to_bytes(3, "big"))]
        publisher.give(packets, at_ns)
    remb = publisher.asked(RTCP_PSFB_APP)
    assert remb
    rate, ssrcs = unpack_remb_fci(remb[-1].fci)
    assert rate > 10_000
    assert ssrcs == [SSRC]
    publisher.receiver.close()


async def test_the_senders_clock_reaches_the_picture(publisher: Publisher) -> None:
    publisher.give(publisher.frame())
    wall = wall_ns()
    info = RtcpSenderInfo(ntp_time(wall), publisher.timestamp, 1, 1)
    publisher.receiver.receive_rtcp(RtcpSrPacket(SSRC, info))
    publisher.give(publisher.frame())
    await publisher.until(lambda: len(publisher.captured) == 2)
    assert publisher.captured[0].ntp_ns is None
    told = publisher.captured[1].ntp_ns
    assert told is not None
    assert abs(told - (wall + 33_333_333)) < 1000


async def test_loss_is_reported(publisher: Publisher) -> None:
    publisher.give(publisher.frame())
    lost = publisher.frame()
    publisher.give(publisher.frame())
    await publisher.until(lambda: any(data[1] == 201 for data in publisher.rtcp))
    reports = [one for one in publisher.parsed() if isinstance(one, RtcpRrPacket)]
    report = reports[-1].reports[0]
    assert report.ssrc == SSRC
    assert report.packets_lost == len(lost)
    assert report.fraction_lost > 0


async def test_a_clock_set_anew_never_turns_pts_back(publisher: Publisher) -> None:
    for step in (STEP, STEP, -50_000, STEP, 1 << 30, STEP):
        publisher.give(publisher.frame(step=step))
    await publisher.until(lambda: len(publisher.captured) == 6)
    stamps = [one.pts_ns for one in publisher.captured]
    assert all(0 < b - a < 40_000_000 for a, b in itertools.pairwise(stamps))


async def test_another_ssrc_is_followed_once_the_first_is_gone(publisher: Publisher) -> None:
    publisher.give(publisher.frame())
    publisher.ssrc = SSRC + 1
    publisher.give(publisher.frame())
    assert publisher.receiver.counts.foreign > 0
    publisher.receiver.receive_rtcp(RtcpByePacket([SSRC]))
    publisher.seq = 40_000
    publisher.give(publisher.frame(keyframe=True))
    await publisher.until(lambda: len(publisher.captured) == 2)
    assert publisher.captured[1].pts_ns > publisher.captured[0].pts_ns


async def test_a_probe_is_reported_but_is_no_media(publisher: Publisher) -> None:
    publisher.give(publisher.frame())
    probe = RtpPacket(103, False, 5, 0, 78, b"")
    probe.extensions = [(3, publisher.transport_seq.to_bytes(2, "big"))]
    publisher.give([probe])
    await publisher.until(lambda: len(publisher.captured) == 1)
    assert publisher.receiver.counts.rtx == 0
