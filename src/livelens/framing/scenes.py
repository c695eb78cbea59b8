"""Where another scene begins: cuts of film, not flashes, fades or motion."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scenedetect import (  # type: ignore[import-untyped]
    ContentDetector,
    FrameTimecode,
)

from livelens.clock import NS_PER_S
from livelens.picture import Pixels

SIZE_PX = (64, 36)
# A change that may be a cut, as the library counts it. Its own limit of 27 is too much for dark
# scenes, and fast motion has more than that.
_CHANGE = 5.0
# After a cut the edges of both pictures have nothing to do with each other: of 1100 pairs the
# most was 0.15, and the least from frame to frame 0.24, of a running child by a hand camera.
_ALIKE = 0.18
# The same for what has moved across by up to a quarter of the picture, as in a fast pan.
_ALIKE_SHIFTED = 0.33
_SHIFT_PX = (16, 8)
# A picture with less contrast shows nothing to compare: a fade, a white flash.
_CONTRAST = 4.0
_SHORTEST_NS = NS_PER_S // 4

_Floats = NDArray[np.float32]


class Scenes:
    """Compares each picture with the one before."""

    def __init__(self) -> None:
        self._before: Pixels | None = None
        # The library wants a time for its filter of short scenes, which counts no real time.
        self._timecode = FrameTimecode(0, fps=30.0)
        self._last: _Floats | None = None
        self._blank = False
        self._cut_ns: int | None = None

    def begins(self, small: Pixels, pts_ns: int) -> bool:
        """Whether a scene begins with this picture.

        Args:
            small: the picture's brightness, (36, 64). A cut of colours alone is none.
            pts_ns: its time.
        """
        changed = self._changed(small)
        grey = small.astype(np.float32)
        if cv2.meanStdDev(grey)[1][0, 0] < _CONTRAST:
            self._blank = True
            return False
        last, self._last = self._last, grey
        changed |= self._blank
        self._blank = False
        if last is None or not changed or self._is_soon(pts_ns) or _alike(last, grey):
            return False
        self._cut_ns = pts_ns
        return True

    def _changed(self, small: Pixels) -> bool:
        """What the library says; not asked where it cannot say yes: its measure is this mean."""
        before, self._before = self._before, small
        if before is None or cv2.norm(before, small, cv2.NORM_L1) < _CHANGE * small.size:
            return False
        detector = ContentDetector(threshold=_CHANGE, min_scene_len=0, luma_only=True)
        found = [
            # It takes pictures in colour.
            detector.process_frame(self._timecode, cv2.merge((each, each, each)))
            for each in (before, small)
        ]
        return bool(found[-1])

    def _is_soon(self, pts_ns: int) -> bool:
        return self._cut_ns is not None and 0 <= pts_ns - self._cut_ns < _SHORTEST_NS


def _alike(one: _Floats, other: _Floats) -> bool:
    """Whether both have the same edges, at any brightness, there or somewhat aside."""
    (ax, ay), (bx, by) = _edges(one), _edges(other)
    both = np.sqrt((np.sum(ax * ax + ay * ay)) * np.sum(bx * bx + by * by))
    if np.sum(ax * bx + ay * by) >= _ALIKE * max(both, 1e-6):
        return True
    across, down = _SHIFT_PX
    lines = cv2.Laplacian(other, cv2.CV_32F)[down:-down, across:-across]
    found = cv2.matchTemplate(cv2.Laplacian(one, cv2.CV_32F), lines, cv2.TM_CCOEFF_NORMED)
    return bool(found.max() >= _ALIKE_SHIFTED)


def _edges(grey: _Floats) -> tuple[_Floats, _Floats]:
    return grey[:-1, 1:] - grey[:-1, :-1], grey[1:, :-1] - grey[:-1, :-1]
