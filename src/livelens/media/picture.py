"""Pictures that are decoded video frames, and video frames made of any picture."""

import threading
import weakref
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from pickle import PickleBuffer

import av
import av.filter
import cv2
import numpy as np
from av.video.frame import PictureType
from av.video.plane import VideoPlane

from livelens.picture import ArrayPicture, Picture, Pixels, luma

# Formats whose first plane is brightness, 8 bit.
_LUMA_FIRST = frozenset(
    {f"yuv{j}{form}p" for j in ("", "j") for form in ("420", "422", "440", "444", "411")}
    | {"nv12", "nv21", "gray"}
)


class VideoPicture:
    """A decoded frame, kept as the decoder left it; converted when asked, once.

    Args:
        frame: must not be written to any more.
    """

    def __init__(self, frame: av.VideoFrame) -> None:
        self._frame = frame
        self._lock = threading.Lock()
        self._bgr: Pixels | None = None
        self._yuv420p: av.VideoFrame | None = None
        self._lent = False

    @property
    def width(self) -> int:
        return self._frame.width

    @property
    def height(self) -> int:
        return self._frame.height

    def bgr(self) -> Pixels:
        """(H, W, 3) uint8 BGR, read-only; converted at the first call."""
        with self._lock:
            if self._bgr is None:
                pixels = np.asarray(self._frame.to_ndarray(format="bgr24"), dtype=np.uint8)
                pixels.flags.writeable = False
                self._bgr = pixels
            return self._bgr

    def rgb_resized(self, width: int, height: int) -> Pixels:
        """(height, width, 3) uint8 RGB, scaled and converted in one step; a new array."""
        shrinks = width * height < self.width * self.height
        pixels = self._frame.to_ndarray(
            format="rgb24",
            width=width,
            height=height,
            interpolation="AREA" if shrinks else "BILINEAR",
        )
        return np.asarray(pixels, dtype=np.uint8)

    def luma(self) -> Pixels:
        """(H, W) uint8, read-only: the decoder's own plane of brightness, where it has one."""
        if self._frame.format.name not in _LUMA_FIRST:
            return luma(ArrayPicture(self.bgr()))
        return _plane(self._frame.planes[0], self.width, self.height)

    def part(self, left: int, top: int, right: int, bottom: int) -> Pixels:
        """(bottom - top, right - left, 3) uint8 BGR, inside the picture; by ITU-R BT.601.

        Of 4:2:0 planes only the part is converted, also when the whole has been already: the
        same picture gives the same pixels whoever else has looked at it.
        """
        if self._frame.format.name not in ("yuv420p", "yuvj420p"):
            return self.bgr()[top:bottom, left:right]
        # Whole samples of colour, which are two pixels wide and high.
        x, y = left - left % 2, top - top % 2
        width, height = right - x + right % 2, bottom - y + bottom % 2
        if x + width > self.width or y + height > self.height:
            return self.bgr()[top:bottom, left:right]
        planes = [_plane(self._frame.planes[0], self.width, self.height)[y:, x:][:height, :width]]
        for each in self._frame.planes[1:3]:
            whole = _plane(each, (self.width + 1) // 2, (self.height + 1) // 2)
            planes.append(whole[y // 2 :, x // 2 :][: height // 2, : width // 2])
        packed = np.concatenate([plane.ravel() for plane in planes])
        pixels = cv2.cvtColor(packed.reshape(height * 3 // 2, width), cv2.COLOR_YUV2BGR_I420)
        return np.asarray(pixels[top - y : bottom - y, left - x : right - x], dtype=np.uint8)

    def yuv420p(self) -> av.VideoFrame:
        """The frame as yuv420p, not to be written to."""
        with self._lock:
            if self._yuv420p is None:
                if self._frame.format.name == "yuv420p":
                    self._yuv420p = self._frame
                else:
                    self._yuv420p = self._frame.reformat(format="yuv420p")
            return self._yuv420p

    def __reduce_ex__(self, _: object) -> tuple[object, ...]:
        """For another process: the decoder's planes as they are (pickle protocol 5)."""
        frame = self._frame
        if frame.format.has_palette:
            return ArrayPicture, (self.bgr(),)
        colours = (frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries)
        planes = [(plane.line_size, PickleBuffer(plane)) for plane in frame.planes]
        decoded = frame.pict_type != PictureType.NONE
        return _received, (frame.width, frame.height, frame.format.name, colours, planes, decoded)

    def __repr__(self) -> str:
        return f"VideoPicture({self.width}x{self.height}, {self._frame.format.name})"


def _plane(plane: VideoPlane, width: int, height: int) -> Pixels:
    rows: Pixels = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, abs(plane.line_size))
    # A negative line size means that the last line is the first in memory.
    pixels: Pixels = (rows if plane.line_size > 0 else rows[::-1])[:height, :width]
    pixels.flags.writeable = False
    return pixels


def _received(
    width: int,
    height: int,
    form: str,
    colours: tuple[int, int, int, int],
    planes: Sequence[tuple[int, memoryview]],
    decoded: bool,
) -> VideoPicture:
    """What `VideoPicture.__reduce_ex__` took apart, in memory of its own."""
    frame = av.VideoFrame(width, height, form)
    for plane, (line_size, pixels) in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(pixels, np.uint8).reshape(-1, abs(line_size))
        mine = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        shared = min(rows.shape[1], mine.shape[1])
        # A negative line size means that the last line is the first in memory.
        np.copyto(mine[:, :shared], rows[:: 1 if line_size > 0 else -1, :shared])
    if decoded and form == "yuv420p":
        frame = _sited_left(width, height)(frame)
    (frame.colorspace, frame.color_range, frame.color_trc, frame.color_primaries) = colours
    return VideoPicture(frame)


@lru_cache(maxsize=16)
def _sited_left(width: int, height: int) -> Callable[[av.VideoFrame], av.VideoFrame]:
    """Marks yuv420p frames of a size as having their chroma samples on the left.

    That is where the decoders of H.264, H.265 and MPEG say they are (ISO/IEC 14496-10 E.2.1,
    `chroma_loc_info_present_flag`), and scaling goes by it. PyAV shows it nowhere, so a
    filter has to set it; no pixel is copied.
    """
    graph, one_at_a_time = av.filter.Graph(), threading.Lock()
    form = av.VideoFormat("yuv420p", width, height)
    way_in = graph.add_buffer(width=width, height=height, format=form, time_base=Fraction(1, 1000))
    graph.link_nodes(
        way_in, graph.add("setparams", "chroma_location=left"), graph.add("buffersink")
    ).configure()

    def sited(frame: av.VideoFrame) -> av.VideoFrame:
        with one_at_a_time:
            graph.push(frame)
            marked = graph.pull()
        assert isinstance(marked, av.VideoFrame)
        return marked

    return sited


_converted: "weakref.WeakKeyDictionary[Picture, VideoPicture]" = weakref.WeakKeyDictionary()
_converted_lock = threading.Lock()


def _as_video(picture: Picture) -> VideoPicture:
    if isinstance(picture, VideoPicture):
        return picture
    with _converted_lock:
        found = _converted.get(picture)
    if found is None:
        # Outside the lock: two threads may convert the same picture, but none waits for another.
        made = VideoPicture(_from_bgr(picture.bgr()))
        with _converted_lock:
            found = _converted.setdefault(picture, made)
    return found


def _from_bgr(pixels: Pixels) -> av.VideoFrame:
    # A height of 2 makes 3 rows of planes, which PyAV takes for something else.
    if pixels.shape[0] % 2 or pixels.shape[1] % 2 or pixels.shape[0] < 4:
        array = np.ascontiguousarray(pixels)
        return av.VideoFrame.from_ndarray(array, format="bgr24").reformat(format="yuv420p")
    # OpenCV converts ten times faster than swscale (0.4 against 5 ms at 720p).
    planes = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)
    return av.VideoFrame.from_numpy_buffer(planes, format="yuv420p")


def video_frame(picture: Picture) -> av.VideoFrame:
    """The picture as a yuv420p frame: read it, do not write to it. Converted once."""
    return _as_video(picture).yuv420p()


def private_frame(picture: Picture, width: int, height: int) -> av.VideoFrame:
    """The picture as a yuv420p frame of this size for one encoder alone.

    An encoder writes its own time and picture type into the frame, and several may
    encode one picture at the same moment.
    """
    video = _as_video(picture)
    shared = video.yuv420p()
    if (shared.width, shared.height) != (width, height):
        return shared.reformat(width=width, height=height, interpolation="BILINEAR")
    with video._lock:
        first, video._lent = not video._lent, True
    if first:
        return shared
    copy = av.VideoFrame(width, height, "yuv420p")
    for mine, theirs in zip(copy.planes, shared.planes, strict=True):
        if mine.line_size == theirs.line_size:
            mine.update(bytes(theirs))
        else:
            rows = np.frombuffer(bytes(theirs), np.uint8).reshape(-1, theirs.line_size)[
                :, : theirs.width
            ]
            target = np.zeros((theirs.height, mine.line_size), np.uint8)
            target[:, : theirs.width] = rows[: theirs.height, : theirs.width]
            mine.update(target.tobytes())
    return copy
