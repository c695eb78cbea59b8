"""Video files."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, cast
from urllib.parse import unquote, urlsplit

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream

from livelens.clock import NS_PER_S, now_ns
from livelens.errors import ConfigError, SourceError
from livelens.media.picture import VideoPicture
from livelens.picture import ArrayPicture, Picture
from livelens.sources.pace import Pacer
from livelens.sources.reading import FORMATS, PacketDecoder, media_ns, reason, video_of
from livelens.spec import SourceSpec
from livelens.types import Captured

# A playlist must not lead a reader out of the file system.
_OPTIONS: Final = {"protocol_whitelist": "file,crypto,data", "format_whitelist": FORMATS}
# Their length is guessed from the number of bytes, so that a cut-off file looks whole.
_GUESS_THEIR_LENGTH: Final = frozenset({"mpegts", "mpeg", "h264", "hevc", "mjpeg", "m4v", "avi"})
_MISSING_NS: Final = NS_PER_S // 2
_USUAL_STEP_NS: Final = 40_000_000


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a file before it is decoded.

    Attributes:
        width, height: of the coded picture in pixels, not rotated.
        frames: how many pictures; None where the file does not tell.
        duration_s: None where the file does not tell.
        fps: pictures per second on average; None where unknown.
        codec: FFmpeg's name of the codec.
    """

    width: int
    height: int
    frames: int | None
    duration_s: float | None
    fps: float | None
    codec: str


class File(SourceSpec, frozen=True, kw_only=True):
    """A video file.

    Attributes:
        path: of the file; a leading ``~`` is the home directory.
        loop: begin again at the end, for ever; pts go on growing.
        pace: at the pace of its timestamps, as a live stand-in for a camera whose
            pictures may be dropped; otherwise as fast as it is read, without loss.
            None: a file that loops is paced, one that is read once is not.
    """

    path: str
    loop: bool = False
    pace: bool | None = None

    def __post_init__(self) -> None:
        if not self.path or "\0" in self.path:
            raise ValueError("path names no file")

    @property
    def live(self) -> bool:
        return self.loop if self.pace is None else self.pace

    @property
    def label(self) -> str:
        return self.path

    @classmethod
    def from_url(cls, url: str) -> "File":
        """A path, ``file:PATH`` (as it is) or ``file:///PATH`` (percent-encoded)."""
        if url[:7].lower() == "file://":
            parts = urlsplit(url)
            if parts.netloc not in ("", "localhost"):
                raise ConfigError(f"{url}: a file URL has three slashes, file:///path")
            path = unquote(parts.path)
        else:
            path = url[5:] if url[:5].lower() == "file:" else url
        try:
            return cls(path=path)
        except ValueError as error:
            raise ConfigError(f"{url!r}: {error}") from None

    def describe(self) -> SourceInfo:
        """What the file says of itself. Raises SourceError as `open` does."""
        source = self.open()
        try:
            return source.info
        finally:
            source.close()

    def open(self) -> "FileSource":
        return FileSource(self)


def opened(spec: File) -> InputContainer:
    """The file, for whoever wants other things than its pictures.

    Raises:
        SourceError: the file is missing, empty or no video.
    """
    path, label = Path(spec.path).expanduser(), spec.label
    try:
        if path.is_dir():
            raise SourceError(f"{label}: is a directory, not a video")
        size = path.stat().st_size
        # A pipe or a terminal would be waited for, and nothing could end that.
        if not path.is_file():
            raise SourceError(f"{label}: is not a file")
        if size == 0:
            raise SourceError(f"{label}: the file is empty")
        # An absolute path is never taken for a URL or an option.
        return av.open(os.path.abspath(path), options=_OPTIONS, metadata_errors="replace")
    except (av.error.InvalidDataError, av.error.ArgumentError):
        raise SourceError(f"{label}: not a video, or one whose end is cut off") from None
    except av.FFmpegError as error:
        raise SourceError(f"{label}: {reason(error)}") from None
    except OSError as error:
        raise SourceError(f"{label}: {error.strerror}") from None


def origin_ns(spec: File) -> int:
    """When the file's first picture is, by its own time: there `frames` begins with 0.

    Raises:
        SourceError: it has no picture.
    """
    turn = _Turn(opened(spec), spec.label, threading.Event())
    for _ in turn.pictures():
        break
    return turn.origin_ns


class FileSource:
    """An opened `File`.

    Attributes:
        info: what the file says of itself.

    Raises:
        SourceError: the file is missing, empty or no video.
    """

    def __init__(self, spec: File) -> None:
        self._spec = spec
        self._label = spec.label
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._container: InputContainer | None = opened(spec)
        try:
            self.info = _describe(self._container, self._label)
        except SourceError:
            self._container.close()
            raise

    def frames(self) -> Iterator[Captured]:
        """Every picture; an unpaced file is decoded without loss.

        Raises:
            SourceError: the file breaks off; the pictures before have been given.
        """
        pacer = Pacer(self._stop) if self._spec.live else None
        offset_ns = 0
        while True:
            with self._lock:
                container, self._container = self._container, None
            if self._stop.is_set() or (container is None and not self._spec.loop):
                if container is not None:
                    container.close()
                return
            turn = _Turn(container or opened(self._spec), self._label, self._stop)
            for picture, pts_ns in turn.pictures():
                if pacer is not None and not pacer.wait(pts_ns + offset_ns):
                    return
                yield Captured(picture, pts_ns + offset_ns, now_ns())
            if self._stop.is_set() or not self._spec.loop:
                return
            if not turn.pictures_given:
                raise SourceError(f"{self._label}: there is no picture in it")
            offset_ns += turn.length_ns

    def close(self) -> None:
        with self._lock:
            self._stop.set()
            container, self._container = self._container, None
        if container is not None:
            container.close()


class _Turn:
    """One pass through the file. Owns the container."""

    def __init__(self, container: InputContainer, label: str, stop: threading.Event) -> None:
        self._container = container
        self._label = label
        self._stop = stop
        self._stream = video_of(container, label)
        self._decoder = PacketDecoder(self._stream.codec_context, label, live=False)
        self.pictures_given = 0
        self._origin_ns: int | None = None
        self._last_ns = 0
        self._step_ns = (
            round(NS_PER_S / self._stream.average_rate)
            if self._stream.average_rate
            else _USUAL_STEP_NS
        )

    @property
    def length_ns(self) -> int:
        """From the first picture to one step behind the last."""
        return self._last_ns + self._step_ns

    @property
    def origin_ns(self) -> int:
        """What stands in the file where `pictures` tells 0; 0 before there is a picture."""
        return self._origin_ns or 0

    def pictures(self) -> Iterator[tuple[Picture, int]]:
        """Pictures with their pts from 0. Raises SourceError where the file breaks off."""
        broke: str | None = None
        packets = self._container.demux()
        # What every stream, also sound, reaches: picture and sound rarely end together.
        reached_ns = 0
        corrupt = False
        try:
            while not self._stop.is_set():
                try:
                    packet = next(packets, None)
                except av.FFmpegError as error:
                    broke = reason(error)
                    break
                if packet is None or packet.size == 0:
                    break
                if packet.pts is not None and packet.time_base is not None:
                    end = packet.pts + (packet.duration or 0)
                    reached_ns = max(reached_ns, media_ns(end, packet.time_base))
                if isinstance(packet.stream, VideoStream) and packet.stream is self._stream:
                    corrupt = packet.is_corrupt
                    yield from self._decoded(cast("av.Packet[VideoStream]", packet))
            if not self._stop.is_set():
                yield from self._decoded(None)
                self._check_end(broke, reached_ns, corrupt)
        finally:
            self._container.close()

    def _decoded(self, packet: "av.Packet[VideoStream] | None") -> Iterator[tuple[Picture, int]]:
        for frame, _ in self._decoder.decode(packet, 0):
            if self._stop.is_set():
                return
            # A frame that is flushed out has lost its own time base.
            if frame.pts is None or self._stream.time_base is None:
                pts_ns = self._last_ns + self._step_ns if self.pictures_given else 0
            else:
                pts_ns = media_ns(frame.pts, self._stream.time_base)
                if self._origin_ns is None:
                    self._origin_ns = pts_ns
                pts_ns -= self._origin_ns
            if self.pictures_given and pts_ns <= self._last_ns:
                pts_ns = self._last_ns + 1
            self._last_ns = pts_ns
            self.pictures_given += 1
            yield _as_seen(frame, self._stream.sample_aspect_ratio), pts_ns

    def _check_end(self, broke: str | None, reached_ns: int, corrupt: bool) -> None:
        counts = self._decoder.counts
        if not self.pictures_given:
            raise SourceError(f"{self._label}: there is no picture in it that can be decoded")
        at = f"at {self._last_ns / NS_PER_S:.2f} s"
        after = f"after {self.pictures_given} pictures"
        if broke is not None:
            raise SourceError(f"{self._label}: the file breaks off {at}, {after}: {broke}")
        start = self._container.start_time or 0
        length = self._container.duration
        if length is None or self._container.format.name in _GUESS_THEIR_LENGTH:
            missing = corrupt
        else:
            whole_ns = (start + length) * 1000
            missing = whole_ns - reached_ns > _MISSING_NS
            missing |= 0 < counts.packets < self._stream.frames or corrupt
        if missing:
            whole = f" of {length / av.time_base:.2f} s" if length else ""
            raise SourceError(f"{self._label}: the file is cut off: it ends {at}{whole}, {after}")


def _as_seen(frame: av.VideoFrame, pixel: Fraction | None) -> Picture:
    """The picture as it is meant to be seen.

    Phones film upright by a note in the file; the pixels of DVDs and of some cameras are wide or
    narrow, by `pixel` how much.
    """
    turns = -round(frame.rotation / 90) % 4
    if pixel and pixel != 1:
        width = max(2, 2 * round(frame.width * pixel / 2))
        frame = frame.reformat(width=width, interpolation="BILINEAR")
    if not turns:
        return VideoPicture(frame)
    turned = np.rot90(frame.to_ndarray(format="bgr24"), turns)
    return ArrayPicture(np.ascontiguousarray(turned, dtype=np.uint8))


def _describe(container: InputContainer, label: str) -> SourceInfo:
    stream = video_of(container, label)
    context = stream.codec_context
    rate = stream.average_rate
    duration_s: float | None = None
    if container.duration is not None:
        duration_s = container.duration / av.time_base
    frames: int | None = stream.frames or None
    if frames is None and duration_s is not None and rate:
        frames = round(duration_s * float(rate))
    return SourceInfo(
        context.width,
        context.height,
        frames,
        duration_s,
        float(rate) if rate else None,
        context.name,
    )
