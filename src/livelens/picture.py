"""What a picture can do, wherever its pixels live.

Decoders keep YUV planes and convert only what somebody asks for: a conversion
that nobody looks at is the most common waste of a video server.
"""

import threading
from collections.abc import Callable
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@runtime_checkable
class Picture(Protocol):
    """One picture, read-only. Safe to share between threads.

    One that can be pickled can go to a stage in a process lane; large buffers should
    then be apart (pickle protocol 5), so that they go through shared memory.
    """

    @property
    def width(self) -> int:
        """Width in pixels."""

    @property
    def height(self) -> int:
        """Height in pixels."""

    def bgr(self) -> Pixels:
        """The picture as (height, width, 3) uint8 BGR, read-only; converted once."""

    def rgb_resized(self, width: int, height: int) -> Pixels:
        """The picture scaled to (height, width, 3) uint8 RGB; a new array."""


def luma(picture: Picture) -> Pixels:
    """The picture's brightness as (height, width) uint8, read-only.

    A picture that has a method `luma` of this kind is not converted for it.
    """
    own: Callable[[], Pixels] | None = getattr(picture, "luma", None)
    return own() if own is not None else _luma(picture.bgr())


def part(picture: Picture, left: int, top: int, right: int, bottom: int) -> Pixels:
    """A part of the picture as (height, width, 3) uint8 BGR, not to be written to.

    A picture that has a method `part` of this kind is not converted for it as a whole. What
    lies outside is left out.
    """
    left, top = max(0, left), max(0, top)
    right, bottom = min(picture.width, right), min(picture.height, bottom)
    if left >= right or top >= bottom:
        return np.zeros((0, 0, 3), np.uint8)
    own: Callable[[int, int, int, int], Pixels] | None = getattr(picture, "part", None)
    return own(left, top, right, bottom) if own else picture.bgr()[top:bottom, left:right]


def thinned(plane: Pixels, width: int, height: int) -> Pixels:
    """An array of pixels scaled to (height, width), of one or two of its rows for each new one.

    Ten times faster than all rows at 720p (0.02 against 0.25 ms for one channel).
    """
    step = max(1, plane.shape[0] // height)
    rows = plane[step // 2 :: step]
    scaled = cv2.resize(rows, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(scaled, dtype=np.uint8)


def _luma(bgr: Pixels) -> Pixels:
    # Green is seven tenths of it, and a view.
    return bgr[:, :, 1]


class ArrayPicture:
    """A picture that is an array already.

    Args:
        bgr: (height, width, 3) uint8 BGR. Made read-only; pass a copy to go on writing.

    Raises:
        ValueError: the array has another shape or type.
    """

    def __init__(self, bgr: Pixels) -> None:
        if bgr.dtype != np.uint8 or bgr.ndim != 3 or bgr.shape[2] != 3 or 0 in bgr.shape:
            raise ValueError(f"a picture is (H, W, 3) uint8, not {bgr.shape} {bgr.dtype}")
        self._bgr = bgr.view()
        self._bgr.flags.writeable = False
        self._lock = threading.Lock()

    @property
    def width(self) -> int:
        return int(self._bgr.shape[1])

    @property
    def height(self) -> int:
        return int(self._bgr.shape[0])

    def bgr(self) -> Pixels:
        return self._bgr

    def rgb_resized(self, width: int, height: int) -> Pixels:
        shrinks = width * height < self.width * self.height
        scaled = cv2.resize(
            self._bgr,
            (width, height),
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
        )
        return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_BGR2RGB), dtype=np.uint8)

    def luma(self) -> Pixels:
        return _luma(self._bgr)

    def __reduce__(self) -> tuple[type["ArrayPicture"], tuple[Pixels]]:
        return ArrayPicture, (self._bgr,)

    def __repr__(self) -> str:
        return f"ArrayPicture({self.width}x{self.height})"
