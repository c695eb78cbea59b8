"""Sound over real UDP, DTLS and SRTP, with a network in between that loses and doubles."""

import asyncio
import itertools

import aiortc.rtcrtpsender
import av
import pytest
from aiortc import AudioStreamTrack

from livelens.media.audio_receiver import AudioPacket
from livelens.media.peer import Peer
from livelens.media.rtc_config import RtcConfig
from livelens.server.audio_relay import AudioRelay
from livelens.types import Captured
from tests.media.remote import Counting, Network, connect, connection

LOCAL = RtcConfig(bind_hosts=["127.0.0.1"])


class Ear:
    """Takes sound, and is waited for."""

    def __init__(self) -> None:
        self.heard: list[AudioPacket] = []
        self._more = asyncio.Event()

    def __call__(self, packet: AudioPacket) -> None:
        self.heard.append(packet)
        self._more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                self._more.clear()
                await self._more.wait()


def unseen(captured: Captured) -> None:
    """Pictures do not matter here."""


async def test_the_microphone_of_a_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiortc.rtcrtpsender, "random_sequence_number", lambda: 65_510)
    numbers = itertools.count(2**32 - 20_000)  # SSRCs, and where timestamps begin
    monkeypatch.setattr(aiortc.rtcrtpsender, "random32", lambda: next(numbers))
    ear = Ear()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        pc.addTrack(AudioStreamTrack())
        peer = await connect(
            pc, lambda offer: Peer.answer(offer, LOCAL, publish=unseen, on_audio=ear)
        )
        await ear.until(100)
        steps = {
            (b.seq - a.seq, b.timestamp - a.timestamp) for a, b in itertools.pairwise(ear.heard)
        }
        assert steps == {(1, 960)}
        stats = peer.stats()
        assert stats.audio is not None
        assert stats.audio.packets >= 100
        assert stats.audio.lost == 0
        assert stats.dropped["malformed"] == 0
        assert not peer.takes_audio
        await peer.close()


async def test_packets_lost_doubled_and_out_of_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def fate(number: int, data: bytes) -> list[int]:
        if len(data) > 200:  # a picture's
            return [0]
        return [] if number % 11 == 5 else [2] if number % 7 == 3 else [0, 0]

    Network(inward=fate).install(monkeypatch)
    ear = Ear()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        pc.addTrack(AudioStreamTrack())
        peer = await connect(
            pc, lambda offer: Peer.answer(offer, LOCAL, publish=unseen, on_audio=ear)
        )
        await ear.until(150)
        numbers = [packet.seq for packet in ear.heard]
        assert len(set(numbers)) == len(numbers)
        assert numbers != sorted(numbers)
        stats = peer.stats()
        assert stats.audio is not None
        assert stats.audio.lost > 3
        await peer.close()


async def test_sound_reaches_a_viewer_and_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    relay = AudioRelay()
    async with connection(monkeypatch) as camera, connection(monkeypatch) as pc:
        pc.addTransceiver("video", "recvonly")
        pc.addTransceiver("audio", "recvonly")
        viewer = await connect(pc, lambda offer: Peer.answer(offer, LOCAL, watch=True))
        assert viewer.takes_audio
        relay.join(viewer)
        camera.addTrack(Counting())
        camera.addTrack(AudioStreamTrack())
        publisher = await connect(
            camera, lambda offer: Peer.answer(offer, LOCAL, publish=unseen, on_audio=relay.take)
        )
        (track,) = [one.track for one in pc.getReceivers() if one.track.kind == "audio"]
        async with asyncio.timeout(20):
            frames = [await track.recv() for _ in range(60)]
        assert all(isinstance(frame, av.AudioFrame) for frame in frames)
        assert relay.counts.sent > 50
        stats = viewer.stats()
        assert stats.audio is not None
        assert stats.audio.packets == relay.counts.sent
        await publisher.close()
        await viewer.close()
        assert not viewer.send_audio(AudioPacket(None, 0, 0, False, 0, True, b"late"))


async def test_without_sound_nothing_of_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = RtcConfig(bind_hosts=["127.0.0.1"], audio=False)
    ear, pictures = Ear(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def seen(captured: Captured) -> None:
        loop.call_soon_threadsafe(pictures.set)

    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        pc.addTrack(AudioStreamTrack())
        peer = await connect(
            pc,
            lambda offer: Peer.answer(offer, silent, publish=seen, on_audio=ear),
        )
        await asyncio.wait_for(pictures.wait(), 20)
        assert ear.heard == []
        assert peer.stats().audio is None
        await peer.close()
