"""Peers over real UDP, DTLS and SRTP, with a programmable network in between."""

import asyncio
import itertools
import struct
import threading
from collections.abc import Awaitable, Callable

import aiortc.rtcrtpsender
import av
import numpy as np
import psutil
import pytest
from aioice import stun
from aiortc import RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from livelens.clock import rtp_timestamp
from livelens.errors import BadSdp, CapacityError
from livelens.media.encode import EncodedPicture, Encoder, EncoderSettings
from livelens.media.payload import VideoCodec
from livelens.media.peer import Peer
from livelens.media.rtc_config import RtcConfig
from livelens.picture import ArrayPicture
from livelens.types import Captured
from tests.media.remote import Counting, Network, blocks, connect, connection, prefer

LOCAL = RtcConfig(bind_hosts=["127.0.0.1"])
FRAME_NS = 33_333_333


class Collector:
    """Takes pictures on the decoding thread; waited for on the loop."""

    def __init__(self) -> None:
        self.captured: list[Captured] = []
        self._loop = asyncio.get_running_loop()
        self._more = asyncio.Event()

    def __call__(self, captured: Captured) -> None:
        self.captured.append(captured)
        self._loop.call_soon_threadsafe(self._more.set)

    async def until(self, enough: Callable[[list[Captured]], bool], timeout_s: float = 20) -> None:
        async with asyncio.timeout(timeout_s):
            while not enough(self.captured):
                self._more.clear()
                await self._more.wait()


class Broadcast:
    """Encodes a moving picture 30 times a second for a viewer."""

    def __init__(self, codec: VideoCodec = "h264", size: tuple[int, int] = (640, 360)) -> None:
        self.peer: Peer | None = None
        self.sent: list[EncodedPicture] = []
        self.keyframe_requests = 0
        self._wanted = False
        self._noise = blocks(size)
        self._encoder = Encoder(EncoderSettings(codec=codec, bitrate_bps=2_000_000, gop_s=1000))
        self._task: asyncio.Task[None] | None = None

    def request_keyframe(self) -> None:
        self.keyframe_requests += 1
        self._wanted = True

    def start(self, peer: Peer) -> None:
        self.peer = peer
        self._task = asyncio.create_task(self._run(peer))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self, peer: Peer) -> None:
        number = 0
        while True:
            wanted, self._wanted = self._wanted, False
            picture = ArrayPicture(np.roll(self._noise, number, axis=1))
            encoded = self._encoder.encode(picture, number * FRAME_NS, wanted)
            assert encoded is not None
            self.sent.append(encoded)
            peer.send_video(encoded)
            number += 1
            await asyncio.sleep(FRAME_NS / 1e9)


def gaps(captured: list[Captured]) -> list[int]:
    """Frames missing between pictures that follow each other."""
    stamps = [one.pts_ns for one in captured]
    return [round((b - a) / FRAME_NS) - 1 for a, b in itertools.pairwise(stamps)]


async def frames_of(track: MediaStreamTrack, count: int) -> list[av.VideoFrame]:
    frames: list[av.VideoFrame] = []
    async with asyncio.timeout(20):
        while len(frames) < count:
            frame = await track.recv()
            assert isinstance(frame, av.VideoFrame)
            frames.append(frame)
    return frames


def steps_of(frames: list[av.VideoFrame]) -> list[int]:
    stamps = [frame.pts for frame in frames if frame.pts is not None]
    assert len(stamps) == len(frames)
    return [b - a for a, b in itertools.pairwise(stamps)]


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_pictures_of_a_publisher(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Collector()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        prefer(pc, codec)
        peer = await connect(pc, lambda offer: Peer.answer(offer, LOCAL, publish=pictures))
        await pictures.until(lambda got: len(got) >= 30)
        assert peer.codec == codec.lower()
        assert peer.state == "connected"
        assert pictures.captured[0].pts_ns == 0
        assert not any(gaps(pictures.captured))
        assert (pictures.captured[0].picture.width, pictures.captured[0].picture.height) == (
            320,
            240,
        )
        assert pictures.captured[-1].captured_ns > pictures.captured[0].captured_ns
        await peer.close()


async def test_lost_packets_are_asked_for_and_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    lost: set[int] = set()

    def fate(number: int, data: bytes) -> list[int]:
        if number > 20 and number % 10 == 0:
            lost.add(number)
            return []
        return [0]

    Network(inward=fate).install(monkeypatch)
    pictures = Collector()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting((640, 480)))
        peer = await connect(pc, lambda offer: Peer.answer(offer, LOCAL, publish=pictures))
        await pictures.until(lambda got: len(got) >= 90)
        stats = peer.stats()
        assert len(lost) > 10
        assert stats.nacks >= stats.recovered > 5
        assert not any(gaps(pictures.captured))
        assert stats.dropped["lost"] == 0
        await peer.close()


async def test_reordered_and_doubled_packets_leave_no_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fate(number: int, data: bytes) -> list[int]:
        if number % 7 == 3:
            return [2]
        return [0, 0] if number % 5 == 0 else [0]

    Network(inward=fate).install(monkeypatch)
    pictures = Collector()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting((640, 480)))
        peer = await connect(pc, lambda offer: Peer.answer(offer, LOCAL, publish=pictures))
        await pictures.until(lambda got: len(got) >= 60)
        assert not any(gaps(pictures.captured))
        assert peer.stats().dropped["unauthentic_packet"] > 0  # SRTP refuses the second copy
        await peer.close()


async def test_after_a_loss_for_good_a_keyframe_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Retransmissions are lost too: what comes next must be a keyframe, and soon."""
    broken: list[int] = []

    def fate(number: int, data: bytes) -> list[int]:
        repeated = data[1] & 0x7F == rtx
        if repeated or (number > 40 and number % 100 < 3):
            broken.append(number)
            return []
        return [0]

    rtx = -1
    Network(inward=fate).install(monkeypatch)
    pictures = Collector()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting((640, 480)))
        config = RtcConfig(bind_hosts=["127.0.0.1"], recovery_s=0.1)
        peer = await connect(pc, lambda offer: Peer.answer(offer, config, publish=pictures))
        (codec,) = [line for line in peer.answer_sdp.splitlines() if "apt=" in line]
        rtx = int(codec.split(":")[1].split()[0])
        await pictures.until(lambda got: any(gaps(got)))
        count = len(pictures.captured)
        await pictures.until(lambda got: len(got) > count + 30)
        stats = peer.stats()
        assert broken
        assert stats.plis >= 1
        assert stats.keyframes >= 2
        assert stats.dropped["undecodable"] == 0  # nothing broken ever reached the decoder
        await peer.close()


async def test_sequence_numbers_and_timestamps_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aiortc.rtcrtpsender, "random_sequence_number", lambda: 65_500)
    monkeypatch.setattr(aiortc.rtcrtpsender, "random32", lambda: 2**32 - 90_000)
    pictures = Collector()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting((640, 480)))
        peer = await connect(pc, lambda offer: Peer.answer(offer, LOCAL, publish=pictures))
        await pictures.until(lambda got: len(got) >= 60)
        assert not any(gaps(pictures.captured))
        assert peer.stats().packets > 36
        await peer.close()


@pytest.mark.parametrize("codec", ["H264", "VP8"])
async def test_a_viewer_gets_pictures_with_our_timestamps(
    codec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broadcast = Broadcast("h264" if codec == "H264" else "vp8")
    async with connection(monkeypatch) as pc:
        pc.addTransceiver("video", "recvonly")
        prefer(pc, codec)
        peer = await connect(
            pc,
            lambda offer: Peer.answer(
                offer, LOCAL, watch=True, on_keyframe_request=broadcast.request_keyframe
            ),
        )
        broadcast.start(peer)
        frames = await frames_of(pc.getReceivers()[0].track, 30)
        assert peer.codec == codec.lower()
        assert broadcast.keyframe_requests >= 1
        assert (frames[0].width, frames[0].height) == (640, 360)
        # aiortc counts pts from the first timestamp that it gets.
        stamps = [rtp_timestamp(one.pts_ns) for one in broadcast.sent]
        steps = {b - a for a, b in itertools.pairwise(stamps)}
        assert set(steps_of(frames)) <= steps
        await broadcast.stop()
        await peer.close()


async def test_a_viewer_gets_lost_packets_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Network(outward=lambda number, _: [] if number > 30 and number % 9 == 0 else [0]).install(
        monkeypatch
    )
    broadcast = Broadcast()
    async with connection(monkeypatch) as pc:
        pc.addTransceiver("video", "recvonly")
        peer = await connect(
            pc,
            lambda offer: Peer.answer(
                offer, LOCAL, watch=True, on_keyframe_request=broadcast.request_keyframe
            ),
        )
        broadcast.start(peer)
        frames = await frames_of(pc.getReceivers()[0].track, 60)
        stats = peer.stats()
        assert stats.nacks >= stats.recovered > 5
        assert set(steps_of(frames)) == {3000}
        await broadcast.stop()
        await peer.close()


async def test_messages_both_ways_and_a_slow_reader_loses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = RtcConfig(bind_hosts=["127.0.0.1"], message_buffer_bytes=1000)
    heard: asyncio.Queue[str] = asyncio.Queue()
    got: asyncio.Queue[str] = asyncio.Queue()
    async with connection(monkeypatch) as pc:
        channel = pc.createDataChannel("results", ordered=False, maxRetransmits=0)
        channel.on("message", got.put_nowait)
        opened = asyncio.Event()
        channel.on("open", opened.set)
        peer = await connect(
            pc, lambda offer: Peer.answer(offer, config, watch=True, on_message=heard.put_nowait)
        )
        assert not peer.send_message("too early") or opened.is_set()
        await asyncio.wait_for(opened.wait(), 10)
        channel.send("hello")
        assert await asyncio.wait_for(heard.get(), 10) == "hello"
        assert peer.send_message("result")
        assert await asyncio.wait_for(got.get(), 10) == "result"
        sent = [peer.send_message("x" * 400) for _ in range(10)]
        assert sent[:2] == [True, True]
        assert not sent[-1]
        assert peer.stats().messages_dropped >= 8
        await peer.close()


async def settled(before: tuple[int, int, int]) -> None:
    """Wait until no more is in use than before."""
    async with asyncio.timeout(5):
        while any(now > then for now, then in zip(resources(), before, strict=True)):  # noqa: ASYNC110
            # Nothing tells when the last socket or task is gone.
            await asyncio.sleep(0.01)


def resources() -> tuple[int, int, int]:
    """Sockets, threads, tasks."""
    sockets = len(psutil.Process().net_connections("udp"))
    threads = [one for one in threading.enumerate() if one.name.startswith("decode")]
    return sockets, len(threads), len(asyncio.all_tasks())


async def test_a_peer_that_never_comes_is_closed_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = RtcConfig(bind_hosts=["127.0.0.1"], connect_timeout_s=0.3)
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        pc.createDataChannel("results")
        await pc.setLocalDescription(await pc.createOffer())
        before = resources()
        peer = await Peer.answer(pc.localDescription.sdp, config, publish=Collector())
        assert resources() > before
        await asyncio.wait_for(peer.closed.wait(), 10)
        assert peer.state == "closed"
        assert "not connected within 0.3 s" in (peer.reason or "")
        await settled(before)


async def test_a_peer_that_vanishes_is_noticed_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = RtcConfig(bind_hosts=["127.0.0.1"], idle_timeout_s=1.0)
    pictures = Collector()
    before = resources()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        peer = await connect(pc, lambda offer: Peer.answer(offer, config, publish=pictures))
        await pictures.until(lambda got: len(got) > 3)
        # Its sockets go without a word.
        for transceiver in pc.getTransceivers():
            ice = transceiver.sender.transport.transport._connection
            for protocol in ice._protocols:
                protocol.transport.abort()
        await asyncio.wait_for(peer.closed.wait(), 10)
        assert "no longer answers" in (peer.reason or "")
    await settled(before)


async def test_a_peer_that_says_goodbye_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Collector()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        peer = await connect(pc, lambda offer: Peer.answer(offer, LOCAL, publish=pictures))
        await pictures.until(lambda got: len(got) > 3)
        await pc.close()
        await asyncio.wait_for(peer.closed.wait(), 5)
        assert "ended the session" in (peer.reason or "")


async def test_a_peer_that_hides_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without camera permission browsers offer names ending in .local instead of addresses."""
    pictures = Collector()

    def hidden(offer: str) -> Awaitable[Peer]:
        lines = [
            line.replace(" 127.0.0.1 ", " 2d1c7f0a-5b1e-4c5e-9f0e-0123456789ab.local ")
            if line.startswith("a=candidate")
            else line
            for line in offer.splitlines()
        ]
        return Peer.answer("\r\n".join(lines), LOCAL, publish=pictures)

    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        peer = await connect(pc, hidden)
        await pictures.until(lambda got: len(got) > 3)
        assert peer.state == "connected"
        await peer.close()


async def test_a_false_certificate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Collector()

    def forged(offer: str) -> Awaitable[Peer]:
        lines = [
            line[:-2] + ("00" if line[-2:] != "00" else "01")
            if line.startswith("a=fingerprint")
            else line
            for line in offer.splitlines()
        ]
        return Peer.answer("\r\n".join(lines), LOCAL, publish=pictures)

    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        await pc.setLocalDescription(await pc.createOffer())
        peer = await forged(pc.localDescription.sdp)
        await pc.setRemoteDescription(RTCSessionDescription(peer.answer_sdp, "answer"))
        await asyncio.wait_for(peer.closed.wait(), 10)
        assert "no connection came about" in (peer.reason or "")
        assert pictures.captured == []


async def test_ports_come_from_the_range_until_it_is_used_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = RtcConfig(bind_hosts=["127.0.0.1"], udp_ports=(47_310, 47_311))
    async with connection(monkeypatch) as pc:
        pc.addTransceiver("video", "recvonly")
        await pc.setLocalDescription(await pc.createOffer())
        offer = pc.localDescription.sdp
        peers = [await Peer.answer(offer, config, watch=True) for _ in range(2)]
        ports = {
            int(line.split()[5])
            for peer in peers
            for line in peer.answer_sdp.splitlines()
            if line.startswith("a=candidate")
        }
        assert ports == {47_310, 47_311}
        sockets = resources()[0]
        with pytest.raises(CapacityError, match=r"47310-47311 are in use on 127\.0\.0\.1"):
            await Peer.answer(offer, config, watch=True)
        assert resources()[0] == sockets
        for peer in peers:
            await peer.close()


async def test_advertised_hosts_are_offered_first(monkeypatch: pytest.MonkeyPatch) -> None:
    config = RtcConfig(bind_hosts=["127.0.0.1"], advertised_hosts=["192.0.2.7"])
    async with connection(monkeypatch) as pc:
        pc.addTransceiver("video", "recvonly")
        await pc.setLocalDescription(await pc.createOffer())
        peer = await Peer.answer(pc.localDescription.sdp, config, watch=True)
        hosts = [
            line.split()[4]
            for line in peer.answer_sdp.splitlines()
            if line.startswith("a=candidate")
        ]
        assert hosts == ["192.0.2.7", "127.0.0.1"]
        await peer.close()


async def test_noise_on_the_port_disturbs_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = Collector()
    async with connection(monkeypatch) as pc:
        pc.addTrack(Counting())
        peer = await connect(pc, lambda offer: Peer.answer(offer, LOCAL, publish=pictures))
        path = peer.stats().path
        assert path is not None
        port = int(path.split(" -> ")[0].rpartition(":")[2])
        loop = asyncio.get_running_loop()
        noise, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=("127.0.0.1", port)
        )
        random = np.random.default_rng(4)
        for first in range(256):
            noise.sendto(bytes([first]) + random.bytes(int(random.integers(0, 1400))))
        noise.sendto(b"")
        noise.sendto(b"\x80\x60" + bytes(3000))
        raised: list[dict[str, object]] = []
        loop.set_exception_handler(lambda _, context: raised.append(context))
        for kind in stun.ATTRIBUTES_BY_TYPE:  # each of them with every wrong length
            for length in range(0, 24):
                attribute = struct.pack("!HH", kind, length) + random.bytes(length + -length % 4)
                header = struct.pack("!HHI", 1, len(attribute), stun.COOKIE) + random.bytes(12)
                noise.sendto(header + attribute)
        count = len(pictures.captured)
        await pictures.until(lambda got: len(got) > count + 10)
        assert raised == [], "the loop was bothered with it"
        assert peer._ice.malformed > 50
        assert peer.state == "connected"
        noise.close()
        await peer.close()


async def test_trickled_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connection(monkeypatch) as pc:
        pc.addTransceiver("video", "recvonly")
        await pc.setLocalDescription(await pc.createOffer())
        lines = pc.localDescription.sdp.splitlines()
        offer = "\r\n".join(line for line in lines if not line.startswith("a=candidate"))
        found = "\r\n".join(line for line in lines if line.startswith(("a=candidate", "a=ice-")))
        peer = await Peer.answer(offer, LOCAL, watch=True)
        with pytest.raises(BadSdp, match="ICE restart"):
            await peer.add_candidates("a=ice-ufrag:other")
        await peer.add_candidates(found)
        assert peer._ice.remote_candidates
        for first in range(0, 400, 50):
            ports = range(20_000 + first, 20_050 + first)
            lines = [f"a=candidate:1 1 udp 1 127.0.0.1 {port} typ host" for port in ports]
            await peer.add_candidates("\r\n".join([*found.splitlines(), *lines]))
        assert len(peer._ice.remote_candidates) <= 100
        await peer.close()
