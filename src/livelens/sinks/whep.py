"""Video for browsers, by WHEP: encoded once, however many watch.

Pictures are encoded on the sink's own thread and handed to the event loop, which
gives each to every viewer's `Peer`. The encoder works only while somebody watches.
"""

import asyncio
import threading
from bisect import bisect_left
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal

import av
import msgspec

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import ConfigError, NotFound, SinkError
from livelens.media.encode import EncodedPicture, Encoder, EncoderSettings
from livelens.media.payload import VideoCodec
from livelens.media.peer import Peer, PeerStats
from livelens.media.rtc_config import RtcConfig
from livelens.picture import Picture
from livelens.sinks.keyframes import KeyframePolicy
from livelens.sinks.shots import Shots
from livelens.spec import SinkSpec
from livelens.types import Item

# A loop that is this many pictures behind gets no more: they are left out before they
# are encoded, so that no viewer misses a picture that another one builds on.
_BACKLOG = 4
_RATE_WINDOW_NS = 2 * NS_PER_S
ENCODE_BUCKETS_S: Final = (0.001, 0.002, 0.004, 0.008, 0.016, 0.033, 0.066, 0.133, 0.266)

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"]


class Whep(SinkSpec, frozen=True, kw_only=True):
    """A rendition that browsers watch at ``/whep/{stream}?rendition={name}``.

    H.264, and besides it VP8 only while a viewer without H.264 is there.

    Attributes:
        width_px, height_px: size; None keeps the picture's, or with `viewport` that of the
            largest viewport; one of them alone keeps its shape. A viewport of another shape is
            shown whole, and the rest filled up with a blurred picture.
        fps: most pictures per second.
        bitrate_bps: held within 0.4 s.
        gop_s: seconds between keyframes that nobody asked for.
        preset: of x264.
        threads: of each encoder.
    """

    width_px: int | None = None
    height_px: int | None = None
    fps: float = 30.0
    bitrate_bps: int = 2_500_000
    gop_s: float = 2.0
    preset: Preset = "superfast"
    threads: int = 1

    def __post_init__(self) -> None:
        try:
            self.encoder_settings("h264")
        except ConfigError as error:  # msgspec adds the path to a ValueError
            raise ValueError(str(error).removeprefix("$.")) from None

    def encoder_settings(self, codec: VideoCodec) -> EncoderSettings:
        """What the encoder of this codec is set to."""
        return EncoderSettings(
            codec=codec,
            width_px=self.width_px,
            height_px=self.height_px,
            fps=self.fps,
            bitrate_bps=self.bitrate_bps,
            gop_s=self.gop_s,
            preset=self.preset,
            threads=self.threads,
        )

    def open(self, stream_id: str) -> "WhepSink":
        return WhepSink(self, stream_id)


def _encoding(spec: Whep, codec: VideoCodec) -> EncoderSettings:
    """What the encoder is set to; shots come to it in the size that was asked for."""
    settings = spec.encoder_settings(codec)
    if spec.viewport is None:
        return settings
    return msgspec.structs.replace(settings, width_px=None, height_px=None)


class EncoderStats(msgspec.Struct, frozen=True):
    """What an encoder has done since its sink was opened.

    Attributes:
        pictures, keyframes, bytes: made.
        left_out: pictures above the set `fps`.
        bitrate_bps: over the last two seconds.
        encode_ms: mean over the life of the sink.
        encode_buckets: encodings no slower than each of `ENCODE_BUCKETS_S`, the rest last.
        encode_s: all encodings together.
    """

    pictures: int
    keyframes: int
    bytes: int
    left_out: int
    bitrate_bps: float
    encode_ms: float
    encode_buckets: list[int]
    encode_s: float


class WhepStats(msgspec.Struct, frozen=True):
    """A rendition at work.

    Attributes:
        viewers: sessions, connected or about to be.
        loop_dropped: pictures not encoded because the event loop had fallen behind.
        encoders: by codec.
    """

    viewers: int
    loop_dropped: int
    encoders: dict[str, EncoderStats]


@dataclass(slots=True)
class _Lane:
    """An encoder and its accounts; written by the sink's thread alone."""

    encoder: Encoder
    keyframes_due: KeyframePolicy = field(default_factory=KeyframePolicy)
    pictures: int = 0
    keyframes: int = 0
    octets: int = 0
    encode_ns: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(ENCODE_BUCKETS_S) + 1))
    recent: deque[tuple[int, int]] = field(default_factory=deque)

    def account(self, encoded: EncodedPicture | None, began_ns: int, ended_ns: int) -> None:
        """Count one call of the encoder."""
        if encoded is None:
            return
        took_ns = ended_ns - began_ns
        self.pictures += 1
        self.octets += len(encoded.data)
        self.encode_ns += took_ns
        self.buckets[bisect_left(ENCODE_BUCKETS_S, took_ns / NS_PER_S)] += 1
        self.recent.append((ended_ns, len(encoded.data)))
        while self.recent[0][0] < ended_ns - _RATE_WINDOW_NS:
            self.recent.popleft()
        if encoded.keyframe:
            self.keyframes += 1
            self.keyframes_due.made(ended_ns)

    def stats(self, now: int) -> EncoderStats:
        since_ns = now - _RATE_WINDOW_NS
        octets = sum(size for at_ns, size in list(self.recent) if at_ns >= since_ns)
        return EncoderStats(
            pictures=self.pictures,
            keyframes=self.keyframes,
            bytes=self.octets,
            left_out=self.encoder.skipped,
            bitrate_bps=octets * 8 * NS_PER_S / _RATE_WINDOW_NS,
            encode_ms=self.encode_ns / 1e6 / self.pictures if self.pictures else 0.0,
            encode_buckets=list(self.buckets),
            encode_s=self.encode_ns / NS_PER_S,
        )


@dataclass(eq=False, slots=True)
class _Seat:
    """A viewer's place: his peer, once answered, what he watches, and whether he is connected."""

    sink: "WhepSink"
    peer: Peer | None = None
    connected: bool = False

    def keyframe_requested(self) -> None:
        if self.peer is not None:
            self.sink._keyframe_requested(self)

    async def until_left(self) -> None:
        assert self.peer is not None
        await self.peer.closed.wait()
        self.sink._leave(self)


class WhepSink:
    """An open `Whep`. `put` and `close` on the sink's thread, the rest on the event loop."""

    def __init__(self, spec: Whep, stream_id: str) -> None:
        self.spec = spec
        self._shots = Shots(spec.viewport) if spec.viewport is not None else None
        self._stream_id = stream_id
        self._lanes: dict[VideoCodec, _Lane] = {}
        self._lock = threading.Lock()  # the set of lanes and the settings
        self._wanted_codecs: frozenset[VideoCodec] = frozenset()
        self._outbox: deque[EncodedPicture] = deque()
        self._loop_dropped = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seats: dict[str, _Seat] = {}  # by the peer's id
        self._closed = False
        self._endings: set[asyncio.Task[None]] = set()

    @property
    def wanted(self) -> bool:
        """Whether a connected viewer watches."""
        return bool(self._wanted_codecs)

    @property
    def viewers(self) -> int:
        """Sessions, connected or about to be."""
        return len(self._seats)

    def put(self, item: Item) -> None:
        """Encode an item's picture for all who watch.

        Raises:
            SinkError: the encoder cannot take this picture or these settings.
        """
        if len(self._outbox) >= _BACKLOG:
            self._loop_dropped += 1
            return
        frame, shots = item.frame, self._shots
        lanes = {codec: self._lane(codec) for codec in self._wanted_codecs}
        if shots is not None:  # no shot is made that no encoder takes
            lanes = {c: one for c, one in lanes.items() if not one.encoder.leave_out(frame.pts_ns)}
        if not lanes:
            return
        picture = frame.picture if shots is None else self._shot(shots, item)
        for codec, lane in lanes.items():
            began_ns = now_ns()
            try:
                encoded = lane.encoder.encode(
                    picture,
                    frame.pts_ns,
                    lane.keyframes_due.due(began_ns, frame.pts_ns),
                    captured_ns=frame.captured_ns,
                )
            except (av.error.FFmpegError, ValueError) as error:
                raise SinkError(f"the {codec} encoder failed: {error}") from None
            lane.account(encoded, began_ns, now_ns())
            if encoded is not None:
                self._hand_over(encoded)

    async def watch(self, offer_sdp: str, rtc: RtcConfig) -> Peer:
        """Answer a viewer, who then gets every picture until his peer is closed.

        Raises:
            BadSdp: the offer cannot be used.
            CapacityError: no UDP port is left.
            NotFound: the sink has been closed.
        """
        loop = self._loop = asyncio.get_running_loop()
        seat = _Seat(self)
        peer = seat.peer = await Peer.answer(
            offer_sdp, rtc, watch=True, on_keyframe_request=seat.keyframe_requested
        )
        if self._closed:
            await peer.close()
            raise NotFound(f"stream {self._stream_id!r} has ended")
        self._seats[peer.id] = seat
        ending = loop.create_task(seat.until_left(), name=f"viewer-{peer.id}")
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        return peer

    def move(self, peer: Peer, other: "WhepSink") -> None:
        """Show a viewer another rendition over the same connection. On the event loop.

        What he saw last stays until the other's first keyframe of a later time: a rendition
        that waits for analysis shows older pictures, which are left out.

        Raises:
            NotFound: he does not watch here, or the other has been closed.
        """
        seat = self._seats.get(peer.id)
        if seat is None:
            raise NotFound("there is no such session")
        if other._closed:
            raise NotFound(f"stream {self._stream_id!r} has ended")
        if other is self:
            return
        self._leave(seat)
        last_ns = peer.change_video()
        seat.sink, other._loop = other, asyncio.get_running_loop()
        other._seats[peer.id] = seat
        if seat.connected and peer.codec is not None:
            policy = other._lane(peer.codec).keyframes_due
            if last_ns is None:
                policy.request(joined=True)
            else:
                policy.request_after(last_ns)
            other._count_codecs()

    def reconfigure(self, spec: SinkSpec) -> bool:
        """Take other settings without losing a viewer; any thread.

        Returns:
            False when that is impossible and the sink has to be opened anew.
        """
        if not isinstance(spec, Whep):
            return False
        with self._lock:
            if spec.viewport != self.spec.viewport:
                self._shots = Shots(spec.viewport) if spec.viewport is not None else None
            self.spec = spec
            for codec, lane in self._lanes.items():
                lane.encoder.reconfigure(_encoding(spec, codec))
        return True

    def stats(self) -> WhepStats:
        """A snapshot of the counters; any thread."""
        now = now_ns()
        return WhepStats(
            viewers=len(self._seats),
            loop_dropped=self._loop_dropped,
            encoders={codec: lane.stats(now) for codec, lane in list(self._lanes.items())},
        )

    def peer_stats(self) -> list[PeerStats]:
        """How each viewer's link is. On the event loop."""
        return [peer.stats() for peer in self._watching()]

    def close(self) -> None:
        """End all sessions and free the encoders."""
        self._closed = True
        self._wanted_codecs = frozenset()
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has gone, and its peers with it
                self._loop.call_soon_threadsafe(self._close_peers)
        with self._lock:
            for lane in self._lanes.values():
                lane.encoder.close()

    def _shot(self, shots: Shots, item: Item) -> Picture:
        """What the virtual camera shows of an item's picture."""
        size_px = self.spec.encoder_settings("h264").size_for(*shots.see(item))
        return shots.picture(item.frame.picture, size_px)

    def _lane(self, codec: VideoCodec) -> _Lane:
        with self._lock:
            if codec not in self._lanes:
                self._lanes[codec] = _Lane(Encoder(_encoding(self.spec, codec)))
            return self._lanes[codec]

    def _hand_over(self, encoded: EncodedPicture) -> None:
        self._outbox.append(encoded)
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has gone
                self._loop.call_soon_threadsafe(self._send)

    # On the event loop.

    def _watching(self) -> list[Peer]:
        return [seat.peer for seat in self._seats.values() if seat.peer is not None]

    def _send(self) -> None:
        encoded = self._outbox.popleft()
        for peer in self._watching():
            peer.send_video(encoded)

    def _keyframe_requested(self, seat: _Seat) -> None:
        if seat.peer is None or seat.peer.id not in self._seats or seat.peer.codec is None:
            return
        # A peer asks for the first time when it is connected.
        joins, seat.connected = not seat.connected, True
        self._lane(seat.peer.codec).keyframes_due.request(joined=joins)
        if joins:
            self._count_codecs()

    def _leave(self, seat: _Seat) -> None:
        if seat.peer is not None and self._seats.pop(seat.peer.id, None) is not None:
            self._count_codecs()

    def _count_codecs(self) -> None:
        if self._closed:
            return
        before = self._wanted_codecs
        self._wanted_codecs = frozenset(
            codec
            for seat in self._seats.values()
            if seat.connected and seat.peer is not None and (codec := seat.peer.codec) is not None
        )
        for codec in before - self._wanted_codecs:
            # Not on the loop: it may have to wait for a picture that is being encoded.
            asyncio.get_running_loop().run_in_executor(None, self._lanes[codec].encoder.close)

    def _close_peers(self) -> None:
        for peer in self._watching():
            ending = asyncio.get_running_loop().create_task(peer.close())
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
