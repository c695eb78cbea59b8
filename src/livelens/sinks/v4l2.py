"""Pictures for programs that want a camera: a virtual one of Linux, v4l2loopback."""

import stat
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import av
import msgspec
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from livelens.clock import RTP_CLOCK_HZ, rtp_ticks
from livelens.errors import SinkError
from livelens.media.encode import EncoderSettings
from livelens.media.picture import private_frame
from livelens.media.viewport import shown
from livelens.sinks.pace import Pace
from livelens.sinks.shots import Shots
from livelens.spec import SinkSpec
from livelens.types import Item, Viewport

_FORMAT = "v4l2"
_TIME_BASE = Fraction(1, RTP_CLOCK_HZ)
Px = Annotated[int, msgspec.Meta(ge=16, le=8192)]


class V4l2(SinkSpec, frozen=True, kw_only=True):
    """Writes raw pictures (yuv420p) to a video output device, as v4l2loopback makes them.

    A device has one size for as long as it is open: that of the first picture, or what is set.
    Pictures of another shape are shown whole, over the same picture blurred.

    Attributes:
        path: the device.
        width_px, height_px: size; None keeps the picture's, or with `viewport` that of the
            largest viewport; one of them alone keeps its shape.
        fps: pictures that come faster are left out; None writes all.
    """

    path: Annotated[str, msgspec.Meta(pattern=r"^/dev/[\w.:-]+(/[\w.:-]+)*$")] = "/dev/video10"
    width_px: Px | None = None
    height_px: Px | None = None
    fps: Annotated[float, msgspec.Meta(gt=0, le=240)] | None = None

    def __post_init__(self) -> None:
        if ".." in self.path:
            raise ValueError("path: must name a device below /dev")

    def open(self, stream_id: str) -> "VirtualCamera":
        """Prepare to write; the device is opened when the first picture comes.

        Raises:
            SinkError: there is no such device.
        """
        _check_device(self.path)
        return VirtualCamera(self)


class VirtualCamera:
    """A device that is written to."""

    wanted = True

    def __init__(self, spec: V4l2) -> None:
        self._spec = spec
        self._shots = Shots(spec.viewport) if spec.viewport is not None else None
        self._container: OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._pace = Pace(spec.fps)

    def put(self, item: Item) -> None:
        """Write a picture.

        Raises:
            SinkError: the device takes none, or has gone.
        """
        frame, picture = item.frame, item.frame.picture
        natural_px = frame.size_px if self._shots is None else self._shots.see(item)
        if self._pace.leaves_out(frame.pts_ns):
            return
        try:
            stream = self._stream or self._opened(natural_px)
            size_px = stream.width, stream.height
            if self._shots is not None:
                picture = self._shots.picture(picture, size_px)
            elif frame.size_px != size_px:
                width, height = frame.size_px
                whole = Viewport(0, 0, width, height, width / height, (width, height))
                picture = shown(picture, whole, *size_px)
            raw = private_frame(picture, *size_px)
            raw.pts, raw.time_base = rtp_ticks(frame.pts_ns), _TIME_BASE
            assert self._container is not None
            self._container.mux(stream.encode(raw))
        except (FFmpegError, OSError, ValueError) as error:
            self.close()
            raise _refused(self._spec.path, error) from None

    def close(self) -> None:
        """Let go of the device; its readers see the last picture, or none."""
        container, self._container, self._stream = self._container, None, None
        if container is not None:
            with suppress(FFmpegError, OSError, ValueError):
                container.close()

    def _opened(self, natural_px: tuple[int, int]) -> VideoStream:
        spec = self._spec
        _check_device(spec.path)
        size = EncoderSettings(width_px=spec.width_px, height_px=spec.height_px)
        self._container = av.open(spec.path, "w", format=_FORMAT)
        rate = Fraction(spec.fps or 30).limit_denominator(1001)
        stream = self._container.add_stream("rawvideo", rate=rate)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size.size_for(*natural_px)
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = _TIME_BASE
        self._stream = stream
        return stream


def _check_device(path: str) -> None:
    try:
        mode = Path(path).stat().st_mode
    except OSError as error:
        raise SinkError(
            f"cannot write to {path}: {error.strerror}; `modprobe v4l2loopback` makes such devices"
        ) from None
    if not stat.S_ISCHR(mode):
        raise SinkError(f"cannot write to {path}: it is not a device")


def _refused(path: str, error: FFmpegError | OSError | ValueError) -> SinkError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return SinkError(
        f"cannot write to {path}: {' '.join(str(reason).split())}"
        " (a camera takes no pictures, a device of v4l2loopback does)"
    )
