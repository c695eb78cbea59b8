"""The other end of a `Peer`: aiortc, over real UDP, DTLS and SRTP, with a network
between them that loses, doubles and delays packets by a pattern."""

import asyncio
import contextlib
import fractions
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aioice.ice
import av
import numpy as np
import pytest
from aiortc import (
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    VideoStreamTrack,
)

from livelens.clock import now_ns
from livelens.media.ice import IceConnection
from livelens.media.peer import Peer
from livelens.picture import Pixels

# Number of the packet and its bytes -> how many packets later it arrives, for every copy.
Fate = Callable[[int, bytes], list[int]]


def is_rtcp(data: bytes) -> bool:
    return 192 <= data[1] <= 223


@dataclass
class Network:
    """What happens to encrypted RTP packets, each way of one peer. RTCP always arrives."""

    inward: Fate = lambda number, data: [0]
    outward: Fate = lambda number, data: [0]
    counts: list[int] = field(default_factory=lambda: [0, 0])

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        receive, send = IceConnection.data_received, IceConnection.send_now
        held: tuple[deque[tuple[int, bytes]], deque[tuple[int, bytes]]] = (deque(), deque())

        def data_received(ice: IceConnection, data: bytes, component: int) -> None:
            if 127 < data[0] < 192 and not is_rtcp(data):
                for one in self._pass(0, self.inward, data, held[0]):
                    receive(ice, one, component)
            else:
                receive(ice, data, component)

        def send_now(ice: IceConnection, data: bytes) -> bool:
            if is_rtcp(data):
                return send(ice, data)
            for one in self._pass(1, self.outward, data, held[1]):
                send(ice, one)
            return True

        monkeypatch.setattr(IceConnection, "data_received", data_received)
        monkeypatch.setattr(IceConnection, "send_now", send_now)

    def _pass(
        self, way: int, fate: Fate, data: bytes, held: deque[tuple[int, bytes]]
    ) -> list[bytes]:
        number = self.counts[way]
        self.counts[way] += 1
        ready = []
        for delay in fate(number, data):
            if delay == 0:
                ready.append(data)
            else:
                held.append((number + delay, data))
        for _ in range(len(held)):
            due, late = held.popleft()
            if due <= number:
                ready.append(late)
            else:
                held.append((due, late))
        return ready


def blocks(size: tuple[int, int]) -> Pixels:
    """A picture of coloured squares: sharp, yet cheap to encode."""
    coarse = np.random.default_rng(2).integers(0, 255, (size[1] // 20, size[0] // 20, 3), np.uint8)
    return np.kron(coarse, np.ones((20, 20, 1), np.uint8))


class Counting(VideoStreamTrack):
    """A moving picture, 30 times a second."""

    def __init__(self, size: tuple[int, int] = (320, 240)) -> None:
        super().__init__()
        self.number = 0
        self._noise = blocks(size)

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        picture = np.roll(self._noise, self.number, axis=1)
        self.number += 1
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        frame.pts, frame.time_base = pts, fractions.Fraction(time_base)
        return frame


@dataclass
class Bottleneck:
    """A link into this side that carries so much and holds so much, media and all."""

    bps: float
    hold_s: float = 0.3
    dropped: int = 0

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        receive = IceConnection.data_received
        loop = asyncio.get_running_loop()
        free_at = 0.0

        def data_received(ice: IceConnection, data: bytes, component: int) -> None:
            nonlocal free_at
            now = loop.time()
            if free_at - now > self.hold_s:
                self.dropped += 1
                return
            free_at = max(free_at, now) + len(data) * 8 / self.bps
            loop.call_at(free_at, deliver, ice, data, component)

        def deliver(ice: IceConnection, data: bytes, component: int) -> None:
            ice.arrival_ns = now_ns()
            receive(ice, data, component)

        monkeypatch.setattr(IceConnection, "data_received", data_received)


@contextlib.asynccontextmanager
async def connection(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RTCPeerConnection]:
    """An aiortc peer on 127.0.0.1, which it leaves out by itself."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    try:
        yield pc
    finally:
        await pc.close()


def prefer(pc: RTCPeerConnection, codec: str) -> None:
    """Offer this codec alone, with retransmission."""
    capabilities = RTCRtpSender.getCapabilities("video")
    chosen = [one for one in capabilities.codecs if one.mimeType in (f"video/{codec}", "video/rtx")]
    for transceiver in pc.getTransceivers():
        transceiver.setCodecPreferences(chosen)


async def connect(pc: RTCPeerConnection, answer: Callable[[str], Awaitable[Peer]]) -> Peer:
    """Offer, have it answered, and wait until connected."""
    connected = asyncio.Event()

    def changed() -> None:
        if pc.connectionState == "connected":
            connected.set()

    pc.on("connectionstatechange", changed)
    await pc.setLocalDescription(await pc.createOffer())
    peer = await answer(pc.localDescription.sdp)
    await pc.setRemoteDescription(RTCSessionDescription(peer.answer_sdp, "answer"))
    await asyncio.wait_for(connected.wait(), 10)
    return peer
