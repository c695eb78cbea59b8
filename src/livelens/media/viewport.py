"""Showing the part of a picture that a virtual camera looks at.

Each YUV plane is resampled once, straight to the size of the shot. OpenCV's warps know
thirty-second parts of a pixel and a cubic kernel that bends ramps, which a slow pan shows as
wobbling; and they do not filter what is made smaller. Here positions are exact, the kernel is
that of Catmull and Rom, as wide as shrinking needs, and it costs less.
"""

from dataclasses import dataclass
from math import ceil, floor, isfinite
from typing import Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]

from livelens.media.picture import VideoPicture, video_frame
from livelens.picture import Picture, Pixels
from livelens.types import Viewport

# Closer to a whole pixel than this is a whole pixel: nothing is interpolated then.
_EXACT_PX: Final = 1e-3
# Samples that are worked on at once: they stay in the processor's cache.
_AT_ONCE: Final = 1 << 17
# What is made smaller than this at least is made smaller by a whole number before.
_ENOUGH: Final = 1.5
# Background: so much smaller, then blurred by so many of its pixels.
_SMALLER: Final = 16
_BLUR_PX: Final = 2.0
# As much as a shot may differ in shape from its viewport without lines at its edges.
_ROUNDING_PX: Final = 2.0


@dataclass(frozen=True, slots=True)
class _View:
    """A viewport on its way into a shot.

    Attributes:
        x, y, width, height: in pixels of the picture.
        step: pixels of the picture for each of the shot.
        left, top: where it begins in the shot; above 0, something has to be filled up.
    """

    x: float
    y: float
    width: float
    height: float
    step: float
    left: float
    top: float

    @property
    def fills(self) -> bool:
        return self.left <= 0 and self.top <= 0


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where samples are taken along one axis of a plane: at `first`, then every `step`.

    Attributes:
        begin, end: no sample outside of these is looked at.
    """

    first: float
    step: float
    count: int
    begin: int
    end: int

    @property
    def whole(self) -> int | None:
        """The first sample, if samples are taken as they are."""
        first = round(self.first)
        exact = abs(self.first - first) < _EXACT_PX
        exact &= abs(self.step - 1) * self.count < _EXACT_PX
        return first if exact and self.begin <= first <= self.end - self.count else None

    def reduced(self, factor: int) -> tuple["_Axis", slice]:
        """The same of a plane made smaller by a factor, and which samples that is made of."""
        begin = self.begin // factor * factor
        size = (self.end - begin) // factor
        first = (self.first - begin - (factor - 1) / 2) / factor
        axis = _Axis(first, self.step / factor, self.count, 0, size)
        return axis, slice(begin, begin + size * factor)


def shown(picture: Picture, viewport: Viewport, width: int, height: int) -> Picture:
    """What a viewport shows of a picture.

    Chroma samples are taken to lie where those of H.264 lie: left, and between two rows. A
    viewport of another shape than the shot's is shown whole in its middle, over the same
    picture blurred.

    Args:
        width, height: of the shot in pixels; made even, and 2 at least.
    """
    frame = video_frame(picture)
    width, height = max(2, width & ~1), max(2, height & ~1)
    view = _fitted(viewport, frame.width, frame.height, width, height)
    shot = av.VideoFrame(width, height, "yuv420p")
    for number, (theirs, mine) in enumerate(zip(frame.planes, shot.planes, strict=True)):
        source, target = _pixels(theirs), _pixels(mine)
        of_chroma = number > 0
        if view.fills:
            target[...] = _looked_at(source, view, (0, 0, width, height), of_chroma)
        else:
            _pad(source, target, view, (width, height), of_chroma)
    shot.colorspace, shot.color_range = frame.colorspace, frame.color_range
    shot.color_trc, shot.color_primaries = frame.color_trc, frame.color_primaries
    return VideoPicture(shot)


def _pixels(plane: av.video.plane.VideoPlane) -> Pixels:
    """The pixels of a plane in place, or a copy where a negative line size turns it over."""
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, abs(plane.line_size))
    if plane.line_size < 0:
        rows = np.ascontiguousarray(rows[::-1])
    return rows[: plane.height, : plane.width]


def _fitted(viewport: Viewport, picture_w: int, picture_h: int, shot_w: int, shot_h: int) -> _View:
    box = (viewport.x, viewport.y, viewport.width, viewport.height)
    x, y, width, height = box if all(map(isfinite, box)) else (0.0, 0.0, picture_w, picture_h)
    width, height = min(max(width, 1.0), picture_w), min(max(height, 1.0), picture_h)
    x, y = min(max(x, 0.0), picture_w - width), min(max(y, 0.0), picture_h - height)
    # Sizes are even, so the shot's shape is not quite that of the viewport. What is lost by that
    # is cut off, lest every shot have lines at its edges.
    least, most = sorted((width / shot_w, height / shot_h))
    shape = shot_w / shot_h
    if max(shot_w, shot_h) * (most - least) / most < _ROUNDING_PX:
        stretch = shape * height / width
    else:
        stretch = shape / viewport.aspect if viewport.aspect > 0 else 1.0
        if abs(stretch - 1) > _ROUNDING_PX / shot_w + _ROUNDING_PX / shot_h:
            stretch = 1.0
    narrower, lower = width * min(stretch, 1.0), height / max(stretch, 1.0)
    x, y = x + (width - narrower) / 2, y + (height - lower) / 2
    step = max(narrower / shot_w, lower / shot_h)
    left, top = (shot_w - narrower / step) / 2, (shot_h - lower / step) / 2
    slight = 1 / 64
    return _View(
        x, y, narrower, lower, step, left if left > slight else 0.0, top if top > slight else 0.0
    )


def _looked_at(
    plane: Pixels, view: _View, part: tuple[int, int, int, int], of_chroma: bool
) -> Pixels:
    """What a part of the shot shows of the viewport; `part` is x, y, width, height, all even."""
    x, y, width, height = part
    across = _axis(
        view.x, view.width, view.step, x - view.left, width, plane.shape[1], of_chroma, 0.5
    )
    down = _axis(
        view.y, view.height, view.step, y - view.top, height, plane.shape[0], of_chroma, 1.0
    )
    return _resampled(plane, across, down)


def _axis(
    start: float,
    length: float,
    step: float,
    offset: float,
    count: int,
    size: int,
    of_chroma: bool,
    chroma_at: float,
) -> _Axis:
    """Where a plane is looked at along one axis.

    Args:
        start, length: of the viewport.
        step: pixels of the picture for each of the shot.
        offset: of the first pixel in the shot from where the viewport begins there.
        count: pixels of the shot.
        size: of the plane.
        chroma_at: where in the first of two pixels their chroma sample lies.
    """
    apart = 2 if of_chroma else 1
    at = chroma_at if of_chroma else 0.5
    first = (start + (offset + at) * step - at) / apart
    begin = min(max(floor(start / apart + _EXACT_PX), 0), size - 1)
    end = min(max(ceil((start + length) / apart - _EXACT_PX), begin + 1), size)
    return _Axis(first, step, count // apart, begin, end)


def _resampled(plane: Pixels, across: _Axis, down: _Axis) -> Pixels:
    smaller = int(across.step / _ENOUGH)
    if smaller > 1 and min(across.end - across.begin, down.end - down.begin) > smaller:
        # By a whole number first: quick, and what is left to do is enough against aliasing.
        across, columns = across.reduced(smaller)
        down, rows = down.reduced(smaller)
        size = across.end, down.end
        plane = np.asarray(cv2.resize(plane[rows, columns], size, interpolation=cv2.INTER_AREA))
    at_x, at_y = across.whole, down.whole
    columns = slice(across.begin, across.end) if at_x is None else slice(at_x, at_x + across.count)
    rows = slice(down.begin, down.end) if at_y is None else slice(at_y, at_y + down.count)
    part = plane[rows, columns]
    if at_y is not None:
        return part if at_x is not None else _rounded(_across(part, _Weights.of(across)))
    weights = _Weights.of(down)
    values = part if at_x is not None else _across(part, _Weights.of(across))
    made = np.empty((down.count, across.count), np.uint8)
    rows_at_once = max(16, _AT_ONCE // across.count)
    for first in range(0, down.count, rows_at_once):
        matrix, begin, end = weights.some(first, min(first + rows_at_once, down.count))
        made[first : first + rows_at_once] = _rounded(
            matrix @ np.asarray(values[begin:end], np.float32)
        )
    return made


def _across(part: Pixels, weights: "_Weights") -> NDArray[np.float32]:
    """Resampled along the rows."""
    made = np.empty((len(part), weights.count), np.float32)
    matrix, begin, end = weights.some(0, weights.count)
    rows_at_once = max(16, _AT_ONCE // weights.count)
    for first in range(0, len(part), rows_at_once):
        turned = cv2.transpose(part[first : first + rows_at_once, begin:end])
        new = matrix @ np.asarray(turned, np.float32)
        made[first : first + rows_at_once] = cv2.transpose(new)
    return made


@dataclass(frozen=True, slots=True)
class _Weights:
    """What each of `count` samples consists of: shares of samples of the plane."""

    known: NDArray[np.int32]
    shares: NDArray[np.float32]
    taps: int
    count: int

    @classmethod
    def of(cls, axis: _Axis) -> "_Weights":
        position = axis.first - axis.begin + axis.step * np.arange(axis.count)
        wide = max(axis.step, 1.0)
        taps = ceil(4 * wide)
        first = np.floor(position - 2 * wide).astype(np.int32) + 1
        known = first[:, None] + np.arange(taps, dtype=np.int32)
        if wide == 1.0:
            shares = _four_shares((position - first - 1).astype(np.float32))
        else:
            exact = _catmull_rom((known - position[:, None]) / wide)
            shares = (exact / exact.sum(axis=1, keepdims=True)).astype(np.float32)
        np.clip(known, 0, axis.end - axis.begin - 1, out=known)
        return cls(known.ravel(), shares.ravel(), taps, axis.count)

    def some(self, first: int, end: int) -> tuple[sparse.csr_array, int, int]:
        """A matrix that makes some of the samples, and of which samples it makes them."""
        part = slice(first * self.taps, end * self.taps)
        begin, over = int(self.known[part.start]), int(self.known[part.stop - 1]) + 1
        ends = np.arange(0, part.stop - part.start + 1, self.taps, dtype=np.int32)
        entries = (self.shares[part], self.known[part] - begin, ends)
        return sparse.csr_array(entries, shape=(end - first, over - begin)), begin, over


def _catmull_rom(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cubic kernel that leaves ramps and parabolas as they are."""
    d = np.abs(distance)
    near = (1.5 * d - 2.5) * d * d + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    kernel: NDArray[np.float64] = np.where(d < 1, near, np.where(d < 2, far, 0.0))
    return kernel


def _four_shares(t: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same of the four samples around a place, `t` after the second."""
    shares = np.empty((len(t), 4), np.float32)
    rest = 1 - t
    shares[:, 0] = -0.5 * t * rest * rest
    shares[:, 1] = (1.5 * t - 2.5) * t * t + 1
    shares[:, 2] = (1.5 * rest - 2.5) * rest * rest + 1
    shares[:, 3] = -0.5 * rest * t * t
    return shares


def _rounded(values: NDArray[np.float32]) -> Pixels:
    np.rint(values, out=values)
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


def _pad(
    source: Pixels, target: Pixels, view: _View, shot: tuple[int, int], of_chroma: bool
) -> None:
    """The whole viewport in the middle, and behind it the same, enlarged and blurred."""
    apart = 2 if of_chroma else 1
    target[...] = _blurred(source, view, shot, apart)
    spans = [_span(view.left, shot[0]), _span(view.top, shot[1])]
    (x, right), (y, bottom) = spans
    # A copy: what needs no resampling is the picture itself.
    inner = _looked_at(source, view, (x, y, right - x, bottom - y), of_chroma).copy()
    place = target[y // apart : bottom // apart, x // apart : right // apart]
    # Edges move by parts of a pixel too: there both are mixed.
    covered_x = _covered(x, right, view.left, shot[0] - view.left, apart)
    covered_y = _covered(y, bottom, view.top, shot[1] - view.top, apart)
    for column in np.flatnonzero(covered_x < 1):
        inner[:, column] = _mixed(inner[:, column], place[:, column], covered_x[column])
    for row in np.flatnonzero(covered_y < 1):
        inner[row] = _mixed(inner[row], place[row], covered_y[row])
    place[...] = inner


def _span(margin: float, length: int) -> tuple[int, int]:
    """First and end of the even pixels that a viewport touches in the shot."""
    first = floor(margin / 2) * 2
    return first, length - first


def _covered(first: int, end: int, begins: float, ends: float, apart: int) -> NDArray[np.float64]:
    """How much of each sample from `first` to `end` lies between two places."""
    low = np.arange(first, end, apart, dtype=np.float64)
    lies = np.minimum(low + apart, ends) - np.maximum(low, begins)
    share: NDArray[np.float64] = np.clip(lies / apart, 0.0, 1.0)
    return share


def _mixed(over: Pixels, under: Pixels, share: float) -> Pixels:
    return np.rint(under + share * (over.astype(np.float64) - under)).astype(np.uint8)


def _blurred(source: Pixels, view: _View, shot: tuple[int, int], apart: int) -> Pixels:
    """The viewport so enlarged that it fills the shot, out of focus."""
    width, height = shot
    step = min(view.width / width, view.height / height)
    x = view.x + (view.width - width * step) / 2
    y = view.y + (view.height - height * step) / 2
    rows, columns = source.shape
    left, top = min(floor(x / apart), columns - 1), min(floor(y / apart), rows - 1)
    right, bottom = ceil((x + width * step) / apart), ceil((y + height * step) / apart)
    part = source[top : max(bottom, top + 1), left : max(right, left + 1)]
    # By a whole number, since OpenCV is quick at that alone.
    enlarged = max(width / part.shape[1], height / part.shape[0])
    smaller = max(1, min(int(_SMALLER / enlarged), *part.shape))
    size = part.shape[1] // smaller, part.shape[0] // smaller
    part = part[: size[1] * smaller, : size[0] * smaller]
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), _BLUR_PX)
    large = cv2.resize(small, (width // apart, height // apart), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.uint8)
