"""Writes pictures into a fragmented MP4 file that stays playable if the program is killed."""

import os
import struct
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

import av
import cv2
import msgspec
import numpy as np
from av.error import FFmpegError
from av.video.stream import VideoStream

from livelens.clock import RTP_CLOCK_HZ, nanoseconds, rtp_ticks
from livelens.errors import SinkError
from livelens.media.picture import private_frame
from livelens.picture import ArrayPicture, Picture, Pixels
from livelens.sinks.pace import Pace
from livelens.sinks.paths import check_template, filled_in, parent_checked
from livelens.sinks.shots import Shots
from livelens.spec import SinkSpec
from livelens.types import Item

_TIME_BASE = Fraction(1, RTP_CLOCK_HZ)

# A fragment is complete in itself: what has been written up to the last one can be played.
_MUXER = {
    # `delay_moov`: with the first fragment known, an edit list makes the file begin at 0.
    "movflags": "frag_keyframe+empty_moov+default_base_moof+delay_moov",
    "frag_duration": "500000",
    "flush_packets": "1",
}


class Record(SinkSpec, frozen=True, kw_only=True):
    """Records H.264 in fragmented MP4.

    Pictures keep their own times, so that a dropped frame is a longer picture and not a
    shift. With `overlay` the drawn pictures are recorded, else those of the source; with
    `viewport` what its virtual camera shows of them.

    Attributes:
        path: the file, replaced if it is there. `{stream}` and `{time}` (UTC, when the file
            begins) are filled in.
        fps: pictures that come faster are left out; None records all.
        crf: x264's constant quality, 0 (lossless) to 51.
        bitrate_bps: a mean bitrate instead of constant quality.
        preset: x264's: slower ones make smaller files.
        gop_s: a keyframe at least so often; a player can jump to them.
        segment_s: begin a new file after so long; None never does.
        resize: pictures of another size than the file's first are fitted into it with
            borders, viewports over a blurred picture (`fit`), or begin a new file (`split`).
            Further files are called `name-2.mp4`, `name-3.mp4`, unless `{time}` tells them apart.
        threads: of the encoder; 0 leaves the number to x264.
        index: a file that is complete gets an index of all its pictures and is then plain MP4,
            which every player seeks in; keeps some 100 bytes for each picture until then.
    """

    path: Annotated[str, msgspec.Meta(min_length=1)] = "{stream}-{time}.mp4"
    fps: Annotated[float, msgspec.Meta(gt=0, le=1000)] | None = None
    codec: Literal["h264"] = "h264"
    crf: Annotated[float, msgspec.Meta(ge=0, le=51)] = 20.0
    bitrate_bps: Annotated[int, msgspec.Meta(ge=10_000)] | None = None
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = (
        "veryfast"
    )
    gop_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 2.0
    segment_s: Annotated[float, msgspec.Meta(ge=1)] | None = None
    resize: Literal["fit", "split"] = "fit"
    threads: Annotated[int, msgspec.Meta(ge=0, le=64)] = 0
    index: bool = False

    def __post_init__(self) -> None:
        check_template(self.path)

    def open(self, stream_id: str) -> "Recording":
        """Prepare to record; the file is made when the first picture comes.

        Raises:
            SinkError: the folder is missing.
        """
        parent_checked(filled_in(Path(self.path), stream_id))
        return Recording(self, stream_id)


class Recording:
    """A recording that goes on.

    Attributes:
        files: those written so far, the present one last.
    """

    wanted = True

    def __init__(self, spec: Record, stream_id: str) -> None:
        self._spec = spec
        self._stream_id = stream_id
        self._file: _Mp4 | None = None
        self._pace = Pace(spec.fps)
        self._shots = Shots(spec.viewport) if spec.viewport is not None else None
        self.files: list[Path] = []

    def put(self, item: Item) -> None:
        """Record a picture.

        Raises:
            SinkError: the disk is full, or the picture cannot be encoded. What was written
                before stays playable.
        """
        frame, picture = item.frame, item.frame.picture
        size_px = frame.size_px if self._shots is None else self._shots.see(item)
        if self._pace.leaves_out(frame.pts_ns):
            return
        if self._file is not None and self._splits(self._file, frame.pts_ns, size_px):
            self.close()
        if self._file is None:
            self._file = self._begun(frame.pts_ns, size_px)
        try:
            if self._shots is not None:
                picture = self._shots.picture(picture, self._file.picture_px)
            self._file.write(picture, frame.pts_ns)
        except (FFmpegError, OSError, ValueError) as error:
            broken, self._file = self._file, None
            broken.abandon()
            raise _broken(broken.path, error) from None

    def close(self) -> None:
        """Finish the file.

        Raises:
            SinkError: its end could not be written; all before it can be played.
        """
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.close()
        except (FFmpegError, OSError, ValueError) as error:
            file.abandon()
            raise _broken(file.path, error) from None

    def _splits(self, file: "_Mp4", pts_ns: int, size_px: tuple[int, int]) -> bool:
        spec = self._spec
        if spec.segment_s is not None and pts_ns - file.first_ns >= nanoseconds(spec.segment_s):
            return True
        return spec.resize == "split" and size_px != file.picture_px

    def _begun(self, pts_ns: int, size_px: tuple[int, int]) -> "_Mp4":
        first = filled_in(Path(self._spec.path), self._stream_id)
        path, number = first, 1
        while path in self.files:
            number += 1
            path = first.with_stem(f"{first.stem}-{number}")
        parent_checked(path)
        try:
            file = _Mp4(path, self._spec, pts_ns, size_px)
        except (FFmpegError, OSError, ValueError) as error:
            raise _broken(path, error) from None
        self.files.append(path)
        return file


class _Mp4:
    """One file. Its time begins with its first picture."""

    def __init__(
        self, path: Path, spec: Record, first_ns: int, picture_px: tuple[int, int]
    ) -> None:
        self.path = path
        self.first_ns = first_ns
        self.picture_px = picture_px
        # 4:2:0 has no odd sizes: the last row or column is cut, as nothing can be added.
        self._width, self._height = (max(2, length - length % 2) for length in picture_px)
        self._last_ticks = -1
        self._interval_ticks = RTP_CLOCK_HZ // 30
        muxer = dict(_MUXER)
        if spec.index:
            muxer["movflags"] += "+hybrid_fragmented"
        self._container = av.open(str(path), "w", format="mp4", options=muxer)
        try:
            self._stream = self._opened(spec)
        except BaseException:
            self.abandon()
            raise

    def _opened(self, spec: Record) -> VideoStream:
        options: dict[str, str] = {"preset": spec.preset}
        if spec.bitrate_bps is None:
            options["crf"] = str(spec.crf)
        fps = Fraction(spec.fps or 30).limit_denominator(1001)
        stream = self._container.add_stream("libx264", rate=fps, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = self._width, self._height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = _TIME_BASE
        if spec.bitrate_bps is not None:
            stream.bit_rate = spec.bitrate_bps
        stream.codec_context.thread_count = spec.threads
        if spec.index:
            # FFmpeg's index lets the time end before the last picture if that one is not the
            # last in the file, as with B-frames.
            stream.codec_context.max_b_frames = 0
        self._gop_ticks = rtp_ticks(nanoseconds(spec.gop_s))
        self._next_key_ticks = 0
        stream.codec_context.gop_size = 100_000  # keyframes go by time, see `write`
        stream.codec_context.open()
        return stream

    def write(self, picture: Picture, pts_ns: int) -> None:
        ticks = rtp_ticks(pts_ns - self.first_ns)
        if ticks <= self._last_ticks:  # 90 kHz is coarser than nanoseconds
            return
        if self._last_ticks >= 0:
            self._interval_ticks = ticks - self._last_ticks
        self._last_ticks = ticks
        if (picture.width, picture.height) != self.picture_px:
            picture = ArrayPicture(_fitted(picture, self._width, self._height))
        elif (picture.width, picture.height) != (self._width, self._height):
            picture = ArrayPicture(picture.bgr()[: self._height, : self._width])
        frame = private_frame(picture, self._width, self._height)
        frame.pts, frame.time_base = ticks, _TIME_BASE
        frame.pict_type = av.video.frame.PictureType.NONE
        if ticks >= self._next_key_ticks:
            frame.pict_type = av.video.frame.PictureType.I
            self._next_key_ticks = ticks + self._gop_ticks
        self._mux(frame)

    def close(self) -> None:
        self._mux(None)
        self._container.close()

    def _mux(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            # Only the last picture's counts: without it, a player's time ends before it.
            packet.duration = self._interval_ticks
            self._container.mux(packet)

    def abandon(self) -> None:
        """Let go of the file; what the muxer still wants to write may fail."""
        with suppress(FFmpegError, OSError, ValueError):
            self._container.close()
        with suppress(OSError):
            os.truncate(self.path, _whole_bytes(self.path))


def _fitted(picture: Picture, width: int, height: int) -> Pixels:
    """The picture as large as fits into (height, width, 3) BGR, in the middle of black."""
    scale = min(width / picture.width, height / picture.height)
    inner_width = max(1, round(picture.width * scale))
    inner_height = max(1, round(picture.height * scale))
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    inner = picture.rgb_resized(inner_width, inner_height)
    canvas[top : top + inner_height, left : left + inner_width] = cv2.cvtColor(
        inner, cv2.COLOR_RGB2BGR
    )
    return canvas


def _whole_bytes(path: Path) -> int:
    """Length of the MP4 file up to the end of its last complete fragment, in bytes.

    Boxes (ISO/IEC 14496-12, 4.2) are a 32-bit length, four letters, and the rest.
    """
    end, whole = 0, 0
    length = path.stat().st_size
    with path.open("rb") as file:
        while end + 8 <= length:
            file.seek(end)
            size, kind = struct.unpack(">I4s", file.read(8))
            if size == 1:
                size = int.from_bytes(file.read(8))
            end += max(size, 8)
            if end <= length and kind != b"moof":  # a moof is worth nothing without its mdat
                whole = end
    return whole


def _broken(path: Path, error: FFmpegError | OSError | ValueError) -> SinkError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return SinkError(f"cannot record to {path}: {' '.join(str(reason).split())}")
