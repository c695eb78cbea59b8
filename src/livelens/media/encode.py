"""Encoding pictures for live viewers: one encoder, however many watch.

x264 and libvpx, without look-ahead and B-frames: a picture in, a picture out.
"""

import threading
from fractions import Fraction
from typing import Final, Literal

import av
import msgspec
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from livelens.clock import NS_PER_S
from livelens.errors import ConfigError
from livelens.media.cadence import Cadence
from livelens.media.payload import VideoCodec, packetise_h264, packetise_vp8
from livelens.media.picture import private_frame
from livelens.picture import Picture

# Share of a second of bitrate that a single picture may take at once: a keyframe
# is at most this large, so a viewer's link at this bitrate is never blocked longer.
_VBV_S: Final = 0.4
_MIN_SIZE_PX: Final = 16


Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
]


class EncoderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rendition is encoded with.

    Attributes:
        width_px, height_px: size; None keeps that of the picture, or with only one
            of them given its shape.
        fps: pictures per second that the bitrate is spread over; more are left out.
        bitrate_bps: held within a window of 0.4 s.
        gop_s: seconds between keyframes that nobody asked for.
        preset: of x264; faster ones cost picture quality.
        threads: of the encoder.
    """

    codec: VideoCodec = "h264"
    width_px: int | None = None
    height_px: int | None = None
    fps: float = 30.0
    bitrate_bps: int = 2_500_000
    gop_s: float = 2.0
    preset: Preset = "superfast"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("width_px", "height_px"):
            value = getattr(self, name)
            if value is not None and not _MIN_SIZE_PX <= value <= 8192:
                raise ConfigError(f"$.{name}: must be in {_MIN_SIZE_PX}..8192")
        if not 1 <= self.fps <= 240:
            raise ConfigError("$.fps: must be in 1..240")
        if not 10_000 <= self.bitrate_bps <= 200_000_000:
            raise ConfigError("$.bitrate_bps: must be in 10000..200000000")
        if self.gop_s <= 0:
            raise ConfigError("$.gop_s: must be above 0")
        if not 1 <= self.threads <= 64:
            raise ConfigError("$.threads: must be in 1..64")

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """Size in pixels, even, for a picture of this size."""
        wanted_w, wanted_h = self.width_px, self.height_px
        if wanted_w is None and wanted_h is None:
            wanted_w, wanted_h = width, height
        elif wanted_w is None:
            assert wanted_h is not None
            wanted_w = round(width * wanted_h / height)
        elif wanted_h is None:
            wanted_h = round(height * wanted_w / width)
        assert wanted_h is not None
        return max(wanted_w & ~1, _MIN_SIZE_PX), max(wanted_h & ~1, _MIN_SIZE_PX)


class EncodedPicture:
    """One encoded picture.

    Attributes:
        data: Annex B with parameter sets before each keyframe for H.264, or a VP8 frame.
        pts_ns, captured_ns: of the picture.
        width, height: in pixels, as encoded.
    """

    __slots__ = (
        "_payloads", "_picture_id", "captured_ns", "codec", "data", "height", "keyframe",
        "pts_ns", "width",
    )  # fmt: skip

    def __init__(
        self,
        data: bytes,
        codec: VideoCodec,
        pts_ns: int,
        keyframe: bool,
        width: int,
        height: int,
        captured_ns: int,
        picture_id: int = 0,
    ) -> None:
        self.data = data
        self.codec = codec
        self.pts_ns = pts_ns
        self.keyframe = keyframe
        self.width = width
        self.height = height
        self.captured_ns = captured_ns
        self._picture_id = picture_id
        self._payloads: list[bytes] | None = None

    @property
    def payloads(self) -> list[bytes]:
        """RTP payloads, made once and shared by all viewers."""
        if self._payloads is None:
            if self.codec == "h264":
                self._payloads = packetise_h264(self.data)
            else:
                self._payloads = packetise_vp8(self.data, self._picture_id)
        return self._payloads

    def __repr__(self) -> str:
        kind = "key" if self.keyframe else "delta"
        return (
            f"EncodedPicture({self.codec} {self.width}x{self.height} {kind}, "
            f"pts {self.pts_ns / NS_PER_S:.3f} s, {len(self.data)} bytes)"
        )


class Encoder:
    """Encodes the pictures of one rendition. Any thread, one at a time.

    A change of size, of the picture or in the settings, begins a new stream with a keyframe.
    So does a lasting change of the rate of pictures, that the bitrate and the distance of
    keyframes in seconds may hold for a slow stream too.
    """

    def __init__(self, settings: EncoderSettings) -> None:
        self._settings = settings
        self._context: VideoCodecContext | None = None
        self._lock = threading.Lock()
        self._count = 0
        self._picture_id = 0
        self._cadence = Cadence(settings.fps)
        self._due_ns: int | None = None
        self._last_pts_ns: int | None = None
        self._keyframe_wanted = False
        self.skipped = 0

    @property
    def settings(self) -> EncoderSettings:
        """As last set."""
        return self._settings

    def reconfigure(self, settings: EncoderSettings) -> None:
        """Use other settings from the next picture on, which becomes a keyframe."""
        with self._lock:
            if settings != self._settings:
                self._settings = settings
                self._cadence = Cadence(settings.fps)
                self._context = None
                self._due_ns = None

    def encode(
        self, picture: Picture, pts_ns: int, keyframe: bool = False, *, captured_ns: int = 0
    ) -> EncodedPicture | None:
        """Encode a picture.

        Args:
            pts_ns: media time; pictures closer together than `fps` allows are left out.
            keyframe: make it a keyframe (the next one, if this one is left out).
            captured_ns: passed on.

        Returns:
            None when the picture is left out.
        """
        with self._lock:
            self._keyframe_wanted |= keyframe
            if not self._is_due(pts_ns):
                self.skipped += 1
                return None
            width, height = self._settings.size_for(picture.width, picture.height)
            frame = private_frame(picture, width, height)
            changed = self._cadence.note(pts_ns)
            if (
                changed
                or self._context is None
                or (width, height) != (self._context.width, self._context.height)
            ):
                self._context = _open(self._settings, self._cadence.fps, width, height)
                self._count = 0
            frame.time_base = self._context.time_base
            frame.pts = self._count
            self._count += 1
            frame.pict_type = PictureType.I if self._keyframe_wanted else PictureType.NONE
            packets = self._context.encode(frame)
            if not packets:
                return None
            self._keyframe_wanted = False
            self._picture_id = (self._picture_id + 1) & 0x7FFF
            return EncodedPicture(
                b"".join(bytes(packet) for packet in packets),
                self._settings.codec,
                pts_ns,
                any(packet.is_keyframe for packet in packets),
                width,
                height,
                captured_ns,
                self._picture_id,
            )

    def leave_out(self, pts_ns: int) -> bool:
        """Whether `fps` leaves out a picture of this time, which then need not be made.

        It is counted as left out, as `encode` would.
        """
        with self._lock:
            if not self._too_soon(pts_ns):
                return False
            self._last_pts_ns = pts_ns
            self.skipped += 1
            return True

    def close(self) -> None:
        """Free the encoder; a later `encode` begins anew."""
        with self._lock:
            self._context = None

    def _too_soon(self, pts_ns: int) -> bool:
        interval_ns = round(NS_PER_S / self._settings.fps)
        due_ns, last_ns = self._due_ns, self._last_pts_ns
        if due_ns is None or last_ns is None or last_ns > pts_ns:
            return False
        # A camera's clock is not exact: half an interval early is on time.
        return pts_ns < due_ns - interval_ns // 2

    def _is_due(self, pts_ns: int) -> bool:
        interval_ns = round(NS_PER_S / self._settings.fps)
        too_soon = self._too_soon(pts_ns)
        due_ns, last_ns = self._due_ns, self._last_pts_ns
        self._last_pts_ns = pts_ns
        if too_soon:
            return False
        goes_on = due_ns is not None and last_ns is not None and last_ns <= pts_ns
        if goes_on and due_ns is not None and pts_ns < due_ns + interval_ns:
            self._due_ns = due_ns + interval_ns
            return True
        self._due_ns = pts_ns + interval_ns
        return True


def _open(settings: EncoderSettings, fps: float, width: int, height: int) -> VideoCodecContext:
    """An encoder of this size, that counts on so many pictures per second."""
    name = "libx264" if settings.codec == "h264" else "libvpx"
    context = av.CodecContext.create(name, "w")
    assert isinstance(context, VideoCodecContext)
    context.width = width
    context.height = height
    context.pix_fmt = "yuv420p"
    rate = Fraction(fps).limit_denominator(1001)
    context.framerate = rate
    context.time_base = 1 / rate
    context.bit_rate = settings.bitrate_bps
    context.gop_size = max(1, round(settings.gop_s * fps))
    context.max_b_frames = 0
    context.thread_count = settings.threads
    rates = {
        "maxrate": str(settings.bitrate_bps),
        "bufsize": str(round(settings.bitrate_bps * _VBV_S)),
    }
    if settings.codec == "h264":
        context.options = {
            **rates,
            "preset": settings.preset,
            "tune": "zerolatency",
            # Constrained baseline, which every browser decodes (42e01f and the like).
            "profile": "baseline",
            "forced-idr": "1",
            "x264-params": "repeat-headers=1:annexb=1:scenecut=0",
        }
    else:
        context.options = {
            **rates,
            "minrate": str(settings.bitrate_bps),
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "static-thresh": "1",
            "undershoot-pct": "100",
            "overshoot-pct": "15",
        }
    return context
